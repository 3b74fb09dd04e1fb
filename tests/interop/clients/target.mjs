// The server that a client connects to, from the environment: see `run.mjs`.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { SERVER_URL, TOKEN, STDIO_COMMAND } = process.env;

export const headers = { Authorization: `Bearer ${TOKEN}` };

/** The address of a path of the server. */
export const address = (path) => new URL(path, SERVER_URL);

/** The command that serves one client over its standard input and output. */
export const stdio = {
  command: STDIO_COMMAND,
  args: ["stdio"],
  env: process.env,
};

/** The transport that this run tests, from the command line: `mcp`, `session`, `sse` or `stdio`. */
export const transport = process.argv[2];

/** The path of the script behind the command of an npm package. */
export function moduleBinary(name) {
  const root = new URL(`../../node_modules/${name}/`, import.meta.url);
  const { bin } = JSON.parse(readFileSync(new URL("package.json", root)));
  const script = typeof bin === "string" ? bin : bin[name.split("/").at(-1)] ?? Object.values(bin)[0];
  return fileURLToPath(new URL(script, root));
}
