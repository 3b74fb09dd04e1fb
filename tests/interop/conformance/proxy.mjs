// A proxy on a free loopback port that adds the bearer token to every request, because the conformance runner can
// send none.

import http from "node:http";

/** Starts the proxy; returns its address, without a slash at the end, and a function that stops it. */
export async function startProxy(serverUrl, token) {
  const target = new URL(serverUrl);
  const proxy = http.createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const { hostname, port } = target;
    const { method, url: path } = request;
    const forwarded = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  });
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${proxy.address().port}`, stop };
}
