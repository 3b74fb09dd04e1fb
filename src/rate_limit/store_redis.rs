//! [`RedisRateLimiter`]: rate limits in Redis, shared by all processes.
//!
//! All keys start with `HASH_TAG` and `:pace:`. Redis expires a key when it no longer limits a
//! user. Users, networks and texts appear as keyed hashes only. Times are in milliseconds since the
//! Unix epoch.
//!
//! ```text
//! m:<user id>     theoretical arrival time of the next message
//! t:<hash>        theoretical arrival time of the next message with one text by one user
//! c:<user id>     theoretical arrival time of the next command
//! y:<user id>     theoretical arrival time of the next change of the typing indicator
//! s:<user id>     theoretical arrival time of the next search
//! x:<quota>:<user id>  theoretical arrival time of the next action of a toolset
//! o:<hash>        theoretical arrival time of the next new user from one client network
//! k:<key>         time when the call with this idempotency key was admitted
//! ```

use std::time::Duration;

use async_trait::async_trait;
use once_cell::sync::Lazy;
use redis::Script;

use super::gcra::{LimitedAction, RETRY_TTL, RateLimited, RateLimits};
use super::limiter::RateLimiter;
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::{IdHasher, IdempotencyKey, UserId};
use crate::kernel::redis::{HASH_TAG, RedisConnection, Unanswered};
use crate::kernel::store::StoreError;

static ADMIT: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/admit.lua")));

static REFUND: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/refund.lua")));

/// Counts actions in Redis.
pub struct RedisRateLimiter {
    connection: RedisConnection,
    failures: FailureLog,
    limits: RateLimits,
    ids: IdHasher,
}

impl RedisRateLimiter {
    /// Creates a limiter behind `connection`. `ids` must have the same secret in all processes.
    #[must_use]
    pub fn new(connection: RedisConnection, limits: RateLimits, ids: IdHasher) -> Self {
        Self { connection, failures: FailureLog::new("rate limits"), limits, ids }
    }

    fn key(&self, user: UserId, action: LimitedAction) -> String {
        match action {
            LimitedAction::Message => format!("{HASH_TAG}:pace:m:{}", user.to_hex()),
            LimitedAction::Search => format!("{HASH_TAG}:pace:s:{}", user.to_hex()),
            LimitedAction::Report => format!("{HASH_TAG}:pace:r:{}", user.to_hex()),
            LimitedAction::Command => format!("{HASH_TAG}:pace:c:{}", user.to_hex()),
            LimitedAction::Typing => format!("{HASH_TAG}:pace:y:{}", user.to_hex()),
            LimitedAction::Toolset(quota) => {
                format!("{HASH_TAG}:pace:x:{}:{}", quota.name, user.to_hex())
            }
            LimitedAction::NewUser => format!("{HASH_TAG}:pace:o:{}", user.to_hex()),
            LimitedAction::DuplicateText(hash) => {
                // A keyed hash, because the text could be guessed from `hash`, which has no key.
                let text = self.ids.idempotency_key(user, "same", &format!("{hash:x}"));
                format!("{HASH_TAG}:pace:t:{}", text.to_hex())
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        actions: &[LimitedAction],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError> {
        let mut admit = ADMIT.prepare_invoke();
        admit.key(format!(
            "{HASH_TAG}:pace:k:{}",
            key.map(IdempotencyKey::to_hex).unwrap_or_default()
        ));
        let retry_ttl_ms = key.map(|_| millis(RETRY_TTL).to_string()).unwrap_or_default();
        let test_now = self.connection.test_now(now).map(|now| now.as_millis().to_string());
        admit.arg(test_now.unwrap_or_default()).arg(retry_ttl_ms);
        for action in actions {
            let quota = self.limits.quota(*action);
            admit
                .key(self.key(user, *action))
                .arg(millis(quota.emission_interval))
                .arg(millis(quota.burst_tolerance()));
        }
        // Without an idempotency key, a repetition may count the call twice. That is better than
        // to refuse it.
        let admitted = self.connection.invoke(&self.failures, &admit, Unanswered::Repeat);
        let (rejected, retry_after_ms): (usize, u64) = admitted.await?;
        // The script returns a 1-based position, or 0 if it admits the call.
        let rejected = rejected.checked_sub(1).and_then(|index| actions.get(index));
        let rate_limited = |action: &LimitedAction| RateLimited {
            action: *action,
            retry_after: Duration::from_millis(retry_after_ms),
        };
        Ok(rejected.map_or(Ok(()), |action| Err(rate_limited(action))))
    }

    async fn refund(&self, user: UserId, action: LimitedAction) -> Result<(), StoreError> {
        let mut refund = REFUND.prepare_invoke();
        refund.key(self.key(user, action));
        refund.arg(millis(self.limits.quota(action).emission_interval));
        // A second execution would take back another admission.
        self.connection.invoke(&self.failures, &refund, Unanswered::Fail).await
    }

    async fn evict_expired(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        let key = format!("{HASH_TAG}:pace:check");
        self.connection.check_writes(&self.failures, &key, None).await
    }
}
