// The official client of Anthropic: answers, tools and errors, with models of both providers.

import assert from "node:assert/strict";

import Anthropic from "@anthropic-ai/sdk";

import { startAimock, startGateway } from "./processes.mjs";
import { token } from "./user.mjs";

const aimock = await startAimock();
const gateway = await startGateway(aimock);

/** A client that does not repeat failed requests. */
const client = (apiKey) => new Anthropic({ baseURL: gateway.url, apiKey, maxRetries: 0 });
const anthropic = client(token("ann"));
const question = (content) => ({ max_tokens: 200, messages: [{ role: "user", content }] });

const SKY = "The sky is blue: air scatters short waves more — “Rayleigh”.";
const TOOLS = [
  {
    name: "get_weather",
    description: "The weather of a city",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];

const listed = [];
for await (const { id } of anthropic.models.list()) listed.push(id);
assert.ok(["chat", "message"].every((model) => listed.includes(model)), listed.join());

const textOf = ({ content }) => content.map(({ text = "" }) => text).join("");

for (const model of ["message", "chat"]) {
  const whole = await anthropic.messages.create({ model, ...question("plain") });
  assert.equal(textOf(whole), SKY);
  assert.deepEqual([whole.usage.input_tokens, whole.usage.output_tokens], [11, 17]);
  assert.deepEqual([whole.type, whole.role, whole.stop_reason], ["message", "assistant", "end_turn"]);

  // Its helper assembles a stream, and fails if a part is missing.
  for (const text of ["plain", "thinking"]) {
    const stream = anthropic.messages.stream({ model, ...question(text) });
    const message = await stream.finalMessage();
    assert.equal(textOf(message), text === "plain" ? SKY : "Two.");
    assert.deepEqual(message.usage.output_tokens, text === "plain" ? 17 : 9);
  }

  // With the credential as a bearer token too.
  const bearer = new Anthropic({ baseURL: gateway.url, apiKey: null, authToken: token("ann") });
  assert.equal(textOf(await bearer.messages.create({ model, ...question("plain") })), SKY);

  for (const streamed of [false, true]) {
    const messages = [{ role: "user", content: "weather" }];
    const request = () => ({ model, max_tokens: 200, messages, tools: TOOLS });
    const ask = () =>
      streamed ? anthropic.messages.stream(request()).finalMessage() : anthropic.messages.create(request());
    const called = await ask();
    assert.equal(called.stop_reason, "tool_use");
    const call = called.content.find(({ type }) => type === "tool_use");
    assert.deepEqual([call.name, call.input], ["get_weather", { city: "Oslo" }]);
    messages.push({ role: "assistant", content: called.content });
    messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "snow" }] });
    assert.equal(textOf(await ask()), "It snows in Oslo.");
  }

  // An answer that is cut is an error, and no answer that looks complete.
  const cut = anthropic.messages.stream({ model, ...question("cut late") });
  let partial = "";
  cut.on("text", (text) => (partial += text));
  await assert.rejects(cut.finalMessage(), (error) => error instanceof Anthropic.APIError);
  assert.ok(partial.startsWith("One"), partial);

  const cancelled = await anthropic.messages.create({ model, ...question("endless"), stream: true });
  for await (const _ of cancelled) break;
}

/** Asserts that a request fails with an error of this class, and names the code. */
async function assertFails(by, request, Class, status, type, code) {
  await assert.rejects(by.messages.create({ model: "message", ...question("plain"), ...request }), (error) => {
    assert.ok(error instanceof Class, error);
    assert.deepEqual([error.status, error.error.error.type], [status, type]);
    assert.ok(error.error.error.message.startsWith(code), error.message);
    return true;
  });
}

const { AuthenticationError, APIError, NotFoundError, BadRequestError, PermissionDeniedError, RateLimitError } = Anthropic;
await assertFails(client("no token"), {}, AuthenticationError, 401, "authentication_error", "UNAUTHORIZED");
await assertFails(anthropic, { model: "dear" }, APIError, 402, "billing_error", "INSUFFICIENT_CREDITS");
await assertFails(anthropic, { model: "claude-none" }, NotFoundError, 404, "not_found_error", "UNKNOWN_MODEL");
await assertFails(anthropic, question("refused"), BadRequestError, 400, "invalid_request_error", "INVALID_REQUEST");
await assertFails(anthropic, question("too long"), BadRequestError, 400, "invalid_request_error", "CONTEXT_TOO_LONG");

const trial = client(token("ben", "trial"));
await assertFails(trial, {}, PermissionDeniedError, 403, "permission_error", "MODEL_NOT_ALLOWED");
await trial.messages.create({ model: "chat", ...question("plain") });
await assertFails(trial, { model: "chat" }, RateLimitError, 429, "rate_limit_error", "RATE_LIMITED");

await gateway.stop();
await aimock.stop();
