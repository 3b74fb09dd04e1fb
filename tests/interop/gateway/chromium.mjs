// The WebSocket in Chromium, whose pages can send a token as a subprotocol only.

import assert from "node:assert/strict";

import { startAimock, startBrowser, startGateway } from "./processes.mjs";
import { token } from "./user.mjs";

/** Opens a socket in the page, asks, and returns the selected protocol and all messages, or the code of the close. */
const ASK = `
  const [url, protocols, request, done] = arguments;
  const messages = [];
  const socket = new WebSocket(url, protocols);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    messages.push(message);
    if (message.type === "ready") socket.send(JSON.stringify(request));
    if (message.type === "done" || message.type === "error") {
      done({ protocol: socket.protocol, messages });
      socket.close();
    }
  };
  socket.onclose = ({ code }) => done({ code });
`;

const aimock = await startAimock();
const gateway = await startGateway(aimock);
const browser = await startBrowser();

const request = {
  ...{ id: 1, type: "chat", model: "message", stream: true, maxTokens: 100 },
  messages: [{ role: "user", content: "plain" }],
};
const socket = `${gateway.url.replace("http", "ws")}/gateway`;
const jwt = token("ann");
const ask = (...protocols) => browser.run(ASK, [socket, protocols, request]);

await browser.open(`${gateway.url}/gateway/health`);
for (const protocols of [["gateway.v1", `bearer.${jwt}`], ["Bearer", jwt]]) {
  const { protocol, messages } = await ask(...protocols);
  assert.equal(protocol, protocols[0]);
  const text = messages.map(({ type, data }) => (type === "chunk" ? data : "")).join("");
  assert.equal(text, "The sky is blue: air scatters short waves more — “Rayleigh”.");
  assert.equal(messages.at(-1).type, "done", JSON.stringify(messages));
  assert.equal(messages.at(-1).usage.totalTokens, 28);
}
assert.deepEqual(await ask("gateway.v1", "bearer.none"), { code: 1006 });
assert.deepEqual(await ask(), { code: 1006 });

// A page of another origin can't use the credential of a user that it has got.
await browser.open("data:text/html,<title>foreign</title>");
assert.deepEqual(await ask("gateway.v1", `bearer.${jwt}`), { code: 1006 });

await browser.stop();
await gateway.stop();
await aimock.stop();
