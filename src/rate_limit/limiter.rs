//! The seam for what is limited: where it is kept who did what lately.

use async_trait::async_trait;

use super::gcra::{LimitedAction, RateLimited};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::store::StoreError;

/// Counts what people do, by the rules of `pace.rs`, for all processes that share what it is kept in.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Admits a call that does all of `acts`, and counts them; or says which of them comes too early,
    /// and counts none. One atomic step. A call of theirs whose `key` was admitted lately is admitted again
    /// and counted once: it does nothing the second time.
    ///
    /// # Errors
    /// When the store fails; what was counted then is not known, and nothing else was done.
    async fn admit(
        &self,
        who: UserId,
        key: Option<IdempotencyKey>,
        acts: &[LimitedAction],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError>;

    /// Forgets what limits nobody any more, where that does not go by itself.
    ///
    /// # Errors
    /// When the store fails.
    async fn evict_expired(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Whether the store is there.
    ///
    /// # Errors
    /// When it is not.
    async fn check(&self) -> Result<(), StoreError>;
}
