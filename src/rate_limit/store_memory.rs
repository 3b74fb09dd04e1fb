//! What people did lately, in this process's memory: gone with it, and not known to another.

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::task::yield_now;

use super::gcra::{Act, Limits, Pace, TooOften};
use super::limiter::Throttle;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{MessageKey, UserId};
use crate::kernel::shards::Shards;
use crate::moderation::store::LedgerError;

/// The pure rules, for people of each shard behind a lock of its own, held for microseconds.
pub struct MemoryThrottle(Shards<Mutex<Pace>>);

impl MemoryThrottle {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Shards::new(|| Mutex::new(Pace::new(limits))))
    }
}

#[async_trait]
impl Throttle for MemoryThrottle {
    async fn admit(
        &self,
        who: UserId,
        key: Option<MessageKey>,
        acts: &[Act],
        now: Timestamp,
    ) -> Result<Result<(), TooOften>, LedgerError> {
        Ok(self.0.of(who).lock().admit(who, key, acts, now))
    }

    async fn forget_old(&self, now: Timestamp) -> Result<(), LedgerError> {
        for pace in self.0.iter() {
            pace.lock().forget_old(now);
            yield_now().await;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn of_everybody_what_limits_nobody_is_forgotten() {
        let throttle = MemoryThrottle::new(Limits::default());
        let now = Timestamp::from_millis(1_000_000);
        for byte in 0..=u8::MAX {
            let admitted =
                throttle.admit(UserId::from_bytes([byte; 16]), None, &[Act::Search], now);
            assert_eq!(admitted.await.expect("it is up"), Ok(()));
        }
        throttle.forget_old(now).await.expect("it is up");
        assert!(throttle.0.iter().all(|pace| !pace.lock().is_empty()));
        throttle.forget_old(now + Duration::from_secs(600)).await.expect("it is up");
        assert!(throttle.0.iter().all(|pace| pace.lock().is_empty()));
    }
}
