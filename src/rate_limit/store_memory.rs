//! What people did lately, in this process's memory: gone with it, and not known to another.

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::task::yield_now;

use super::gcra::{GcraLimiter, LimitedAction, RateLimited, RateLimits};
use super::limiter::RateLimiter;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::shards::Shards;
use crate::kernel::store::StoreError;

/// The pure rules, for people of each shard behind a lock of its own, held for microseconds.
pub struct MemoryRateLimiter(Shards<Mutex<GcraLimiter>>);

impl MemoryRateLimiter {
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self(Shards::new(|| Mutex::new(GcraLimiter::new(limits))))
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn admit(
        &self,
        who: UserId,
        key: Option<IdempotencyKey>,
        acts: &[LimitedAction],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError> {
        Ok(self.0.shard_for(who).lock().admit(who, key, acts, now))
    }

    async fn evict_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        for pace in self.0.iter() {
            pace.lock().evict_expired(now);
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
        let throttle = MemoryRateLimiter::new(RateLimits::default());
        let now = Timestamp::from_millis(1_000_000);
        for byte in 0..=u8::MAX {
            let admitted =
                throttle.admit(UserId::from_bytes([byte; 16]), None, &[LimitedAction::Search], now);
            assert_eq!(admitted.await.expect("it is up"), Ok(()));
        }
        throttle.evict_expired(now).await.expect("it is up");
        assert!(throttle.0.iter().all(|pace| !pace.lock().is_empty()));
        throttle.evict_expired(now + Duration::from_secs(600)).await.expect("it is up");
        assert!(throttle.0.iter().all(|pace| pace.lock().is_empty()));
    }
}
