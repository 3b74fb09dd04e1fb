//! The behaviour that every backend of the limits must have, written once against the trait.
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

use crate::support::redis_server::RedisServer;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// No minute can be shared by so many without a remainder.
const LIMITS: RateLimits = RateLimits { messages: 21, duplicates: 3, searches: 7, new_users: 5 };
const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);

/// A fresh throttle, and what it needs to live.
struct LimiterBackend {
    throttle: Arc<dyn RateLimiter>,
    server: Option<RedisServer>,
}

fn ids() -> IdHasher {
    IdHasher::from_salt(b"salt")
}

fn on(server: &RedisServer) -> RedisRateLimiter {
    RedisRateLimiter::new(&server.url(), LIMITS, ids()).expect("an address")
}

/// One of each kind.
fn backends() -> Vec<LimiterBackend> {
    let server = RedisServer::start(&[]);
    vec![
        LimiterBackend { throttle: Arc::new(MemoryRateLimiter::new(LIMITS)), server: None },
        LimiterBackend { throttle: Arc::new(on(&server)), server: Some(server) },
    ]
}

fn after(millis: u64) -> Timestamp {
    START + Duration::from_millis(millis)
}

fn key(who: UserId, id: &str) -> IdempotencyKey {
    ids().idempotency_key(who, id, "")
}

/// What comes too early, and by how many milliseconds.
async fn admit(
    throttle: &dyn RateLimiter,
    who: UserId,
    key: Option<IdempotencyKey>,
    acts: &[LimitedAction],
    now: Timestamp,
) -> Option<(LimitedAction, u128)> {
    let admitted = throttle.admit(who, key, acts, now).await.expect("up");
    admitted.err().map(|RateLimited { action: act, retry_after: left }| (act, left.as_millis()))
}

#[tokio::test]
async fn rate_limit_burst_is_per_user() {
    for LimiterBackend { throttle, server: _server } in backends() {
        let say = |who, now| admit(&*throttle, who, None, &[LimitedAction::Message], now);
        for _ in 0..7 {
            assert_eq!(say(ANN, START).await, None);
        }
        for _ in 0..2 {
            assert_eq!(
                say(ANN, START).await,
                Some((LimitedAction::Message, 2_857)),
                "nothing is counted"
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
async fn rate_limit_reports_the_first_exceeded_action_and_counts_none() {
    for LimiterBackend { throttle, server: _server } in backends() {
        let say = |hash| {
            let throttle = Arc::clone(&throttle);
            async move {
                admit(
                    &*throttle,
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
        for other in 8..12 {
            assert_eq!(say(other).await, None, "the fourth was not counted as a message");
        }
        assert_eq!(say(12).await, Some((LimitedAction::Message, 2_857)));
        let same = admit(&*throttle, BEN, None, &[LimitedAction::DuplicateText(7)], START).await;
        assert_eq!(same, None, "what somebody else wrote is not the same");
    }
}

#[tokio::test]
async fn rate_limit_retry_is_admitted_and_counted_once() {
    for LimiterBackend { throttle, server: _server } in backends() {
        let search =
            |id, now| admit(&*throttle, ANN, Some(key(ANN, id)), &[LimitedAction::Search], now);
        for _ in 0..30 {
            assert_eq!(search("one", START).await, None);
        }
        for id in ["2", "3", "4", "5", "6", "7"] {
            assert_eq!(search(id, START).await, None);
        }
        let early = Some((LimitedAction::Search, 42_857));
        assert_eq!(search("refused", START).await, early);
        assert_eq!(search("refused", START).await, early, "who was refused is not remembered");
        assert_eq!(search("one", after(599_999)).await, None);
        for id in ["8", "9", "10", "11", "12", "13", "14"] {
            assert_eq!(search(id, after(600_000)).await, None);
        }
        assert_eq!(search("one", after(600_000)).await, early, "after ten minutes it is new");
    }
}

#[tokio::test]
async fn rate_limit_backends_agree_on_random_calls() {
    let backends = backends();
    let mut rng = seeded_rng();
    let mut now = 0;
    for step in 0..3_000 {
        now += rng.random_range(0..4_000);
        // Two processes' clocks differ by a little.
        let told = after(now + rng.random_range(0..500));
        let who = UserId::from_bytes([rng.random_range(1..3); 16]);
        let key = rng.random_bool(0.3).then(|| key(who, &rng.random_range(0..40_u8).to_string()));
        let acts: &[LimitedAction] = match rng.random_range(0..3) {
            0 => &[LimitedAction::Search],
            1 => &[LimitedAction::Message, LimitedAction::DuplicateText(1)],
            _ => &[LimitedAction::Message, LimitedAction::DuplicateText(2)],
        };
        let mut answers = Vec::new();
        for LimiterBackend { throttle, .. } in &backends {
            answers.push(admit(&**throttle, who, key, acts, told).await);
        }
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "step {step}: {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rate_limit_holds_under_concurrency() {
    for LimiterBackend { throttle, server } in backends() {
        let calls = (0..40).map(|_| {
            let own: Arc<dyn RateLimiter> = match &server {
                // As many processes would.
                Some(server) => Arc::new(on(server)),
                None => Arc::clone(&throttle),
            };
            tokio::spawn(
                async move { admit(&*own, ANN, None, &[LimitedAction::Search], START).await },
            )
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
    let acts =
        [LimitedAction::Message, LimitedAction::DuplicateText(0xdead_beef), LimitedAction::Search];
    assert_eq!(admit(&on(&server), ANN, Some(key(ANN, "one")), &acts, START).await, None);
    let port = server.address().rsplit_once(':').expect("a port").1.to_owned();
    let redis = |arguments: &[&str]| {
        let told = Command::new("redis-cli").args(["-p", &port]).args(arguments).output();
        String::from_utf8(told.expect("redis-cli is installed").stdout).expect("text")
    };
    let keys = redis(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 4, "{keys}");
    assert!(!keys.contains("deadbeef") && !keys.contains(&format!("{}", 0xdead_beef_u32)));
    for key in keys.lines() {
        assert!(key.starts_with("{random-connect}:"), "{key}");
        let life: i64 = redis(&["PTTL", key]).trim().parse().expect("a number");
        assert!((1..=600_000).contains(&life), "{key}: {life}");
    }
}

#[tokio::test]
async fn rate_limit_store_outage_rejects_calls() {
    let mut server = RedisServer::start(&[]);
    let throttle = on(&server);
    throttle.check().await.expect("up");
    server.kill();
    assert!(throttle.check().await.is_err());
    assert!(throttle.admit(ANN, None, &[LimitedAction::Search], START).await.is_err());
}
