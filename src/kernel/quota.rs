//! [`ToolsetQuotas`]: the limits of one toolset on the actions of each user.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::id::{IdempotencyKey, UserId};
use super::store::StoreError;

/// A limit: at most `limit` actions of a user at once, which become available again over `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ToolsetQuota {
    /// The name in `RATE_LIMITS`: that of the toolset, a period and a noun, such as `goals.writes`.
    pub name: &'static str,
    pub limit: u32,
    pub period: Duration,
}

/// An action exceeds its limit. It was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaExceeded {
    /// The time until the action is admitted.
    pub retry_after: Duration,
}

/// Counts actions for all processes that share its store.
#[async_trait]
pub trait QuotaLimiter: Send + Sync {
    /// Admits and counts an action of `user` in one atomic step. A `key` that was admitted recently is a
    /// retry, which is admitted without being counted.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable. The action may have been counted.
    async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        quota: ToolsetQuota,
    ) -> Result<Result<(), QuotaExceeded>, StoreError>;

    /// Takes back the last admission, because the action had no effect.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable.
    async fn refund(&self, user: UserId, quota: ToolsetQuota) -> Result<(), StoreError>;
}

/// The limits of a toolset, as the operator set them. Cheap to clone.
#[derive(Clone)]
pub struct ToolsetQuotas {
    /// `None` if rate limits are off.
    limiter: Option<Arc<dyn QuotaLimiter>>,
    quotas: Arc<[ToolsetQuota]>,
}

impl ToolsetQuotas {
    #[must_use]
    pub fn new(limiter: Option<Arc<dyn QuotaLimiter>>, quotas: &[ToolsetQuota]) -> Self {
        Self { limiter, quotas: quotas.into() }
    }

    /// Whether `RATE_LIMITS` is off.
    #[must_use]
    pub fn are_off(&self) -> bool {
        self.limiter.is_none()
    }

    /// The limit with the name of `default` as the operator set it.
    fn in_effect(&self, default: ToolsetQuota) -> ToolsetQuota {
        let set = self.quotas.iter().find(|quota| quota.name == default.name);
        set.copied().unwrap_or(default)
    }

    /// See [`QuotaLimiter::admit`].
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable.
    pub async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        quota: ToolsetQuota,
    ) -> Result<Result<(), QuotaExceeded>, StoreError> {
        match &self.limiter {
            Some(limiter) => limiter.admit(user, key, self.in_effect(quota)).await,
            None => Ok(Ok(())),
        }
    }

    /// See [`QuotaLimiter::refund`].
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable.
    pub async fn refund(&self, user: UserId, quota: ToolsetQuota) -> Result<(), StoreError> {
        match &self.limiter {
            Some(limiter) => limiter.refund(user, self.in_effect(quota)).await,
            None => Ok(()),
        }
    }
}
