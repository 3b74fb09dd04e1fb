// The official TypeScript SDK 2.x. `2026-07-28` is the protocol without sessions; the others are those before it.

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { journey } from "./journey.mjs";
import { Mailbox } from "./mailbox.mjs";
import { address, headers, stdio, transport } from "./target.mjs";

const isStateless = transport === "2026-07-28";
const requestInit = { headers };

const TRANSPORTS = {
  "2026-07-28": () => new StreamableHTTPClientTransport(address("/mcp"), { requestInit }),
  mcp: () => new StreamableHTTPClientTransport(address("/mcp"), { requestInit }),
  session: () => new StreamableHTTPClientTransport(address("/mcp/session"), { requestInit }),
  sse: () => new SSEClientTransport(address("/mcp/sse"), { requestInit, eventSourceInit: { fetch: authorized } }),
  stdio: () => new StdioClientTransport(stdio),
};

function authorized(url, init) {
  return fetch(url, { ...init, headers: { ...init.headers, ...headers } });
}

const versionNegotiation = isStateless ? { mode: { pin: transport } } : undefined;

async function connect() {
  const client = new Client({ name: "interop", version: "1.0.0" }, { versionNegotiation });
  const mailbox = new Mailbox();
  client.fallbackNotificationHandler = async (notification) => mailbox.put(notification);
  await client.connect(TRANSPORTS[transport]());
  return {
    listTools: async () => (await client.listTools()).tools,
    call: (name, args, signal) => client.callTool({ name, arguments: args }, { signal }),
    subscribe: (uri) =>
      isStateless ? client.listen({ resourceSubscriptions: [uri] }) : client.subscribeResource({ uri }),
    nextNotification: (method) => mailbox.next(method),
    close: () => client.close(),
  };
}

// Without a session, the server pushes no events of the chat. Before 2026-07-28 it then can't notify a client at all,
// and does not know which call a client cancels.
const live = transport !== "mcp";
await journey(connect, { pushes: live && !isStateless, subscribes: live, cancels: live });
