//! [`run`]: deletes what is too old, in the background.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::journal::rules::REQUEST_ID_TTL;
use super::journal::store::{GoalsAges, GoalsStore};
use crate::kernel::clock::Clock;

/// Maximum age of an item in the bin.
const BIN_TTL: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Maximum age of a write in the log.
const LOG_TTL: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Interval of the deletions.
const INTERVAL: Duration = Duration::from_secs(600);

/// Maximum number of rows of one deletion.
const BATCH: usize = 1_000;

/// Deletes old rows until it is dropped.
pub async fn run(store: Arc<dyn GoalsStore>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let before = |ttl: Duration| {
            let millis = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            clock.now().shifted(-millis)
        };
        let ages = GoalsAges {
            bin: before(BIN_TTL),
            log: before(LOG_TTL),
            requests: before(REQUEST_ID_TTL),
        };
        // The store logs a failure; the next tick tries again.
        while store.purge(ages, BATCH).await.is_ok_and(|removed| removed > 0) {}
    }
}
