// The checks of `make interop`: what runs, and against which server.

import { startRedis, startServer } from "./servers.mjs";

const NODE = [process.execPath, ...process.execArgv];

const python = (environment) => [`target/interop/${environment}/bin/python`];

/** Name, command and transports of each client. */
const CLIENTS = [
  ["TypeScript SDK 1.x", [...NODE, "typescript_1.mjs"], ["mcp", "session", "sse", "stdio"]],
  ["TypeScript SDK 2.x", [...NODE, "typescript_2.mjs"], ["mcp", "2026-07-28", "session", "sse", "stdio"]],
  ["Python SDK 1.x", [...python("python-1"), "python_1.py"], ["mcp", "session", "sse", "stdio"]],
  ["Python SDK 2.x", [...python("python-2"), "python_2.py"], ["mcp", "2026-07-28", "session", "sse", "stdio"]],
  ["fastmcp", [...python("fastmcp"), "fastmcp_client.py"], ["mcp", "2026-07-28", "session", "sse", "stdio"]],
  ["Inspector", [...NODE, "inspector.mjs"], ["mcp", "session", "sse", "stdio"]],
  ["mcp-remote", [...NODE, "mcp_remote.mjs"], ["mcp", "session", "sse"]],
];

const clients = CLIENTS.flatMap(([name, [...command], transports]) => {
  const script = `target/interop/src/clients/${command.pop()}`;
  return transports.map((transport) => ({
    name: `${name}: ${transport}`,
    command: [...command, script, transport],
    start: transport === "stdio" ? startRedis : startServer,
  }));
});

const conformance = ["/mcp", "/mcp/session"].map((path) => ({
  name: `conformance: ${path}`,
  command: [...NODE, "target/interop/src/conformance/check.mjs", path],
  start: startServer,
}));

const schemas = {
  name: "schemas: Ajv",
  command: [...NODE, "target/interop/src/schemas.mjs"],
  start: startServer,
};

/** A check that starts the servers itself. */
const standalone = (name, script) => ({
  name,
  command: [...NODE, `target/interop/src/${script}`],
  start: async () => ({ env: {}, stop: () => {} }),
});

const oauth = ["mock_server", "oidc_provider"].map((script) => standalone(`OAuth: ${script}`, `oauth/${script}.mjs`));

/** Providers and clients of the gateway. */
const gateway = ["llmock", "aimock", "openai", "anthropic", "websocket", "chromium"].map((script) =>
  standalone(`gateway: ${script}`, `gateway/${script}.mjs`),
);

export const CHECKS = [...oauth, ...gateway, ...conformance, schemas, ...clients];
