//! Time to verify a credential of a user; fails if it exceeds its limit.
//!
//! Run with `cargo bench --bench credentials`. To measure another kind, add a row in `main`.

#[path = "common/result.rs"]
mod result;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use mimalloc::MiMalloc;
use random_connect::credentials::api_keys::record::{ApiKeyPolicy, ApiKeyRequest};
use random_connect::credentials::api_keys::service::ApiKeys;
use random_connect::credentials::api_keys::store_memory::MemoryApiKeyStore;
use random_connect::credentials::signed_tokens::jwt::{JwtRequest, JwtSecrets, JwtSettings};
use random_connect::credentials::signed_tokens::{SignedTokenSettings, SignedTokens};
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::id::IdHasher;
use random_connect::kernel::permissions::{AccessLevel, Globs};
use random_connect::kernel::principal::{CredentialVerifier, Owner};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Builder;

use result::BenchResult;

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Number of owners, with a key each.
const OWNERS: u64 = 1_000;

/// Number of verifications per round.
const VERIFICATIONS: u32 = 200_000;

/// Number of rounds, of which the fastest counts, because other processes only make a round slower.
const ROUNDS: usize = 5;

/// Maximum time to verify a known API key.
const API_KEY_LIMIT: Duration = Duration::from_micros(5);

/// Maximum time to verify a JWT that was verified before.
const KNOWN_JWT_LIMIT: Duration = Duration::from_micros(10);

/// Maximum time to verify a JWT for the first time.
const NEW_JWT_LIMIT: Duration = Duration::from_micros(150);

/// More JWTs than the server remembers, so that in turn each is a new one.
const NEW_JWTS: u64 = 20_000;

fn main() -> BenchResult<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (keys, tokens) = api_keys().await?;
        measure("known API key", &*keys, &tokens, API_KEY_LIMIT).await?;
        let (verifier, tokens) = jwts(OWNERS)?;
        measure("known JWT", &verifier, &tokens, KNOWN_JWT_LIMIT).await?;
        let (verifier, tokens) = jwts(NEW_JWTS)?;
        measure("new JWT", &verifier, &tokens, NEW_JWT_LIMIT).await
    })
}

/// Prints the time of one verification. Fails if it exceeds `limit`.
async fn measure(
    name: &str,
    verifier: &dyn CredentialVerifier,
    tokens: &[SecretString],
    limit: Duration,
) -> BenchResult<()> {
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        fastest = fastest.min(round(verifier, tokens).await?);
    }
    println!("{name:<14} of {:>6} {:>9} ns", tokens.len(), fastest.as_nanos());
    if fastest > limit {
        return Err(format!("a {name} takes more than {limit:?}").into());
    }
    Ok(())
}

/// Returns the time of one verification.
async fn round(
    verifier: &dyn CredentialVerifier,
    tokens: &[SecretString],
) -> BenchResult<Duration> {
    let start = Stopwatch::start();
    for token in tokens.iter().cycle().take(VERIFICATIONS as usize) {
        black_box(verifier.verify(black_box(token.expose_secret().as_bytes())).await?);
    }
    Ok(start.elapsed() / VERIFICATIONS)
}

async fn api_keys() -> BenchResult<(Arc<ApiKeys>, Vec<SecretString>)> {
    let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    let ids = IdHasher::random(&mut seeded_rng());
    let store = Arc::new(MemoryApiKeyStore::default());
    let keys = Arc::new(ApiKeys::new(store, ids, clock, seeded_rng()));
    // Reads the changes, as on a server.
    tokio::spawn(Arc::clone(&keys).run());
    let mut tokens = Vec::new();
    for number in 0..OWNERS {
        let request = ApiKeyRequest {
            name: "a laptop".parse()?,
            owner: Owner::named(&format!("owner {number}"))?,
            policy: ApiKeyPolicy { level: AccessLevel::ReadWrite, globs: Globs::default() },
            days: 365.try_into()?,
        };
        tokens.push(keys.create(keys.generate(), &request).await?.key);
    }
    Ok((keys, tokens))
}

/// Returns a verifier and this number of JWTs, one for each owner.
fn jwts(number: u64) -> BenchResult<(SignedTokens, Vec<SecretString>)> {
    let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    let secrets = JwtSecrets::parse("a-secret-that-has-at-least-32-bytes")?;
    let jwt = JwtSettings { secrets, issuer: None, audience: None };
    let mut tokens = Vec::new();
    for number in 0..number {
        let request = JwtRequest {
            subject: format!("owner {number}"),
            role: Some("user".to_owned()),
            scope: Some("connect:write penpal:write".to_owned()),
            lifetime: Duration::from_secs(3_600),
        };
        tokens.push(request.sign(&jwt, clock.now())?);
    }
    let settings = SignedTokenSettings { jwt: Some(jwt), ..SignedTokenSettings::default() };
    let ids = IdHasher::random(&mut seeded_rng());
    Ok((SignedTokens::new(&settings, None, ids, clock), tokens))
}
