//! The contract of [`RateLimiter`]: behavior that every backend must have, written once against the
//! trait.
//!
//! To run it on a new backend, add it to [`backends`].

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, IdempotencyKey, UserId};
use random_connect::rate_limit::gcra::{LimitedAction, RateLimited, RateLimits};
use random_connect::rate_limit::limiter::RateLimiter;
use random_connect::rate_limit::store_memory::MemoryRateLimiter;
use random_connect::rate_limit::store_redis::RedisRateLimiter;

use crate::support::backends::memory_only;
use crate::support::redis_server::RedisServer;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// No limit divides a minute without a remainder, so that rounding is tested too.
const LIMITS: RateLimits =
    RateLimits { messages: 21, duplicates: 3, searches: 7, reports: 4, commands: 13, new_users: 5 };
const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);

/// A new rate limiter, with the server that it needs.
struct LimiterBackend {
    limiter: Arc<dyn RateLimiter>,
    server: Option<RedisServer>,
}

fn ids() -> IdHasher {
    IdHasher::from_salt(b"salt")
}

/// Connects to a Redis as one instance does.
fn on(server: &RedisServer) -> RedisRateLimiter {
    RedisRateLimiter::new(server.connection(), LIMITS, ids())
}

/// Creates one rate limiter of each kind.
fn backends() -> Vec<LimiterBackend> {
    let memory = LimiterBackend { limiter: Arc::new(MemoryRateLimiter::new(LIMITS)), server: None };
    if memory_only() {
        return vec![memory];
    }
    let server = RedisServer::start(&[]);
    vec![memory, LimiterBackend { limiter: Arc::new(on(&server)), server: Some(server) }]
}

/// Returns a time after [`START`].
fn after(millis: u64) -> Timestamp {
    START + Duration::from_millis(millis)
}

fn key(user: UserId, id: &str) -> IdempotencyKey {
    ids().idempotency_key(user, id, "")
}

/// Admits actions; returns the exceeded one and its wait in milliseconds, or `None`.
async fn admit(
    limiter: &dyn RateLimiter,
    user: UserId,
    key: Option<IdempotencyKey>,
    actions: &[LimitedAction],
    now: Timestamp,
) -> Option<(LimitedAction, u128)> {
    let admitted = limiter.admit(user, key, actions, now).await.expect("the store is up");
    admitted.err().map(|RateLimited { action, retry_after }| (action, retry_after.as_millis()))
}

#[tokio::test]
async fn rate_limit_burst_is_per_user() {
    for LimiterBackend { limiter, server: _server } in backends() {
        let say = |user, now| admit(&*limiter, user, None, &[LimitedAction::Message], now);
        for _ in 0..7 {
            assert_eq!(say(ANN, START).await, None);
        }
        for _ in 0..2 {
            assert_eq!(
                say(ANN, START).await,
                Some((LimitedAction::Message, 2_857)),
                "a rejected action is not counted"
            );
        }
        assert_eq!(say(BEN, START).await, None);
        assert_eq!(say(ANN, after(2_856)).await, Some((LimitedAction::Message, 1)));
        assert_eq!(say(ANN, after(2_857)).await, None);
        for _ in 0..7 {
            assert_eq!(say(ANN, after(60_000)).await, None);
        }
    }
}

#[tokio::test]
async fn rate_limit_refund_takes_one_action_back() {
    for LimiterBackend { limiter, server: _server } in backends() {
        let join = |now| admit(&*limiter, ANN, None, &[LimitedAction::NewUser], now);
        let refund = || limiter.refund(ANN, LimitedAction::NewUser);
        refund().await.expect("the store is up");
        for _ in 0..5 {
            assert_eq!(join(START).await, None);
        }
        assert!(join(START).await.is_some());
        refund().await.expect("the store is up");
        assert_eq!(join(START).await, None);
        assert_eq!(join(START).await, Some((LimitedAction::NewUser, 12_000)));
        for _ in 0..100 {
            refund().await.expect("the store is up");
        }
        for _ in 0..5 {
            assert_eq!(join(START).await, None);
        }
        assert!(join(START).await.is_some(), "refunds never raise the limit");
    }
}

#[tokio::test]
async fn rate_limit_reports_the_first_exceeded_action_and_counts_none() {
    for LimiterBackend { limiter, server: _server } in backends() {
        let say = |hash| {
            let limiter = Arc::clone(&limiter);
            async move {
                admit(
                    &*limiter,
                    ANN,
                    None,
                    &[LimitedAction::Message, LimitedAction::DuplicateText(hash)],
                    START,
                )
                .await
            }
        };
        for _ in 0..3 {
            assert_eq!(say(7).await, None);
        }
        assert_eq!(say(7).await, Some((LimitedAction::DuplicateText(7), 20_000)));
        for hash in 8..12 {
            assert_eq!(say(hash).await, None, "the rejected text is not counted as a message");
        }
        assert_eq!(say(12).await, Some((LimitedAction::Message, 2_857)));
        let duplicate =
            admit(&*limiter, BEN, None, &[LimitedAction::DuplicateText(7)], START).await;
        assert_eq!(duplicate, None, "texts are counted per user");
    }
}

#[tokio::test]
async fn rate_limit_retry_is_admitted_and_counted_once() {
    for LimiterBackend { limiter, server: _server } in backends() {
        let search =
            |id, now| admit(&*limiter, ANN, Some(key(ANN, id)), &[LimitedAction::Search], now);
        for _ in 0..30 {
            assert_eq!(search("one", START).await, None);
        }
        for id in ["2", "3", "4", "5", "6", "7"] {
            assert_eq!(search(id, START).await, None);
        }
        let limited = Some((LimitedAction::Search, 42_857));
        assert_eq!(search("refused", START).await, limited);
        assert_eq!(search("refused", START).await, limited, "a rejected key is not stored");
        assert_eq!(search("one", after(599_999)).await, None);
        for id in ["8", "9", "10", "11", "12", "13", "14"] {
            assert_eq!(search(id, after(600_000)).await, None);
        }
        assert_eq!(
            search("one", after(600_000)).await,
            limited,
            "after ten minutes the key is new again"
        );
    }
}

#[tokio::test]
async fn rate_limit_backends_agree_on_random_calls() {
    let backends = backends();
    let mut rng = seeded_rng();
    let mut now = 0;
    for step in 0..3_000 {
        now += rng.random_range(0..4_000);
        // The clocks of two instances differ a little.
        let call_time = after(now + rng.random_range(0..500));
        let user = UserId::from_bytes([rng.random_range(1..3); 16]);
        let key = rng.random_bool(0.3).then(|| key(user, &rng.random_range(0..40_u8).to_string()));
        let actions: &[LimitedAction] = match rng.random_range(0..3) {
            0 => &[LimitedAction::Search],
            1 => &[LimitedAction::Message, LimitedAction::DuplicateText(1)],
            _ => &[LimitedAction::Message, LimitedAction::DuplicateText(2)],
        };
        let mut results = Vec::new();
        for LimiterBackend { limiter, .. } in &backends {
            results.push(admit(&**limiter, user, key, actions, call_time).await);
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "step {step}: {results:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rate_limit_holds_under_concurrency() {
    for LimiterBackend { limiter, server } in backends() {
        let calls = (0..40).map(|_| {
            let shared: Arc<dyn RateLimiter> = match &server {
                // One connection per call, as if each came from another instance.
                Some(server) => Arc::new(on(server)),
                None => Arc::clone(&limiter),
            };
            tokio::spawn(async move {
                admit(&*shared, ANN, None, &[LimitedAction::Search], START).await
            })
        });
        let mut admitted = 0;
        for call in calls.collect::<Vec<_>>() {
            admitted += usize::from(call.await.expect("no panic").is_none());
        }
        assert_eq!(admitted, 7);
    }
}

#[tokio::test]
async fn rate_limit_redis_keys_are_keyed_hashes_with_a_ttl() {
    let server = RedisServer::start(&[]);
    let actions =
        [LimitedAction::Message, LimitedAction::DuplicateText(0xdead_beef), LimitedAction::Search];
    assert_eq!(admit(&on(&server), ANN, Some(key(ANN, "one")), &actions, START).await, None);
    let port = server.address().rsplit_once(':').expect("a port").1.to_owned();
    let redis = |arguments: &[&str]| {
        let output = Command::new("redis-cli").args(["-p", &port]).args(arguments).output();
        String::from_utf8(output.expect("redis-cli is installed").stdout).expect("text")
    };
    let keys = redis(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 4, "{keys}");
    assert!(!keys.contains("deadbeef") && !keys.contains(&format!("{}", 0xdead_beef_u32)));
    for key in keys.lines() {
        assert!(key.starts_with("{random-connect}:"), "{key}");
        let ttl: i64 = redis(&["PTTL", key]).trim().parse().expect("a number");
        assert!((1..=600_000).contains(&ttl), "{key}: {ttl}");
    }
}

#[tokio::test]
async fn rate_limit_store_outage_rejects_calls() {
    let mut server = RedisServer::start(&[]);
    let limiter = on(&server);
    limiter.check().await.expect("the store is up");
    server.kill();
    assert!(limiter.check().await.is_err());
    assert!(limiter.admit(ANN, None, &[LimitedAction::Search], START).await.is_err());
}
