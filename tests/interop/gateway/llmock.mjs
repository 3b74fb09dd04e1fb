// llmock as the provider of both formats. It judges how its client behaves after faults: the gateway, together with a client
// that repeats a request when the gateway calls its error retryable. After the first content only the client can do that.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { price } from "./catalog.mjs";
import { startGateway, startLlmock } from "./processes.mjs";
import { assertError, GatewaySocket, micros } from "./user.mjs";

/** Chunks before and within the text of an answer, in both formats. */
const [EARLY, LATE] = [1, 6];
const TEXT = "one two three four five six seven eight nine ten";
/** Time limits of the gateway, in seconds. */
const [FIRST_CONTENT, SILENCE] = [4, 2];
const TOOL = { name: "get_weather", description: "The weather", parameters: { type: "object", properties: {} } };

/** Checks the adapter of a model's provider. */
async function check(model) {
  // With a pause between its chunks it can see that a client stops reading.
  const llmock = await startLlmock("--context-window", "5000", "--stream-chunk-delay-ms", "20");
  const gateway = await startGateway(llmock, `first_content = ${FIRST_CONTENT}, silence = ${SILENCE}`);
  const socket = await GatewaySocket.open(gateway.url, "ann");
  let spent = 1_000_000 - (await socket.credits()).balance;
  let id = 0;

  /** Asks once. */
  async function ask(text, more) {
    const answer = await socket.ask(++id, model, text, { maxTokens: 200, ...more });
    const charged = micros(answer.end.credits.charged);
    spent += charged;
    const accepted = answer.messages.find(({ type }) => type === "accepted");
    assert.ok(!accepted || charged <= micros(accepted.held), `${text}: the charge is within the hold`);
    if (answer.end.type === "done") {
      assert.equal(answer.end.usage.source, "provider");
      assert.equal(charged, price(model, answer.end.usage), text);
    }
    return answer;
  }

  /** Asks as long as the error is retryable; returns all answers. */
  async function repeat(text, more) {
    const answers = [await ask(text, more)];
    while (answers.at(-1).end.error?.retryable && answers.length < 3) {
      await delay(answers.at(-1).end.error.retryAfterMs ?? 100);
      answers.push(await ask(text, more));
    }
    return answers;
  }

  /** Asserts that llmock finds no fault of its client, after one call with this number of attempts. */
  async function assertClean(attempts, name) {
    const verdict = await llmock.verdict();
    assert.deepEqual(verdict.findings, [], `${name}: ${JSON.stringify(verdict)}`);
    assert.deepEqual([verdict.calls, verdict.attempts], [1, attempts], `${name}: ${JSON.stringify(verdict)}`);
    await llmock.reset();
  }

  // Text, tokens and charge are those that llmock gives without the gateway.
  for (const stream of [true, false]) {
    const answer = await ask("Why is the sky blue?", { stream });
    const [{ path, body }] = await llmock.requests();
    await assertClean(1, "plain");
    const url = llmock.openai.replace("/v1", path);
    const headers = { "content-type": "application/json" };
    const direct = await fetch(url, { method: "POST", headers, body: JSON.stringify({ ...body, stream: false }) });
    const { choices, content, usage } = await direct.json();
    assert.equal(answer.text, choices?.[0].message.content ?? content[0].text);
    assert.equal(answer.end.usage.promptTokens, usage.prompt_tokens ?? usage.input_tokens);
    assert.equal(answer.end.usage.completionTokens, usage.completion_tokens ?? usage.output_tokens);
    await llmock.reset();

    const tools = [{ type: "function", function: TOOL }];
    assert.equal((await ask("What is the weather?", { stream, tools })).end.finishReason, "tool_calls");
    await assertClean(1, "tools");
  }

  // Faults before the first content are repaired without a trace.
  const fail = (status, more = {}) => ({ type: "fail", status, ...more });
  const cut = (kind, after_chunks) => ({ type: "stream_fault", kind, after_chunks, stall_seconds: 2 * FIRST_CONTENT });
  for (const [fault, attempts] of [
    [fail(529), 2],
    [fail(429, { retry_after: 2 }), 2],
    [fail(503, { retry_after: 1, times: 2 }), 3],
    [fail(500), 2],
    [fail(408), 2],
    [cut("truncate", EARLY), 2],
    [cut("disconnect", EARLY), 2],
    [cut("malformed", EARLY), 2],
  ]) {
    const name = JSON.stringify(fault);
    await llmock.script(fault);
    assert.equal((await ask(name)).end.type, "done", name);
    await assertClean(attempts, name);
  }
  await llmock.script({ type: "slow_first_token", seconds: 1.5 });
  assert.ok((await ask("slow")).end.timings.firstTokenMs >= 1_500);
  await assertClean(1, "slow_first_token");

  // Faults after it are an error, which the client answers with another request.
  for (const kind of ["truncate", "disconnect", "malformed", "stall"]) {
    await llmock.script(cut(kind, LATE), { type: "reply", text: TEXT, times: 2 });
    const answers = await repeat(`${kind} late`);
    assert.deepEqual(answers.map(({ end }) => end.type), ["error", "done"], kind);
    assertError(answers[0], "STREAM_BROKEN");
    assert.equal(answers[0].end.error.partial, true);
    assert.ok(answers[0].text && TEXT.startsWith(answers[0].text), kind);
    assert.equal(answers[1].text, TEXT);
    assert.ok(micros(answers[0].end.credits.charged) > 0, kind);
    await assertClean(2, `${kind} late`);
  }

  // A provider that does not begin in time is not asked again.
  await llmock.script(cut("stall", EARLY));
  const late = await repeat("stall early");
  assert.deepEqual(late.map(({ end }) => end.type), ["error", "done"]);
  assertError(late[0], "PROVIDER_TIMEOUT");
  await assertClean(2, "stall early");

  // Errors of the request itself are not repeated.
  await llmock.script(fail(400, { message: "bad temperature" }));
  assertError(await ask("refused"), "INVALID_REQUEST");
  await assertClean(1, "400");
  await llmock.script(fail(422));
  assertError(await ask("not understood"), "INVALID_REQUEST");
  await assertClean(1, "422");
  assertError(await ask("word ".repeat(6_000)), "CONTEXT_TOO_LONG");
  await assertClean(1, "context window");

  // A provider that is down is asked a few times, after growing pauses.
  await llmock.script(fail(503, { times: null }));
  assertError(await ask("down"), "PROVIDER_THROTTLED");
  await assertClean(4, "down");

  // The key that a provider refuses is not used again.
  await llmock.script(fail(401));
  assertError(await ask("key"), "PROVIDER_REJECTED");
  const again = await ask("key again");
  assertError(again, "PROVIDER_UNAVAILABLE");
  assert.ok(again.end.error.retryAfterMs > 60_000);
  await assertClean(1, "401");

  assert.deepEqual(await socket.credits(), { balance: 1_000_000 - spent, held: 0 });
  socket.close();
  await gateway.stop();
  await llmock.stop();
}

await Promise.all([check("chat"), check("message")]);
