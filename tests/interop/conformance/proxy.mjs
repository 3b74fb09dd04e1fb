// A proxy on a free loopback port that adds the bearer token to every request, because the conformance runner can
// send none. It also cuts the stream that answers a call of `test_reconnection` behind its first event, as networks
// do; the runner then resumes the stream.

import http from "node:http";
import { buffer } from "node:stream/consumers";

const CUT_CALL = '"test_reconnection"';

/** Starts the proxy; returns its address, without a slash at the end, and a function that stops it. */
export async function startProxy(serverUrl, token) {
  const { hostname, port } = new URL(serverUrl);
  const proxy = http.createServer(async (request, response) => {
    const body = await buffer(request);
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const { method, url: path } = request;
    const forwarded = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      if (body.includes(CUT_CALL)) answer.once("data", (event) => response.end(event));
      else answer.pipe(response);
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
