//! [`StoreHealth`]: checks every store that calls need.
//!
//! Anyone may ask for the result, so the checks run at most once per second and never twice at the
//! same time. To add a store, add a [`HealthCheck`]; a toolset returns its checks when it is built.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::Mutex;

use super::clock::{Clock, Timestamp};
use super::redis_eviction::EvictionWatch;
use super::store::StoreError;

/// Time for which the result of a check is returned again.
const CACHE_TTL: Duration = Duration::from_secs(1);

type CheckFn = dyn Fn() -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync;

/// A check of one store.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    check: Arc<CheckFn>,
}

impl HealthCheck {
    /// `name` is that of the store in `/ready` and in the metrics, such as `lobby`.
    pub fn new<F>(name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        Self { name, check: Arc::new(move || Box::pin(check())) }
    }
}

/// The result of all checks, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport(Vec<(&'static str, Result<(), StoreError>)>);

impl HealthReport {
    /// The name of each store with its result.
    pub fn by_name(&self) -> impl Iterator<Item = (&'static str, Result<(), StoreError>)> {
        self.0.iter().copied()
    }

    /// The names of the stores that are not available.
    pub fn down(&self) -> impl Iterator<Item = &'static str> {
        self.by_name().filter(|(_, result)| result.is_err()).map(|(name, _)| name)
    }

    /// Returns `true` if all stores are available.
    #[must_use]
    pub fn all_up(&self) -> bool {
        self.down().next().is_none()
    }
}

/// The stores of a server.
pub struct StoreHealth {
    checks: Vec<HealthCheck>,
    clock: Arc<dyn Clock>,
    /// The time and the result of the last check. Locked during a check.
    last: Mutex<Option<(Timestamp, Arc<HealthReport>)>>,
    eviction: Option<Arc<EvictionWatch>>,
}

impl StoreHealth {
    #[must_use]
    pub fn new(checks: Vec<HealthCheck>, clock: Arc<dyn Clock>) -> Self {
        Self { checks, clock, last: Mutex::default(), eviction: None }
    }

    #[must_use]
    pub fn with_eviction_watch(self, eviction: Option<Arc<EvictionWatch>>) -> Self {
        Self { eviction, ..self }
    }

    /// The eviction policy of Redis at the last check, if it may remove keys.
    #[must_use]
    pub fn evicting_policy(&self) -> Option<String> {
        self.eviction.as_ref()?.evicting()
    }

    /// The machine's clock minus the clock that the stores follow, in milliseconds. `None` if that
    /// is the same.
    #[must_use]
    pub fn clock_skew_ms(&self) -> Option<i64> {
        self.clock.machine_skew_ms()
    }

    /// Checks all stores, or returns the result of a check that ended within the last second.
    pub async fn check(&self) -> Arc<HealthReport> {
        let mut last = self.last.lock().await;
        let started = self.clock.steady();
        if let Some((at, report)) = &*last
            && *at <= started
            && started.since(*at) < CACHE_TTL
        {
            return Arc::clone(report);
        }
        let checks = self.checks.iter().map(|HealthCheck { name, check }| {
            let checking = check();
            async move { (*name, checking.await) }
        });
        let report = Arc::new(HealthReport(join_all(checks).await));
        *last = Some((self.clock.steady(), Arc::clone(&report)));
        report
    }
}
