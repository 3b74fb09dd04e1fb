//! [`Sample`]: the statistics that the dashboard shows, at one moment. No ids and no texts.
//!
//! To add a number, add a field here, its name to [`FIELDS`] and a chart to `assets/dashboard.js`.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// Interval between two samples.
pub const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// Names of the numbers of [`Sample::row`], in order.
pub const FIELDS: [&str; 15] = [
    "at",
    "people",
    "waiting",
    "pairs",
    "longest_wait",
    "relayed",
    "masked",
    "evicted",
    "calls",
    "refused",
    "p50_us",
    "p99_us",
    "memory_kb",
    "store_up",
    "instances",
];

/// The statistics of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub at: Timestamp,
    pub people: usize,
    pub waiting: usize,
    pub pairs: usize,
    pub longest_wait_secs: u64,
    /// Total since the start, like `masked`, `evicted`, `calls` and `refused`.
    pub relayed: u64,
    pub masked: u64,
    pub evicted: u64,
    /// Number of processes that share the lobby.
    pub instances: usize,
    /// Calls that succeeded.
    pub calls: u64,
    /// Calls that were answered with an error.
    pub refused: u64,
    /// Median duration of the calls of the last minute. `None` without calls.
    pub p50: Option<Duration>,
    /// 99th percentile of the same calls.
    pub p99: Option<Duration>,
    /// Resident memory of this process, in kB. `None` if the system does not report it.
    pub memory_kb: Option<u64>,
    /// Whether the lobby's store answered. If not, the lobby's numbers are those of the previous
    /// sample.
    pub store_up: bool,
}

impl Sample {
    /// The numbers in the order of [`FIELDS`], with call durations in microseconds.
    #[must_use]
    pub fn row(&self) -> [Option<u64>; FIELDS.len()] {
        let micros = |duration: Option<Duration>| {
            duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
        };
        [
            Some(self.at.as_millis()),
            Some(self.people as u64),
            Some(self.waiting as u64),
            Some(self.pairs as u64),
            Some(self.longest_wait_secs),
            Some(self.relayed),
            Some(self.masked),
            Some(self.evicted),
            Some(self.calls),
            Some(self.refused),
            micros(self.p50),
            micros(self.p99),
            self.memory_kb,
            Some(u64::from(self.store_up)),
            Some(self.instances as u64),
        ]
    }
}
