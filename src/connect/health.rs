//! [`StoreHealth`]: checks every store that calls need.
//!
//! Anyone may ask for the result, so a check runs at most once per second and never twice at the
//! same time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::lobby::Directory;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::redis_eviction::EvictionWatch;
use crate::kernel::store::StoreError;
use crate::moderation::service::ModerationService;

/// Time for which the result of a check is returned again.
const CACHE_TTL: Duration = Duration::from_secs(1);

/// The result of a check, by store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreReport {
    pub lobby: Result<(), StoreError>,
    pub moderation: Result<(), StoreError>,
    pub rate_limit: Result<(), StoreError>,
}

impl StoreReport {
    /// The name of each store with its result.
    pub fn by_name(&self) -> [(&'static str, Result<(), StoreError>); 3] {
        let Self { lobby, moderation, rate_limit } = *self;
        [("lobby", lobby), ("moderation", moderation), ("rate_limit", rate_limit)]
    }

    /// Returns `true` if all stores are available.
    #[must_use]
    pub fn all_up(&self) -> bool {
        self.by_name().iter().all(|(_, result)| result.is_ok())
    }
}

/// The stores of the lobby, of moderation and of the rate limits.
pub struct StoreHealth {
    directory: Arc<dyn Directory>,
    moderation: Arc<ModerationService>,
    clock: Arc<dyn Clock>,
    /// The time and the result of the last check. Locked during a check.
    last: Mutex<Option<(Timestamp, StoreReport)>>,
    eviction: Option<Arc<EvictionWatch>>,
}

impl StoreHealth {
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        moderation: Arc<ModerationService>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { directory, moderation, clock, last: Mutex::default(), eviction: None }
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
    pub async fn check(&self) -> StoreReport {
        let mut last = self.last.lock().await;
        let started = self.clock.steady();
        if let Some((at, report)) = *last
            && at <= started
            && started.since(at) < CACHE_TTL
        {
            return report;
        }
        let (lobby, moderation, rate_limit) = tokio::join!(
            self.directory.check(),
            self.moderation.check_store(),
            self.moderation.check_rate_limiter()
        );
        let report = StoreReport { lobby, moderation, rate_limit };
        *last = Some((self.clock.steady(), report));
        report
    }
}
