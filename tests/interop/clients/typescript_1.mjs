// The official TypeScript SDK 1.x.

import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { run } from "./sdk_1.mjs";
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

await run(TRANSPORTS[transport]);
