// The command line of MCP Inspector, which makes one call per process and shows no notifications: tools, resources,
// prompts, an argument error of each, and a chat of two people.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";

import { SETTINGS, redisSettings } from "../settings.mjs";
import { address, headers, moduleBinary, stdio, transport } from "./target.mjs";

const PATHS = { mcp: "/mcp", session: "/mcp/session", sse: "/mcp/sse" };

// The Inspector passes on no other variables of the environment.
const settings = { ...SETTINGS, ...redisSettings(process.env.REDIS_URL) };
const variables = Object.entries(settings).flatMap(([name, value]) => ["-e", `${name}=${value}`]);

const target =
  transport === "stdio"
    ? [...variables, stdio.command, ...stdio.args]
    : [
        address(PATHS[transport]).href,
        ...["--transport", transport === "sse" ? "sse" : "http"],
        ...["--header", `Authorization: ${headers.Authorization}`],
      ];

/** Runs the command line; returns its exit code and what it prints. */
function inspect(...args) {
  const command = [moduleBinary("@modelcontextprotocol/inspector"), "--cli", ...target, ...args];
  return new Promise((done) => {
    execFile(process.execPath, command, (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr }));
  });
}

/** The answer to a method that must succeed. */
async function request(method, ...args) {
  const { code, stdout, stderr } = await inspect("--method", method, ...args);
  assert.equal(code, 0, `${method}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Checks that a method is answered with an error. */
async function assertRefused(method, ...args) {
  const { code, stdout } = await inspect("--method", method, ...args);
  assert.notEqual(code, 0, `${method} ${args}: ${stdout}`);
}

const pairs = (args) => Object.entries(args).map(([name, value]) => `${name}=${value}`);

async function call(tool, args) {
  const { stdout, stderr } = await inspect(
    ...["--method", "tools/call", "--tool-name", tool, "--tool-arg", ...pairs(args)],
  );
  assert.notEqual(stdout, "", `${tool}: ${stderr}`);
  return JSON.parse(stdout);
}

async function result(tool, args) {
  const answer = await call(tool, args);
  assert.ok(!answer.isError, `${tool}: ${JSON.stringify(answer)}`);
  return answer.structuredContent;
}

// `--strict` reports schemas that some model providers refuse.
const listed = await inspect("--method", "tools/list", "--strict");
assert.equal(listed.code, 0, listed.stderr);
const names = JSON.parse(listed.stdout).tools.map((tool) => tool.name);
assert.ok(names.includes("enter_queue"), listed.stdout);

const refused = await call("send_message", { room_id: "r", user_id: "u" });
assert.equal(refused.isError, true, JSON.stringify(refused));
assert.match(refused.content[0].text, /message/);

const { resourceTemplates } = await request("resources/templates/list");
const templates = resourceTemplates.map((template) => template.uriTemplate);
assert.ok(templates.includes("penpal://inbox/{user_id}"), templates.join());
await assertRefused("resources/read", "--uri", "penpal://none");

// Over stdio, the server is the product, which has no fixtures: no fixed resource and no prompt.
const { resources } = await request("resources/list");
if (transport === "stdio") {
  assert.deepEqual(resources, []);
} else {
  assert.ok(resources.some((resource) => resource.uri === "test://static-text"), JSON.stringify(resources));
  const { contents } = await request("resources/read", "--uri", "test://static-text");
  assert.ok(contents[0].text, JSON.stringify(contents));
  const { prompts } = await request("prompts/list");
  assert.ok(prompts.some((prompt) => prompt.name === "test_simple_prompt"), JSON.stringify(prompts));
  const prompt = ["--prompt-name", "test_prompt_with_arguments", "--prompt-args"];
  const { messages } = await request("prompts/get", ...prompt, ...pairs({ arg1: "one", arg2: "two" }));
  assert.match(messages[0].content.text, /arg1='one', arg2='two'/);
  await assertRefused("prompts/get", ...prompt, ...pairs({ arg1: "one" }));
  await assertRefused("prompts/get", "--prompt-name", "none");
}

const entered = await result("enter_queue", { display_name: "Ann" });
const matched = await result("enter_queue", { display_name: "Ben" });
assert.equal(matched.status, "matched", JSON.stringify(matched));
const { room_id } = matched;
await result("send_message", { room_id, user_id: matched.user_id, message: "hello" });
// In a session, events are on lease to the client that has left without a word, for up to ten seconds.
const wait = { room_id, user_id: entered.user_id, timeout_seconds: 20 };
const { events } = await result("wait_for_message", wait);
assert.equal(events.at(-1).message, "hello", JSON.stringify(events));
const inbox = `penpal://inbox/${entered.user_id}`;
const { contents: inboxContents } = await request("resources/read", "--uri", inbox);
assert.equal(inboxContents[0].uri, inbox, JSON.stringify(inboxContents));
await result("leave_chat", { room_id, user_id: entered.user_id });
