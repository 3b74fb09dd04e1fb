//! [`FailureLog`]: logs the first failure of each kind, and then the number of failures per minute.
//!
//! An outage fails every call, also calls without a token; one line for each would fill the disk.
//! [`RepeatCounter`] decides, [`FailureLog`] writes the lines of one store.

use std::time::Duration;

use parking_lot::Mutex;

use super::clock::Stopwatch;
use super::store::{STORE_ERROR_KINDS, StoreError, StoreErrorKind};

/// Minimum time between two lines about the same problem.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Decides which occurrences of a problem are logged: the first, and after each
/// [`REPORT_INTERVAL`] the next one, with the number of those in between.
#[derive(Clone, Copy, Debug, Default)]
pub struct RepeatCounter {
    /// The time of the last line; `None` before the first.
    reported_at: Option<Duration>,
    unreported: u64,
}

impl RepeatCounter {
    /// Counts an occurrence at `now`, a time since any fixed moment. Returns the number of
    /// occurrences since the last line if a line is due, including this one.
    pub fn record(&mut self, now: Duration) -> Option<u64> {
        self.unreported += 1;
        if self.reported_at.is_some_and(|at| now.saturating_sub(at) < REPORT_INTERVAL) {
            return None;
        }
        self.reported_at = Some(now);
        Some(std::mem::take(&mut self.unreported))
    }
}

/// Logs the failures of one store.
pub struct FailureLog {
    /// The name of the store in the log.
    store: &'static str,
    since_start: Stopwatch,
    counters: Mutex<[RepeatCounter; STORE_ERROR_KINDS.len()]>,
}

impl FailureLog {
    #[must_use]
    pub fn new(store: &'static str) -> Self {
        Self { store, since_start: Stopwatch::start(), counters: Mutex::default() }
    }

    /// Records a failure and returns it as an error. `detail` says more about it in the log, such
    /// as an error code of the store; it must contain nothing that a user wrote, and no id.
    pub fn record(&self, kind: StoreErrorKind, detail: &str) -> StoreError {
        let due = self.counters.lock()[kind as usize].record(self.since_start.elapsed());
        if let Some(failures) = due {
            tracing::warn!(store = self.store, failures, detail, "store failed: {kind}");
        }
        StoreError { kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeat_counter_reports_the_first_and_then_a_count_per_minute() {
        let mut counter = RepeatCounter::default();
        let mut record = |seconds| counter.record(Duration::from_secs(seconds));
        assert_eq!(record(5), Some(1), "the first is reported at once");
        assert_eq!([record(6), record(7), record(64)], [None; 3]);
        assert_eq!(record(65), Some(4), "three unreported ones and this one");
        assert_eq!(record(66), None);
        assert_eq!(record(1_000), Some(2));
    }
}
