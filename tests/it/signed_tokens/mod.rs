//! Verification of signed tokens: each rule of a kind, and the ways a token must fail.
//!
//! Tests of tokens on a whole server are in `e2e/signed_tokens.rs`.

mod jwt;

use std::sync::Arc;

use random_connect::credentials::signed_tokens::SignedTokens;
use random_connect::credentials::signed_tokens::jwt::{JwtSecrets, JwtSettings};
use random_connect::kernel::clock::{Clock, ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::IdHasher;

/// The time at the start of a test, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

/// Returns a clock that shows [`NOW`].
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(NOW * 1_000)))
}

/// Returns a verifier of JWTs with these secrets.
fn jwt_verifier(secrets: &str, rules: [Option<&str>; 2], clock: &Arc<ManualClock>) -> SignedTokens {
    let [issuer, audience] = rules.map(|rule| rule.map(str::to_owned));
    let secrets = JwtSecrets::parse(secrets).expect("valid secrets");
    let settings = JwtSettings { secrets, issuer, audience };
    let ids = IdHasher::random(&mut seeded_rng());
    SignedTokens::new(Some(&settings), ids, Arc::clone(clock) as Arc<dyn Clock>)
}
