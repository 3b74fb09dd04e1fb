// Runs the official conformance runner against one path of the server, and compares each scenario with
// `expectations.json`. Fails if a scenario is not clean, if an excluded one is, and if one is not known.

import { readFileSync } from "node:fs";

import { moduleBinary } from "../clients/target.mjs";
import { startProxy } from "./proxy.mjs";
import { Runner } from "./runner.mjs";

const expectations = JSON.parse(readFileSync(new URL("expectations.json", import.meta.url)));

/** The protocol versions whose scenarios run. The runner has no others, and extensions belong to none. */
const VERSIONS = ["2025-06-18", "2025-11-25", "2026-07-28"];
const path = process.argv[2];

const excluded = { ...expectations.excluded, ...(path === "/mcp" ? expectations.excludedWithoutSession : {}) };
const known = new Set([...expectations.clean, ...Object.keys(excluded)]);

const proxy = await startProxy(process.env.SERVER_URL, process.env.TOKEN);
const runner = new Runner(moduleBinary("@modelcontextprotocol/conformance"), `${proxy.url}${path}`);
const latest = new Runner(moduleBinary("conformance-latest"), `${proxy.url}${path}`);

const scenarios = await runner.list();
const runs = [];
for (const version of VERSIONS) runs.push(...(await runner.run("--suite", "all", "--spec-version", version)));
for (const extension of scenarios.filter(({ versions }) => versions.includes("extension"))) {
  runs.push(...(await runner.run("--scenario", extension.name)));
}
runs.push(...(await latest.run("--suite", "all")));
proxy.stop();

const problems = [];
for (const { scenario, checks } of runs) {
  const bad = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
  const unexpected = bad.filter(({ id }) => !(id in expectations.acceptedWarnings));
  // The runner itself adds the checks of the wire to every scenario.
  const applies = checks.some(({ id, status }) => status === "SUCCESS" && !id.startsWith("wire-schema"));
  const isClean = applies && unexpected.length === 0;
  if (scenario in excluded) {
    if (isClean) problems.push(`${scenario}: is excluded, and is clean`);
  } else if (!isClean) {
    const reasons = unexpected.map(({ id, errorMessage, details }) => `${id}: ${errorMessage ?? details?.message}`);
    problems.push(`${scenario}: ${reasons.join("; ") || "does not apply"}`);
  }
}
const ran = new Set(runs.map(({ scenario }) => scenario));
problems.push(...scenarios.filter(({ name }) => !known.has(name)).map(({ name }) => `${name}: is not known`));
problems.push(...[...known].filter((name) => !ran.has(name)).map((name) => `${name}: did not run`));

for (const [scenario, reason] of Object.entries(excluded)) console.log(`excluded: ${scenario}: ${reason}`);
console.log(`${runs.length} runs of ${scenarios.length} scenarios, ${problems.length} problems`);
for (const problem of problems) console.log(`problem: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
