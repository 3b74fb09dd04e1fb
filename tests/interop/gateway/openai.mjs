// The official client of OpenAI: answers, tools, records and errors, with models of both providers.

import assert from "node:assert/strict";

import OpenAI from "openai";

import { MODELS } from "./catalog.mjs";
import { startAimock, startGateway } from "./processes.mjs";
import { token } from "./user.mjs";

const aimock = await startAimock();
const gateway = await startGateway(aimock);

/** A client that does not repeat failed requests. */
const client = (apiKey) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
const openai = client(token("ann"));
const question = (content) => [{ role: "user", content }];

const SKY = "The sky is blue: air scatters short waves more — “Rayleigh”.";
const SCHEMA = {
  type: "json_schema",
  json_schema: {
    name: "weather",
    strict: true,
    schema: {
      type: "object",
      properties: { city: { type: "string" }, degrees: { type: "integer" } },
      required: ["city", "degrees"],
      additionalProperties: false,
    },
  },
};

const listed = [];
for await (const model of openai.models.list()) listed.push(model);
for (const [id, { provider }] of Object.entries(MODELS)) {
  assert.equal(listed.find((model) => model.id === id)?.owned_by, provider, id);
}

for (const model of ["chat", "message"]) {
  const whole = await openai.chat.completions.create({ model, messages: question("plain"), max_tokens: 100 });
  assert.equal(whole.choices[0].message.content, SKY);
  assert.deepEqual([whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens], [11, 17, 28]);
  assert.equal(whole.choices[0].finish_reason, "stop");

  const chunks = await openai.chat.completions.create({
    ...{ model, messages: question("plain"), max_completion_tokens: 100 },
    ...{ stream: true, stream_options: { include_usage: true } },
  });
  let text = "";
  let usage;
  for await (const chunk of chunks) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, SKY);
  assert.equal(usage.total_tokens, 28);

  // Its helpers assemble a stream, and fail if a part is missing.
  const stream = openai.chat.completions.stream({ model, messages: question("thinking") });
  assert.equal((await stream.finalChatCompletion()).choices[0].message.content, "Two.");

  const record = await openai.chat.completions.parse({ model, messages: question("a record"), response_format: SCHEMA });
  assert.deepEqual(JSON.parse(record.choices[0].message.content), { city: "Oslo", degrees: -3 });

  // The client runs the tool, and sends its result in a second request.
  for (const streamed of [false, true]) {
    const asked = [];
    const runner = openai.chat.completions.runTools({
      model,
      stream: streamed,
      messages: question("weather"),
      tools: [
        {
          type: "function",
          function: {
            name: "get_weather",
            parse: JSON.parse,
            function: ({ city }) => (asked.push(city), "snow"),
            parameters: { type: "object", properties: { city: { type: "string" } } },
          },
        },
      ],
    });
    assert.equal(await runner.finalContent(), "It snows in Oslo.");
    assert.deepEqual(asked, ["Oslo"]);
  }

  // An answer that is cut is an error, and no answer that looks complete.
  const cut = openai.chat.completions.stream({ model, messages: question("cut late") });
  let partial = "";
  cut.on("content", (delta) => (partial += delta));
  await assert.rejects(cut.finalChatCompletion(), (error) => error instanceof OpenAI.APIError);
  assert.ok(partial.startsWith("One"), partial);

  const cancelled = await openai.chat.completions.create({ model, messages: question("endless"), stream: true });
  for await (const _ of cancelled) break;
}

// A request that is repeated with its key has the same answer, and is charged once.
const repeated = { model: "chat", messages: question("plain") };
const keyed = () => openai.chat.completions.create(repeated, { headers: { "Idempotency-Key": "k" } }).withResponse();
const [once, again] = [await keyed(), await keyed()];
assert.equal(again.data.choices[0].message.content, once.data.choices[0].message.content);
assert.equal((await aimock.journal()).filter(({ body }) => body.messages[0].content === "plain").length, 5);

/** Asserts that a request fails with an error of this class. */
async function assertFails(by, request, Class, status, code) {
  const messages = request.messages ?? question("plain");
  await assert.rejects(by.chat.completions.create({ model: "chat", ...request, messages }), (error) => {
    assert.ok(error instanceof Class, error);
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.ok(error.message.length > 10, error.message);
    return true;
  });
}

await assertFails(client("no token"), {}, OpenAI.AuthenticationError, 401, "UNAUTHORIZED");
await assertFails(openai, { model: "dear" }, OpenAI.APIError, 402, "INSUFFICIENT_CREDITS");
await assertFails(openai, { model: "gpt-none" }, OpenAI.NotFoundError, 404, "UNKNOWN_MODEL");
await assertFails(openai, { messages: question("refused") }, OpenAI.BadRequestError, 400, "INVALID_REQUEST");
await assertFails(openai, { messages: question("too long") }, OpenAI.BadRequestError, 400, "CONTEXT_TOO_LONG");

const trial = client(token("ben", "trial"));
await assertFails(trial, { model: "message" }, OpenAI.PermissionDeniedError, 403, "MODEL_NOT_ALLOWED");
assert.deepEqual((await trial.models.list()).data.map(({ id }) => id), ["chat"]);
const { response } = await trial.chat.completions.create({ model: "chat", messages: question("plain") }).withResponse();
assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "0");
await assertFails(trial, {}, OpenAI.RateLimitError, 429, "RATE_LIMITED");

await gateway.stop();
await aimock.stop();
