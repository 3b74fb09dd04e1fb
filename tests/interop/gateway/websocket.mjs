// The WebSocket with `ws`: the ways to send a token, requests in parallel and a lost connection.

import assert from "node:assert/strict";
import { once } from "node:events";

import WebSocket from "ws";

import { startAimock, startGateway } from "./processes.mjs";
import { assertError, GatewaySocket, token } from "./user.mjs";

const aimock = await startAimock();
const gateway = await startGateway(aimock);
const { url } = gateway;
const jwt = token("ann");

/** The status of the answer to a handshake that is refused. */
async function refusal(protocols, options, path = "/gateway") {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, protocols, options);
  const [request, response] = await once(socket, "unexpected-response");
  request.destroy();
  return response.statusCode;
}

// `ws` fails if a server selects no protocol of several, or another one.
for (const [protocols, selected] of [
  [["gateway.v1", `bearer.${jwt}`], "gateway.v1"],
  [[`bearer.${jwt}`, "gateway.v1"], "gateway.v1"],
  [["Bearer", jwt], "Bearer"],
]) {
  const socket = await GatewaySocket.open(url, "ann", protocols, {});
  assert.equal(socket.socket.protocol, selected);
  assert.equal((await socket.ask(1, "chat", "plain")).end.type, "done");
  socket.close();
}
assert.equal(await refusal([], {}), 401);
assert.equal(await refusal(["gateway.v1", "bearer.none"], {}), 401);
assert.equal(await refusal(["Bearer", "none"], {}), 401);
assert.equal(await refusal([], { headers: { Authorization: "Bearer none" } }), 401);
assert.equal(await refusal([], {}, `/gateway?token=${jwt}`), 401);

// The messages of the first version, as its clients send them.
const socket = await GatewaySocket.open(url, "ann");
const original = { provider: "openai", stream: true, maxTokens: 100, temperature: 0.7 };
for (const type of ["chat", "completion"]) {
  const answer = await socket.ask(`first-${type}`, "chat", "plain", { ...original, type });
  assert.equal(answer.end.usage.totalTokens, 28);
  assert.match(answer.end.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
}

// Requests of one socket run at the same time, and their messages are numbered without a gap.
const ids = Array.from({ length: 16 }, (_, index) => 100 + index);
const answers = await Promise.all(ids.map((id) => socket.ask(id, id % 2 ? "chat" : "message", "plain")));
for (const { messages, text, end } of answers) {
  assert.equal(end.type, "done");
  assert.ok(text.startsWith("The sky"));
  const numbers = messages.map(({ seq }) => seq);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
}
socket.send({ type: "ping" });
await socket.next(({ type }) => type === "pong");
socket.socket.send("{");
assertError({ end: await socket.next(({ type }) => type === "error") }, "INVALID_JSON");

// The answer of a lost connection is read on, and its text is complete.
const first = await GatewaySocket.open(url, "ann");
first.send({ id: "long", type: "chat", model: "chat", messages: [{ role: "user", content: "endless" }], stream: true });
const begin = await first.next(({ type }) => type === "chunk");
first.close();
const second = await GatewaySocket.open(url, "ann");
second.send({ id: "long", type: "resume", session: first.ready.session, after: begin.seq });
const rest = await second.answer("long");
assert.equal(rest.end.type, "done");
assert.equal(begin.data + rest.text, "tick tack ".repeat(10).trim());
second.close();

// The server stops with a close code that says so.
const closed = once(socket.socket, "close");
await gateway.stop();
assert.equal((await closed)[0], 1001);
await aimock.stop();
