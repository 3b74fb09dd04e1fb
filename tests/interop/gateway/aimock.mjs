// aimock as the provider of both formats, over WebSocket and HTTP: answers, tools and faults. The charges are those of the
// tokens that its answers count.

import assert from "node:assert/strict";

import { price } from "./catalog.mjs";
import { startAimock, startGateway } from "./processes.mjs";
import { assertError, GatewaySocket, micros, token } from "./user.mjs";

const SKY = "The sky is blue: air scatters short waves more — “Rayleigh”.";
const TOOLS = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather of a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

/** Asks over HTTP; returns the answer and its charge. */
async function post(url, user, body) {
  const headers = { Authorization: `Bearer ${token(user)}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return { text, charged: micros(response.headers.get("x-gateway-charged")) };
}

/** Checks the answers of a model, whose path is `upstream` at the provider. */
async function check(model, upstream) {
  const aimock = await startAimock();
  const gateway = await startGateway(aimock);
  const user = `user-of-${model}`;
  const socket = await GatewaySocket.open(gateway.url, user);
  const start = (await socket.credits()).balance;
  let spent = 0;
  let id = 0;
  let complete = 0;

  /** Asks for an answer that must be complete, and whose charge is that of the tokens that the provider counts. */
  const ask = async (text, usage, more) => {
    const answer = await socket.ask(++id, model, text, more);
    assert.equal(answer.end.type, "done", JSON.stringify(answer.end));
    const { promptTokens, completionTokens } = answer.end.usage;
    assert.deepEqual([promptTokens, completionTokens], usage, text);
    assert.equal(answer.end.usage.source, "provider");
    const charge = price(model, answer.end.usage);
    assert.equal(micros(answer.end.credits.charged), charge, text);
    spent += charge;
    complete += 1;
    return answer;
  };

  for (const stream of [true, false]) {
    const { text, chunks } = await ask("plain", [11, 17], { stream });
    assert.equal(text, SKY);
    assert.equal(chunks.length > 0, stream);

    const { end, chunks: calls } = await ask("weather", [40, 12], { stream, tools: TOOLS });
    assert.equal(end.finishReason, "tool_calls");
    const called = stream ? calls.flatMap(({ toolCalls }) => toolCalls ?? []) : end.toolCalls;
    assert.equal(called[0].id, "call_1", JSON.stringify(called));
    const args = called.map((call) => call.function?.arguments ?? call.arguments ?? "").join("");
    assert.deepEqual(JSON.parse(args), { city: "Oslo" }, JSON.stringify(called));

    const toolCalls = [{ id: "call_1", type: "function", function: { name: "get_weather", arguments: args } }];
    const messages = [
      { role: "user", content: "weather" },
      { role: "assistant", content: null, tool_calls: toolCalls },
      { role: "tool", tool_call_id: "call_1", content: "snow" },
    ];
    assert.equal((await ask("", [60, 6], { stream, tools: TOOLS, messages })).text, "It snows in Oslo.");
    assert.equal((await ask("thinking", [8, 9], { stream })).text, "Two.");
  }

  // Over HTTP in both formats, whichever the provider speaks.
  const body = { model, max_tokens: 100, messages: [{ role: "user", content: "plain" }] };
  for (const path of ["/v1/chat/completions", "/v1/messages"]) {
    const whole = await post(gateway.url + path, user, body);
    assert.equal(whole.charged, price(model, { promptTokens: 11, completionTokens: 17 }));
    const { choices, content } = JSON.parse(whole.text);
    assert.equal(choices?.[0].message.content ?? content[0].text, SKY);
    const { text } = await post(gateway.url + path, user, { ...body, stream: true });
    assert.ok(text.trimEnd().endsWith(path.endsWith("messages") ? '{"type":"message_stop"}' : "[DONE]"), text);
    spent += 2 * whole.charged;
    complete += 2;
  }

  // Faults before the answer are repaired, and cost nothing.
  for (const text of ["overloaded", "throttled", "cut early"]) {
    const started = performance.now();
    assert.equal((await ask(text, [7, 3])).text, "Here I am.");
    if (text === "throttled") assert.ok(performance.now() - started >= 2_000, "Retry-After is obeyed");
  }
  assert.ok((await ask("slow start", [7, 3])).end.timings.firstTokenMs >= 1_500);

  const refused = await socket.ask(++id, model, "refused");
  assertError(refused, "INVALID_REQUEST");
  assert.match(refused.end.error.message, /temperature must be between 0 and 2/);
  assertError(await socket.ask(++id, model, "too long"), "CONTEXT_TOO_LONG");
  assert.equal((await socket.credits()).balance, start - spent);

  // Faults within an answer: it is charged as an estimate, and at most in full.
  for (const text of ["cut late", "dropped"]) {
    const broken = await socket.ask(++id, model, text);
    assertError(broken, "STREAM_BROKEN");
    assert.equal(broken.end.error.partial, true);
    assert.ok("One two three four five six seven.".startsWith(broken.text) && broken.text, broken.text);
    const charge = micros(broken.end.credits.charged);
    assert.ok(charge > 0 && charge <= price(model, { promptTokens: 20, completionTokens: 14 }), `${text}: ${charge}`);
    spent += charge;
  }
  socket.send({ id: ++id, type: "chat", model, messages: [{ role: "user", content: "endless" }], stream: true });
  await socket.next((message) => message.id === id && message.type === "chunk");
  socket.send({ id, type: "cancel" });
  const cancelled = await socket.answer(id);
  assertError(cancelled, "CANCELLED");
  spent += micros(cancelled.end.credits.charged);

  const uncounted = await socket.ask(++id, model, "uncounted");
  assert.equal(uncounted.end.type, "done");
  complete += 1;
  spent += micros(uncounted.end.credits.charged);
  if (model === "message") {
    // It counts no tokens, and says 0.
    assert.equal(uncounted.end.usage.source, "estimated");
    const { promptTokens, completionTokens } = uncounted.end.usage;
    assert.ok(promptTokens >= 1 && completionTokens >= 10, JSON.stringify(uncounted.end.usage));
    assert.equal(micros(uncounted.end.credits.charged), price(model, uncounted.end.usage));
  }

  assert.deepEqual(await socket.credits(), { balance: start - spent, held: 0 });
  socket.close();

  // The provider has no other requests: a cancelled one too is complete for it.
  const entries = await aimock.journal();
  assert.ok(entries.every(({ path }) => path === upstream));
  const statuses = Object.groupBy(entries, ({ response }) => response.interrupted ? "cut" : response.status);
  const counts = Object.entries(statuses).map(([status, { length }]) => [status, length]);
  assert.deepEqual(Object.fromEntries(counts), { 200: complete + 1, 400: 2, 429: 1, 529: 1, cut: 3 });

  await gateway.stop();
  await aimock.stop();
}


/** Checks that an equivalent answers at its price when a provider is overloaded, before the caller gets anything of it. */
async function checkFailover() {
  const aimock = await startAimock();
  const gateway = await startGateway(aimock);
  const socket = await GatewaySocket.open(gateway.url, "ann");
  const { messages, text, end } = await socket.ask(1, "backed", "plain");
  assert.deepEqual(messages.map(({ type }) => type).slice(0, 3), ["accepted", "notice", "chunk"]);
  const { kind, provider, model } = messages[1];
  assert.deepEqual([kind, provider, model], ["failover", "claude", "message"]);
  assert.deepEqual([text, end.provider, end.model], [SKY, "claude", "message"]);
  assert.equal(micros(end.credits.charged), price("message", { promptTokens: 11, completionTokens: 17 }));
  const statuses = (await aimock.journal()).map(({ path, response }) => [path, response.status]);
  assert.deepEqual(statuses, [["/v1/chat/completions", 529], ["/v1/messages", 200]]);
  socket.close();
  await gateway.stop();
  await aimock.stop();
}

await Promise.all([check("chat", "/v1/chat/completions"), check("message", "/v1/messages"), checkFailover()]);
