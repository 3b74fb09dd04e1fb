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

const known = new Set([...expectations.clean, ...Object.keys(expectations.excluded)]);

/** Scenario and reason of what is excluded on this path; 2026-07-28 has no sessions on any. */
function excluded(version) {
  const lacksSession = path === "/mcp" && version !== "2026-07-28";
  return { ...expectations.excluded, ...(lacksSession ? expectations.excludedWithoutSession : {}) };
}

const proxy = await startProxy(process.env.SERVER_URL, process.env.TOKEN);
const runner = new Runner(moduleBinary("@modelcontextprotocol/conformance"), `${proxy.url}${path}`);
const latest = new Runner(moduleBinary("conformance-latest"), `${proxy.url}${path}`);

const scenarios = await runner.list();
const runs = [];
for (const version of VERSIONS) {
  const ran = await runner.run("--suite", "all", "--spec-version", version);
  runs.push(...ran.map((run) => ({ ...run, version })));
}
for (const { name } of scenarios.filter(({ versions }) => versions.includes("extension"))) {
  runs.push(...(await runner.run("--scenario", name)));
}
runs.push(...(await latest.run("--suite", "all")));
proxy.stop();

const problems = [];
for (const { scenario, version = "any version", checks } of runs) {
  const problem = (text) => problems.push(`${scenario}, ${version}: ${text}`);
  const bad = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
  const unexpected = bad.filter(({ id }) => !(id in expectations.acceptedWarnings));
  // The runner itself adds the checks of the wire to every scenario.
  const applies = checks.some(({ id, status }) => status === "SUCCESS" && !id.startsWith("wire-schema"));
  const isClean = applies && unexpected.length === 0;
  if (scenario in excluded(version)) {
    if (isClean) problem("is excluded, and is clean");
  } else if (!isClean) {
    const reasons = unexpected.map(({ id, errorMessage, details }) => `${id}: ${errorMessage ?? details?.message}`);
    problem(reasons.join("; ") || "does not apply");
  }
}
const ran = new Set(runs.map(({ scenario }) => scenario));
problems.push(...scenarios.filter(({ name }) => !known.has(name)).map(({ name }) => `${name}: is not known`));
problems.push(...[...known].filter((name) => !ran.has(name)).map((name) => `${name}: did not run`));

for (const [scenario, reason] of Object.entries(excluded())) console.log(`excluded: ${scenario}: ${reason}`);
console.log(`${runs.length} runs of ${scenarios.length} scenarios, ${problems.length} problems`);
for (const problem of problems) console.log(`problem: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
