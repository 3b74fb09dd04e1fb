// `mcp-remote`, which serves a remote server to clients that only know stdio: Claude Desktop and others. The client in
// front of it is the TypeScript SDK 1.x.

import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

import { run } from "./sdk_1.mjs";
import { address, headers, moduleBinary, transport } from "./target.mjs";

const PATHS = { mcp: "/mcp", session: "/mcp/session", sse: "/mcp/sse" };

function bridge() {
  const header = `Authorization:${headers.Authorization}`;
  const strategy = transport === "sse" ? "sse-only" : "http-only";
  const url = address(PATHS[transport]).href;
  const args = [moduleBinary("mcp-remote"), url, "--header", header, "--transport", strategy];
  return new StdioClientTransport({ command: process.execPath, args, env: process.env, stderr: "pipe" });
}

await run(bridge);
