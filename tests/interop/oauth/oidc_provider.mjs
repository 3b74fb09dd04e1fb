// Tokens of oidc-provider for the official TypeScript SDK, which finds the provider through this server's metadata.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Provider } from "oidc-provider";

import { freePort } from "../servers.mjs";
import { startResource } from "./server.mjs";

const SCOPES = "connect:read connect:write penpal:read penpal:write";
const CLIENT = { client_id: "agent", client_secret: "a-secret-of-the-agent" };

/** Returns a private key as a JWK. */
function key(alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), use: "sig", kid: alg, alg };
}

const KEYS = [
  key("RS256", "rsa", { modulusLength: 2048 }),
  key("ES256", "ec", { namedCurve: "P-256" }),
  key("EdDSA", "ed25519"),
  key("PS256", "rsa", { modulusLength: 2048 }),
];

/** The algorithm of the next token. */
let algorithm = "RS256";

const issuer = `http://127.0.0.1:${await freePort()}`;
const provider = new Provider(issuer, {
  jwks: { keys: KEYS },
  scopes: SCOPES.split(" "),
  clients: [{ ...CLIENT, grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: SCOPES }],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (context, resource) => ({
        scope: SCOPES,
        audience: resource,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
});
const listener = createServer(provider.callback()).listen(new URL(issuer).port, "127.0.0.1");
await once(listener, "listening");
const resource = await startResource(issuer);

/** Returns a token for `audience`. */
async function token(scope, audience = resource.audience) {
  const body = new URLSearchParams({ grant_type: "client_credentials", scope, resource: audience, ...CLIENT });
  const answer = await (await fetch(`${issuer}/token`, { method: "POST", body })).json();
  assert.ok(answer.access_token, JSON.stringify(answer));
  return answer.access_token;
}

/** Returns a client that knows the address of the server alone, and asks for `scope`. */
async function connect(path, scope) {
  const [clientId, clientSecret] = [CLIENT.client_id, CLIENT.client_secret];
  const authProvider = new ClientCredentialsProvider({ clientId, clientSecret, expectedIssuer: issuer, scope });
  const client = new Client({ name: "interop", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(path, resource.url), { authProvider }));
  return client;
}

for (const path of ["/mcp", "/mcp/session"]) {
  const reader = await connect(path, "penpal:read");
  const names = (await reader.listTools()).tools.map(({ name }) => name);
  assert.ok(names.includes("get_history") && !names.includes("enter_queue"), names.join());
  // The SDK asks the provider again, but for the scope of its settings.
  await assert.rejects(reader.callTool({ name: "enter_queue", arguments: {} }), { code: 403 });
  await reader.close();
  const writer = await connect(path, "penpal:read penpal:write");
  const entered = await writer.callTool({ name: "enter_queue", arguments: {} });
  assert.equal(entered.structuredContent?.user_id, `oidc:${issuer}|agent`, JSON.stringify(entered));
  await writer.close();
}

for (algorithm of ["RS256", "ES256", "EdDSA"]) {
  assert.ok((await resource.call(await token("connect:read"))).succeeded, algorithm);
}
algorithm = "PS256";
assert.equal((await resource.call(await token("connect:read"))).status, 401);
algorithm = "ES256";
assert.equal((await resource.call(await token("connect:read", "https://other.example/mcp"))).status, 401);
const narrow = await resource.call(await token("connect:read"), "enter_queue");
assert.equal(narrow.status, 403);
assert.match(narrow.challenge, /scope="connect:read penpal:write"/);

const unseen = await token("connect:read");
listener.close();
listener.closeAllConnections();
assert.equal((await resource.call(unseen)).status, 200, "its key is known");
const late = await startResource(issuer);
assert.equal((await late.call(unseen)).status, 503, "no key is known");
late.stop();
resource.stop();
