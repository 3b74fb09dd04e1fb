// Runs the checks of `make interop`, or those whose name contains the argument, and prints a table. Fails if a check
// fails. Runs at the top of the repository.

import { spawn } from "node:child_process";

import { CHECKS } from "./checks.mjs";
import { TOKEN } from "./settings.mjs";

/** Time limit of a check, in milliseconds. */
const TIME_LIMIT = 120_000;
/** How many checks run at the same time. */
const CONCURRENCY = 2;
/** How many lines of output a failed check shows. */
const SHOWN_LINES = 40;

/** Runs a command; returns whether it succeeds in time, and its output. */
function run([program, ...args], env) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  return new Promise((done) => {
    const late = setTimeout(() => {
      output += "\nThe check has exceeded its time limit.";
      child.kill("SIGKILL");
    }, TIME_LIMIT);
    const end = (passed) => {
      clearTimeout(late);
      done({ passed, output });
    };
    child.on("error", (error) => {
      output += error;
      end(false);
    });
    child.on("close", (code) => end(code === 0));
  });
}

async function check({ name, command, start }) {
  const started = performance.now();
  const server = await start();
  const { passed, output } = await run(command, { ...server.env, TOKEN });
  server.stop();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${passed ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  return { name, passed, seconds, output };
}

const pending = CHECKS.filter(({ name }) => name.includes(process.argv[2] ?? ""));
const results = [];
async function work() {
  for (let next = pending.shift(); next; next = pending.shift()) results.push(await check(next));
}
await Promise.all(Array.from({ length: CONCURRENCY }, work));

const failed = results.filter(({ passed }) => !passed);
for (const { name, output } of failed) {
  console.log(`\n--- ${name}\n${output.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n")}`);
}
const width = Math.max(...results.map(({ name }) => name.length));
console.log();
for (const { name, passed, seconds } of results.sort((a, b) => a.name.localeCompare(b.name))) {
  console.log(`${name.padEnd(width)}  ${passed ? "ok    " : "FAILED"}  ${seconds.padStart(5)} s`);
}
console.log(`\n${results.length - failed.length} of ${results.length} checks passed`);
process.exitCode = failed.length === 0 && results.length > 0 ? 0 : 1;
