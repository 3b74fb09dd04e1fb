//! [`Sample`]: the statistics that the dashboard shows, at one moment. No ids and no texts.
//!
//! To add a number, add a field here, its name to [`FIELDS`] and a chart to `assets/dashboard.js`.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// Interval between two samples.
pub const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// Names of the numbers of [`Sample::row`], in order.
pub const FIELDS: [&str; 21] = [
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
    "gateway_requests",
    "gateway_failed",
    "gateway_tokens",
    "gateway_charged",
    "gateway_first_token_us",
    "gateway_holds",
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
    /// `None` if the toolset is not enabled.
    pub gateway: Option<GatewaySample>,
}

/// The statistics of the gateway on this instance. The first four are totals since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewaySample {
    /// Requests that have ended.
    pub requests: u64,
    /// Requests without a complete answer.
    pub failed: u64,
    /// Tokens of input and output.
    pub tokens: u64,
    /// In millionths of a credit.
    pub charged: u64,
    /// Median time to the first token, over the streamed answers of the last minute.
    pub first_token: Option<Duration>,
    pub open_holds: usize,
}

impl Sample {
    /// The numbers in the order of [`FIELDS`], with durations of calls and times to the first token in microseconds.
    #[must_use]
    pub fn row(&self) -> [Option<u64>; FIELDS.len()] {
        let micros = |duration: Option<Duration>| {
            duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
        };
        let gateway = self.gateway;
        let of_gateway = |read: fn(GatewaySample) -> u64| gateway.map(read);
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
            of_gateway(|gateway| gateway.requests),
            of_gateway(|gateway| gateway.failed),
            of_gateway(|gateway| gateway.tokens),
            of_gateway(|gateway| gateway.charged),
            micros(gateway.and_then(|gateway| gateway.first_token)),
            of_gateway(|gateway| gateway.open_holds as u64),
        ]
    }
}
