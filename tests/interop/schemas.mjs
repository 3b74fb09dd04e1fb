// Compiles the schemas of all tools with Ajv, as its defaults are: an unknown keyword is an error, an unknown format a
// warning. Both fail this check.

import assert from "node:assert/strict";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import Ajv from "ajv/dist/2020.js";

import { address, headers } from "./clients/target.mjs";

const client = new Client({ name: "interop", version: "1.0.0" });
await client.connect(new StreamableHTTPClientTransport(address("/mcp"), { requestInit: { headers } }));
const { tools } = await client.listTools();
await client.close();

const problems = [];
for (const tool of tools.filter(({ name }) => !isFixture(name))) {
  for (const schema of ["inputSchema", "outputSchema"].filter((kind) => tool[kind])) {
    const report = (problem) => problems.push(`${tool.name}, ${schema}: ${problem}`);
    const ajv = new Ajv({ logger: { log: report, warn: report, error: report } });
    try {
      ajv.compile(tool[schema]);
    } catch (error) {
      report(error.message);
    }
  }
}
assert.ok(tools.length > 10, `only ${tools.length} tools`);
assert.deepEqual(problems, []);

/** The schemas of the fixtures are those of the conformance runner, which uses more than Ajv's defaults. */
function isFixture(name) {
  return name.startsWith("test_") || name.startsWith("json_schema_");
}
