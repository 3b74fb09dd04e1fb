// Tokens of oauth2-mock-server: algorithms, audience, expiry, a new key, and a provider that is down.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { OAuth2Server } from "oauth2-mock-server";

import { startResource } from "./server.mjs";

/** Minimum time between two fetches of the keys, and a second, in milliseconds. */
const FETCH_INTERVAL = 61_000;

const provider = new OAuth2Server();
const ACCEPTED = ["RS256", "ES256", "EdDSA"];
const REJECTED = ["RS512", "PS256", "ES512", "Ed25519"];
for (const algorithm of [...ACCEPTED, ...REJECTED]) {
  await provider.issuer.keys.generate(algorithm, { kid: algorithm });
}
await provider.start(0, "127.0.0.1");
const resource = await startResource(provider.issuer.url);

/** Returns a token with the claims of `more`. */
const token = (kid = "RS256", more = {}, header = {}) =>
  provider.issuer.buildToken({
    kid,
    scopesOrTransform: (headers, payload) => {
      Object.assign(headers, header);
      Object.assign(payload, { sub: "ann", aud: resource.audience, scope: "connect:read" }, more);
    },
  });
const status = async (made) => (await resource.call(await made)).status;

for (const algorithm of ACCEPTED) {
  assert.ok((await resource.call(await token(algorithm))).succeeded, algorithm);
}
for (const algorithm of REJECTED) assert.equal(await status(token(algorithm)), 401, algorithm);
for (const aud of ["https://other.example/mcp", undefined, []]) assert.equal(await status(token("RS256", { aud })), 401);
assert.equal(await status(token("RS256", { iss: `${provider.issuer.url}/` })), 401);
const now = Math.floor(Date.now() / 1000);
const expired = await resource.call(await token("RS256", { exp: now - 1 }));
assert.equal(expired.status, 401);
assert.match(expired.challenge, /error="invalid_token".*has expired.*resource_metadata="/);
assert.equal(await status(token("RS256", { nbf: now + 600 })), 401);
const narrow = await resource.call(await token(), "enter_queue");
assert.equal(narrow.status, 403);
assert.match(narrow.challenge, /error="insufficient_scope", scope="connect:read penpal:write"/);

// The first keys were fetched at the start, and a new one causes a fetch after a minute.
await provider.issuer.keys.generate("RS256", { kid: "new" });
assert.equal(await status(token("new")), 401);
await delay(FETCH_INTERVAL);
assert.equal(await status(token("new")), 200);

const unseen = await Promise.all(["RS256", "new"].map((kid) => token(kid, { jti: "after" })));
const { url } = provider.issuer;
await provider.stop();
for (const made of unseen) assert.equal(await status(made), 200, "its key is known");
const late = await startResource(url);
const unavailable = await late.call(unseen[0]);
assert.equal(unavailable.status, 503, "no key is known");
assert.equal(unavailable.challenge, "");
late.stop();
resource.stop();
