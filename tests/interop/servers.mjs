// The servers under test: processes that end with this one.

import { spawn } from "node:child_process";
import net from "node:net";
import readline from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { SETTINGS, redisSettings } from "./settings.mjs";

/** Starts the server with the fixtures and the settings of `more`; returns its address and a function that stops it. */
export async function startServer(more = {}) {
  const options = { env: { ...process.env, ...SETTINGS, ...more }, stdio: ["pipe", "pipe", "inherit"] };
  const server = spawn("target/debug/examples/interop_server", options);
  const url = await new Promise((started, failed) => {
    readline.createInterface({ input: server.stdout }).once("line", started);
    server.once("exit", (code) => failed(new Error(`the server ended with ${code}`)));
  });
  // The server stops when its input ends, also if this process is killed.
  return { env: { ...SETTINGS, SERVER_URL: url }, stop: () => server.stdin.end() };
}

/** Starts a Redis, through which processes of `random-connect stdio` meet. */
export async function startRedis() {
  const port = await freePort();
  const redis = spawn("redis-server", ["--port", port, "--bind", "127.0.0.1", "--save", ""], { stdio: "ignore" });
  while (!(await accepts(port))) await delay(20);
  const env = { ...SETTINGS, ...redisSettings(`redis://127.0.0.1:${port}`) };
  return { env: { ...env, STDIO_COMMAND: "target/debug/random-connect" }, stop: () => redis.kill() };
}

/** Returns a port that no program listens on. */
export function freePort() {
  return new Promise((found) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

function accepts(port) {
  return new Promise((answered) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => answered(true)).on("error", () => answered(false));
    socket.on("connect", () => socket.destroy());
  });
}
