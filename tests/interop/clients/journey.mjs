// The steps that every client in JavaScript runs: list the tools, read an argument error, chat as two people, cancel a
// wait, and reconnect.
//
// An agent has the methods `listTools`, `call(tool, arguments, signal)`, `subscribe(uri)`, `nextNotification(method)`
// and `close`.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

const TOOLS = ["enter_queue", "handle_message", "rejoin", "send_message", "wait_for_message"];
const WAIT_SECONDS = 20;
/** Time for a call to reach the server, in milliseconds. */
const ARRIVAL = 300;

/** The structured content of a call that succeeds. */
async function result(agent, tool, args) {
  const answer = await agent.call(tool, args);
  assert.ok(!answer.isError, `${tool}: ${JSON.stringify(answer)}`);
  return answer.structuredContent;
}

/**
 * Runs all steps. `connect` returns a new agent. The other arguments tell whether the server pushes the chat's
 * notifications to it, whether it can subscribe to a resource, and whether the server notices that it cancels a call.
 */
export async function journey(connect, { pushes, subscribes, cancels }) {
  let ann = await connect();
  const ben = await connect();

  const names = (await ann.listTools()).map((tool) => tool.name);
  for (const name of TOOLS) assert.ok(names.includes(name), `${name} is not in ${names}`);

  const refused = await ann.call("send_message", { room_id: "r", user_id: "u", message: 5 });
  assert.equal(refused.isError, true, JSON.stringify(refused));
  assert.match(refused.content[0].text, /message/);

  const entered = await result(ann, "enter_queue", { display_name: "Ann" });
  const matched = await result(ben, "enter_queue", { display_name: "Ben" });
  assert.equal(matched.status, "matched", JSON.stringify(matched));
  const room_id = matched.room_id;
  const [asAnn, asBen] = [entered, matched].map(({ user_id }) => ({ room_id, user_id }));
  const waiting = { ...asAnn, timeout_seconds: WAIT_SECONDS };
  const wait = async () => (await result(ann, "wait_for_message", waiting)).events;
  const say = (message) => result(ben, "send_message", { ...asBen, message });

  if (pushes) {
    const found = await ann.nextNotification("chatroom.found");
    assert.equal(found.partner.display_name, "Ben");
    await say("hello Ann");
    assert.equal((await ann.nextNotification("message.received")).message, "hello Ann");
    await result(ann, "send_message", { ...asAnn, message: "hello Ben" });
    assert.equal((await ben.nextNotification("message.received")).message, "hello Ben");
  } else {
    await say("hello Ann");
  }
  // In a session, the first wait returns the events that were pushed; from then on, none are.
  const events = [];
  while (events.at(-1)?.type !== "message.received") events.push(...(await wait()));
  assert.deepEqual(events.map(({ type }) => type), ["chatroom.found", "message.received"]);

  if (subscribes) {
    const uri = `penpal://inbox/${asAnn.user_id}`;
    await ann.subscribe(uri);
    await say("to a subscriber");
    assert.equal((await ann.nextNotification("notifications/resources/updated")).uri, uri);
    assert.equal((await wait())[0].message, "to a subscriber");
  }

  if (cancels) {
    const cancelling = new AbortController();
    const cancelled = assert.rejects(ann.call("wait_for_message", waiting, cancelling.signal));
    await delay(ARRIVAL);
    cancelling.abort();
    await cancelled;
    await delay(ARRIVAL);
    await say("after the cancelled wait");
    assert.equal((await wait())[0].message, "after the cancelled wait");
  }

  await ann.close();
  await say("while Ann is away");
  ann = await connect();
  const { missed } = await result(ann, "rejoin", { user_id: asAnn.user_id });
  assert.equal(missed.at(-1)?.message, "while Ann is away", JSON.stringify(missed));

  await result(ann, "leave_chat", asAnn);
  if (pushes) {
    assert.equal((await ben.nextNotification("partner.disconnected")).reason, "left");
  }
  await Promise.all([ann.close(), ben.close()]);
}
