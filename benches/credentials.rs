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

fn main() -> BenchResult<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (keys, tokens) = api_keys().await?;
        let mut fastest = Duration::MAX;
        for _ in 0..ROUNDS {
            fastest = fastest.min(round(&*keys, &tokens).await?);
        }
        println!("known API key of {OWNERS:>5} {:>9} ns", fastest.as_nanos());
        if fastest > API_KEY_LIMIT {
            return Err(format!("an API key takes more than {API_KEY_LIMIT:?}").into());
        }
        Ok(())
    })
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
