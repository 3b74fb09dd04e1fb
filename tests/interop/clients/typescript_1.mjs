// The official TypeScript SDK 1.x.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { journey } from "./journey.mjs";
import { Mailbox } from "./mailbox.mjs";
import { address, headers, stdio, transport } from "./target.mjs";

const requestInit = { headers };

const TRANSPORTS = {
  mcp: () => new StreamableHTTPClientTransport(address("/mcp"), { requestInit }),
  session: () => new StreamableHTTPClientTransport(address("/mcp/session"), { requestInit }),
  sse: () => new SSEClientTransport(address("/mcp/sse"), { requestInit, eventSourceInit: { fetch: authorized } }),
  stdio: () => new StdioClientTransport(stdio),
};

function authorized(url, init) {
  return fetch(url, { ...init, headers: { ...init.headers, ...headers } });
}

async function connect() {
  const client = new Client({ name: "interop", version: "1.0.0" });
  const mailbox = new Mailbox();
  client.fallbackNotificationHandler = async (notification) => mailbox.put(notification);
  await client.connect(TRANSPORTS[transport]());
  return {
    listTools: async () => (await client.listTools()).tools,
    call: (name, args, signal) => client.callTool({ name, arguments: args }, undefined, { signal }),
    subscribe: (uri) => client.subscribeResource({ uri }),
    nextNotification: (method) => mailbox.next(method),
    close: () => client.close(),
  };
}

// Without a session, the server can't notify this client, and does not know which call it cancels.
const live = transport !== "mcp";
await journey(connect, { pushes: live, subscribes: live, cancels: live });
