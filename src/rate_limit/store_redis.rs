//! What people did lately, on Redis beside the ledger: all processes count together.
//!
//! Keys, all behind the lobby's hash tag and `safety:pace:`; each ends by itself when it limits nobody any
//! more. Who somebody is, is a keyed hash, and so is what they wrote.
//!
//! ```text
//! m:<uid>         when the next message would be on time, in milliseconds since the Unix epoch
//! t:<hash>        the same for one text of one person
//! s:<uid>         the same for a search
//! o:<hash>        the same for somebody new from one network
//! k:<key>         when a call was admitted
//! ```

use std::time::Duration;

use async_trait::async_trait;
use once_cell::sync::Lazy;
use redis::aio::ConnectionManager;
use redis::{RedisResult, Script};

use super::gcra::{LimitedAction, RETRY_TTL, RateLimited, RateLimits};
use super::limiter::RateLimiter;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdHasher, IdempotencyKey, UserId};
use crate::kernel::redis::{HASH_TAG, connect, with_timeout};
use crate::kernel::store::StoreError;

static ADMIT: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/admit.lua")));

/// The limits, counted in Redis.
pub struct RedisRateLimiter {
    connection: ConnectionManager,
    limits: RateLimits,
    ids: IdHasher,
}

impl RedisRateLimiter {
    /// Limits counted at `url`, which need not be up yet; `ids` must have the same secret in all
    /// processes. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the address can't be one.
    pub fn new(url: &str, limits: RateLimits, ids: IdHasher) -> RedisResult<Self> {
        Ok(Self { connection: connect(url)?, limits, ids })
    }

    fn key(&self, who: UserId, act: LimitedAction) -> String {
        match act {
            LimitedAction::Message => format!("{HASH_TAG}:pace:m:{}", who.to_hex()),
            LimitedAction::Search => format!("{HASH_TAG}:pace:s:{}", who.to_hex()),
            LimitedAction::NewUser => format!("{HASH_TAG}:pace:o:{}", who.to_hex()),
            LimitedAction::DuplicateText(hash) => {
                // The hash has no key, so what was written could be guessed from it.
                let text = self.ids.idempotency_key(who, "same", &format!("{hash:x}"));
                format!("{HASH_TAG}:pace:t:{}", text.to_hex())
            }
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn admit(
        &self,
        who: UserId,
        key: Option<IdempotencyKey>,
        acts: &[LimitedAction],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError> {
        let mut admit = ADMIT.prepare_invoke();
        admit.key(format!(
            "{HASH_TAG}:pace:k:{}",
            key.map(IdempotencyKey::to_hex).unwrap_or_default()
        ));
        let remembered = key.map(|_| millis(RETRY_TTL).to_string()).unwrap_or_default();
        admit.arg(now.as_millis()).arg(remembered);
        for act in acts {
            let quota = self.limits.quota(*act);
            admit
                .key(self.key(who, *act))
                .arg(millis(quota.emission_interval))
                .arg(millis(quota.burst_tolerance()));
        }
        let mut connection = self.connection.clone();
        let (early, left): (usize, u64) = with_timeout(admit.invoke_async(&mut connection)).await?;
        let early = early.checked_sub(1).and_then(|place| acts.get(place));
        let too_often = |act: &LimitedAction| RateLimited {
            action: *act,
            retry_after: Duration::from_millis(left),
        };
        Ok(early.map_or(Ok(()), |act| Err(too_often(act))))
    }

    async fn evict_expired(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut connection = self.connection.clone();
        with_timeout(redis::cmd("PING").query_async(&mut connection)).await
    }
}
