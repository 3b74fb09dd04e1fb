// The processes of the gateway's checks: the gateway, and the providers that others wrote. All end with this one.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { moduleBinary } from "../clients/target.mjs";
import { freePort } from "../servers.mjs";
import { catalog } from "./catalog.mjs";
import { SECRET } from "./user.mjs";

/** Ends the command when the standard input ends, also because this process was killed. */
const WITH_INPUT = `
  exec 3<&0
  "$@" </dev/null 3<&- & pid=$!
  (cat <&3 >/dev/null; kill $pid) &
  exec 2>/dev/null
  wait $pid`;

/** Starts a command; returns a function that waits until `url` answers, and one that stops it. */
function start(command, env = {}) {
  const options = { env: { ...process.env, ...env }, stdio: ["pipe", "ignore", "inherit"] };
  const child = spawn("sh", ["-c", WITH_INPUT, "sh", ...command], options);
  const ended = once(child, "exit");

  async function ready(url) {
    while (!(await fetch(url).then((response) => response.ok, () => false))) {
      if (child.exitCode !== null) throw new Error(`${command[0]} ended with ${child.exitCode}`);
      await delay(20);
    }
  }
  async function stop() {
    child.stdin.end();
    await ended;
  }
  return { ready, stop };
}

/**
 * Starts the gateway before these addresses of OpenAI and Anthropic, with the time limits of `gateway.toml`; returns its
 * address and a function that stops it.
 */
export async function startGateway({ openai, claude }, timeLimits = "") {
  const folder = mkdtempSync(join(tmpdir(), "gateway-"));
  const config = join(folder, "gateway.toml");
  writeFileSync(config, catalog(timeLimits));
  const port = await freePort();
  const gateway = start(["target/debug/random-connect"], {
    TOOLSETS: "gateway",
    PORT: String(port),
    LOG_LEVEL: "warn",
    DATABASE_URL: `sqlite:${join(folder, "gateway.db")}`,
    ID_SALT: "0123456789abcdef".repeat(2),
    INBOX_KEY: "0123456789abcdef".repeat(4),
    JWT_SECRET: SECRET,
    OPENAI_BASE_URL: openai,
    OPENAI_API_KEY: "sk-openai",
    CLAUDE_BASE_URL: claude,
    CLAUDE_API_KEY: "sk-claude",
    GATEWAY_CONFIG: config,
    GATEWAY_START_CREDITS: "1",
  });
  const url = `http://127.0.0.1:${port}`;
  await gateway.ready(`${url}/gateway/health`);

  async function stop() {
    await gateway.stop();
    rmSync(folder, { recursive: true });
  }
  return { url, stop };
}

/** Starts `@copilotkit/aimock` with the answers of `fixtures.json`. */
export async function startAimock() {
  const port = await freePort();
  const fixtures = new URL("fixtures.json", import.meta.url).pathname;
  const script = moduleBinary("@copilotkit/aimock").replace("aimock-cli.js", "cli.js");
  const aimock = start([process.execPath, script, "--port", String(port), "--fixtures", fixtures, "--log-level", "silent"]);
  const url = `http://127.0.0.1:${port}`;
  await aimock.ready(`${url}/__aimock/health`);

  /** The requests to models, and how each was answered. */
  async function journal() {
    const entries = await (await fetch(`${url}/__aimock/journal`)).json();
    return entries.filter(({ method, path }) => method === "POST" && path.startsWith("/v1/"));
  }
  return { openai: `${url}/v1`, claude: url, journal, stop: aimock.stop };
}

/** Starts `llmock`; `options` are those of its command line. */
export async function startLlmock(...options) {
  const port = await freePort();
  const llmock = start(["target/interop/llmock/bin/llmock", "serve", "--port", String(port), "--log-level", "warning", ...options]);
  const url = `http://127.0.0.1:${port}`;
  await llmock.ready(`${url}/health`);

  async function control(path, body) {
    const response = await fetch(`${url}/_llmock/${path}`, body && { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return response.json();
  }
  return {
    openai: `${url}/v1`,
    claude: `${url}/anthropic`,
    /** Sets what happens to the next requests. */
    script: (...behaviors) => control("scenario", { behaviors }),
    requests: async () => (await control("requests")).requests,
    verdict: () => control("verdict"),
    reset: () => control("reset", {}),
    stop: llmock.stop,
  };
}

/** Starts a headless Chromium behind chromedriver; returns functions that open a page and run a script in it. */
export async function startBrowser() {
  const port = await freePort();
  const driver = start(["chromedriver", `--port=${port}`]);
  const url = `http://127.0.0.1:${port}`;
  await driver.ready(`${url}/status`);

  async function command(path, body, method = "POST") {
    const response = await fetch(`${url}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.message}`);
    return value;
  }
  const args = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"];
  const capabilities = { alwaysMatch: { "goog:chromeOptions": { args } } };
  const { sessionId } = await command("/session", { capabilities });
  const session = `/session/${sessionId}`;

  async function stop() {
    await command(session, undefined, "DELETE");
    await driver.stop();
  }
  return {
    open: (page) => command(`${session}/url`, { url: page }),
    /** Runs a script, whose last argument is a function that takes its result. */
    run: (script, args) => command(`${session}/execute/async`, { script, args }),
    stop,
  };
}
