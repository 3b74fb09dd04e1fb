//! [`MemoryRateLimiter`]: rate limits in this process's memory. A restart resets them, and other
//! processes do not share them.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::task::yield_now;

use super::gcra::{GcraLimiter, LimitedAction, RateLimited, RateLimits};
use super::limiter::RateLimiter;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::shards::Shards;
use crate::kernel::store::StoreError;

/// One [`GcraLimiter`] per shard of users, each behind its own lock. A lock is held for
/// microseconds.
pub struct MemoryRateLimiter {
    shards: Shards<Mutex<GcraLimiter>>,
    /// `None` in tests that pass the time.
    clock: Option<Arc<dyn Clock>>,
}

impl MemoryRateLimiter {
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self { shards: Shards::new(|| Mutex::new(GcraLimiter::new(limits))), clock: None }
    }

    /// Measures with the steady time of `clock` instead of the callers' dates, so that a jump of the
    /// date limits no one for longer.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    fn time(&self, now: Timestamp) -> Timestamp {
        self.clock.as_ref().map_or(now, |clock| clock.steady())
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        actions: &[LimitedAction],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError> {
        Ok(self.shards.shard_for(user).lock().admit(user, key, actions, self.time(now)))
    }

    async fn refund(&self, user: UserId, action: LimitedAction) -> Result<(), StoreError> {
        self.shards.shard_for(user).lock().refund(user, action);
        Ok(())
    }

    async fn evict_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        for limiter in self.shards.iter() {
            limiter.lock().evict_expired(self.time(now));
            yield_now().await;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn rate_limit_evicts_expired_state_on_every_shard() {
        let limiter = MemoryRateLimiter::new(RateLimits::default());
        let now = Timestamp::from_millis(1_000_000);
        for byte in 0..=u8::MAX {
            let user = UserId::from_bytes([byte; 16]);
            let admitted = limiter.admit(user, None, &[LimitedAction::Search], now).await;
            assert_eq!(admitted.expect("memory is available"), Ok(()));
        }
        limiter.evict_expired(now).await.expect("memory is available");
        assert!(limiter.shards.iter().all(|shard| !shard.lock().is_empty()));
        let later = now + Duration::from_secs(600);
        limiter.evict_expired(later).await.expect("memory is available");
        assert!(limiter.shards.iter().all(|shard| shard.lock().is_empty()));
    }
}
