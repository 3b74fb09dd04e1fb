//! [`RateLimiter`]: the trait of a backend that counts actions. The rules are in [`super::gcra`].

use async_trait::async_trait;

use super::gcra::{LimitedAction, RateLimited};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::store::StoreError;

/// Counts users' actions for all processes that share its store.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Admits a call and counts all of its `actions`, or returns the first one that exceeds its
    /// limit and counts none. This is one atomic step.
    ///
    /// A call whose `key` was admitted recently is a retry. It is admitted again without being
    /// counted, because a retry has no effect.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable. The actions may have been counted;
    /// nothing else has changed.
    async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        actions: &[LimitedAction],
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError>;

    /// Takes back the last admission of `action`, because the call had no effect.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable.
    async fn refund(&self, user: UserId, action: LimitedAction) -> Result<(), StoreError>;

    /// Evicts state that no longer limits a user. Does nothing in a store that expires it itself.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable.
    async fn evict_expired(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Checks that the store is available.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it is not.
    async fn check(&self) -> Result<(), StoreError>;
}
