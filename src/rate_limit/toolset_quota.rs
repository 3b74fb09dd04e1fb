//! [`ToolsetLimiter`]: counts the actions of toolsets with any [`RateLimiter`].

use std::sync::Arc;

use async_trait::async_trait;

use super::gcra::{LimitedAction, RateLimited};
use super::limiter::RateLimiter;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::quota::{QuotaExceeded, QuotaLimiter, ToolsetQuota};
use crate::kernel::store::StoreError;

/// The limiter of all toolsets.
pub struct ToolsetLimiter {
    limiter: Arc<dyn RateLimiter>,
    clock: Arc<dyn Clock>,
}

impl ToolsetLimiter {
    #[must_use]
    pub fn new(limiter: Arc<dyn RateLimiter>, clock: Arc<dyn Clock>) -> Self {
        Self { limiter, clock }
    }
}

#[async_trait]
impl QuotaLimiter for ToolsetLimiter {
    async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        quota: ToolsetQuota,
    ) -> Result<Result<(), QuotaExceeded>, StoreError> {
        let actions = [LimitedAction::Toolset(quota)];
        let admitted = self.limiter.admit(user, key, &actions, self.clock.now()).await?;
        Ok(admitted.map_err(|RateLimited { retry_after, .. }| QuotaExceeded { retry_after }))
    }

    async fn refund(&self, user: UserId, quota: ToolsetQuota) -> Result<(), StoreError> {
        self.limiter.refund(user, LimitedAction::Toolset(quota)).await
    }
}
