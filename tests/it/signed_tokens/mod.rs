//! Verification of signed tokens: each rule of a kind, and the ways a token must fail.
//!
//! Tests of tokens on a whole server are in `e2e/signed_tokens.rs`.

mod firebase;
mod jwt;
mod kinds;
mod openid;
mod openid_keys;

use std::sync::Arc;

use random_connect::credentials::signed_tokens::jwt::{JwtSecrets, JwtSettings};
use random_connect::credentials::signed_tokens::openid::OpenIdSettings;
use random_connect::credentials::signed_tokens::{SignedTokenSettings, SignedTokens};
use random_connect::kernel::access::{AccessPolicy, AccessTarget};
use random_connect::kernel::clock::{Clock, ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::IdHasher;
use random_connect::kernel::permissions::AccessClass;
use random_connect::kernel::principal::{CredentialVerifier, Principal, Rejected};
use random_connect::transport::channels::outbound;
use serde_json::{Value, json};

/// The time at the start of a test, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

/// The address of the server.
const PUBLIC_URL: &str = "https://chat.example";

/// Returns a clock that shows [`NOW`].
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(NOW * 1_000)))
}

/// Returns a verifier of the tokens of `settings`.
fn verifier(settings: &SignedTokenSettings, clock: &Arc<ManualClock>) -> SignedTokens {
    let ids = IdHasher::random(&mut seeded_rng());
    let client = settings.has_provider().then(|| outbound::http_client(None).expect("a client"));
    SignedTokens::new(settings, client, ids, Arc::clone(clock) as Arc<dyn Clock>)
}

/// The settings of JWTs with these secrets.
fn jwt_settings(secrets: &str, rules: [Option<&str>; 2]) -> JwtSettings {
    let [issuer, audience] = rules.map(|rule| rule.map(str::to_owned));
    JwtSettings { secrets: JwtSecrets::parse(secrets).expect("valid secrets"), issuer, audience }
}

/// Returns a verifier of JWTs with these secrets.
fn jwt_verifier(secrets: &str, rules: [Option<&str>; 2], clock: &Arc<ManualClock>) -> SignedTokens {
    let jwt = Some(jwt_settings(secrets, rules));
    verifier(&SignedTokenSettings { jwt, ..SignedTokenSettings::default() }, clock)
}

/// The settings of the provider `issuer`.
fn openid_settings(issuer: &str) -> OpenIdSettings {
    OpenIdSettings { issuer: issuer.to_owned(), public_url: PUBLIC_URL.to_owned() }
}

/// Returns a verifier of the tokens of the provider `issuer`.
fn openid_verifier(issuer: &str, clock: &Arc<ManualClock>) -> SignedTokens {
    let openid = Some(openid_settings(issuer));
    verifier(&SignedTokenSettings { openid, ..SignedTokenSettings::default() }, clock)
}

/// The fields of `more` in place of those of `claims`.
fn with(mut claims: Value, more: &Value) -> Value {
    let fields = more.as_object().expect("an object").clone();
    claims.as_object_mut().expect("an object").extend(fields);
    claims
}

/// The claims of a token of the provider `issuer` that is valid for an hour, with the fields of `more`.
fn openid_claims(issuer: &str, more: &Value) -> Value {
    let claims = json!({
        "iss": issuer,
        "aud": format!("{PUBLIC_URL}/mcp"),
        "sub": "ann",
        "exp": NOW + 3_600,
        "scope": "openid goals:read",
    });
    with(claims, more)
}

async fn rejection(verifier: &SignedTokens, token: &str) -> Option<Rejected> {
    verifier.verify(token.as_bytes()).await.err()
}

/// The name of the owner.
fn owner(principal: &Principal) -> &str {
    principal.owner().expect("an owner").as_str()
}

/// The classes of the toolset `goals` that a principal has.
fn classes(principal: &Principal) -> Vec<AccessClass> {
    use AccessClass::{Admin, Destroy, Read, Spend, Write};
    let name = Some("a_tool");
    let target =
        |class| AccessTarget { toolset: "goals", names_users: false, class, name, alias: None };
    let has = |class: &AccessClass| AccessPolicy::default().allows(principal, &target(*class));
    [Read, Write, Destroy, Admin, Spend].into_iter().filter(has).collect()
}
