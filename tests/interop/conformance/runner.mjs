// The command line of the official conformance runner.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Runner {
  constructor(script, url) {
    this.script = script;
    this.url = url;
  }

  #execute(...args) {
    return new Promise((done) => {
      execFile(process.execPath, [this.script, ...args], { maxBuffer: 2 ** 26 }, (_, stdout) => done(stdout));
    });
  }

  /** Returns name and protocol versions of each scenario for servers. */
  async list() {
    const lines = (await this.#execute("list", "--server")).matchAll(/^ +- (\S+) \[(.*)\]$/gm);
    return [...lines].map(([, name, versions]) => ({ name, versions: versions.split(",") }));
  }

  /** Runs scenarios; returns the checks of each. */
  async run(...args) {
    const folder = mkdtempSync(join(tmpdir(), "conformance-"));
    try {
      await this.#execute("server", "--url", this.url, "--output-dir", folder, ...args);
      return readdirSync(folder).map((name) => {
        const [, scenario] = name.match(/^server-(.*)-\d{4}-\d\d-\d\dT/);
        return { scenario, checks: JSON.parse(readFileSync(join(folder, name, "checks.json"))) };
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}
