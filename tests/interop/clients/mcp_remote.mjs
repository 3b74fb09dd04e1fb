// `mcp-remote`, which serves a remote server to clients that only know stdio: Claude Desktop and others. The client in
// front of it is the TypeScript SDK 1.x.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

import { journey } from "./journey.mjs";
import { Mailbox } from "./mailbox.mjs";
import { address, headers, moduleBinary, transport } from "./target.mjs";

const PATHS = { mcp: "/mcp", session: "/mcp/session", sse: "/mcp/sse" };

function bridge() {
  const header = `Authorization:${headers.Authorization}`;
  const strategy = transport === "sse" ? "sse-only" : "http-only";
  const url = address(PATHS[transport]).href;
  const args = [moduleBinary("mcp-remote"), url, "--header", header, "--transport", strategy];
  return new StdioClientTransport({ command: process.execPath, args, env: process.env, stderr: "pipe" });
}

async function connect() {
  const client = new Client({ name: "interop", version: "1.0.0" });
  const mailbox = new Mailbox();
  client.fallbackNotificationHandler = async (notification) => mailbox.put(notification);
  await client.connect(bridge());
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
