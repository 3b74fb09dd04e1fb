// The server as a resource of a provider on this machine, and the answers to calls with a token.

import { freePort, startServer } from "../servers.mjs";

/** Starts the server for tokens of `issuer`; returns its address, a caller and a function that stops it. */
export async function startResource(issuer) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({ PORT: String(port), OIDC_ISSUER: issuer, PUBLIC_URL: url });

  /** Calls a tool; returns the status, the challenge, and whether the call has a result. */
  async function call(token, tool = "get_stats") {
    const response = await fetch(`${url}/mcp`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: {} } }),
    });
    const answer = await response.json();
    const challenge = response.headers.get("www-authenticate") ?? "";
    return { status: response.status, challenge, succeeded: answer.result?.isError === false };
  }

  return { url, audience: `${url}/mcp`, call, stop: server.stop };
}
