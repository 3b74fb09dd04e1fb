// A proxy on a free loopback port that adds the bearer token to every request, because the conformance runner can
// send none. It also cuts the stream that answers a call of `test_reconnection` behind its first event, as networks
// do. Once the runner has resumed the stream, the proxy lets the call end.

import http from "node:http";
import { buffer } from "node:stream/consumers";

const CUT_CALL = '"test_reconnection"';
const FINISHING_CALL = JSON.stringify({
  jsonrpc: "2.0",
  id: "finish",
  method: "tools/call",
  params: { name: "test_finish_reconnection", arguments: {} },
});

/** Starts the proxy; returns its address, without a slash at the end, and a function that stops it. */
export async function startProxy(serverUrl, token) {
  const { hostname, port } = new URL(serverUrl);
  const finish = (path, { authorization, ...received }) => {
    const headers = { authorization, "content-type": "application/json", accept: "text/event-stream, application/json" };
    for (const name of ["mcp-session-id", "mcp-protocol-version"]) headers[name] = received[name];
    return fetch(new URL(path, serverUrl), { method: "POST", headers, body: FINISHING_CALL });
  };
  const proxy = http.createServer(async (request, response) => {
    const body = await buffer(request);
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const { method, url: path } = request;
    const forwarded = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      if (body.includes(CUT_CALL)) answer.once("data", (event) => response.end(event));
      else answer.pipe(response);
      if (headers["last-event-id"]) finish(path, headers);
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    forwarded.end(body);
  });
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${proxy.address().port}`, stop };
}
