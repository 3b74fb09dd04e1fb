//! The dashboard's figures: taken every few seconds, kept for an hour. No ids, no texts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::alerts;
use crate::connect::lobby::action::LobbyStats;
use crate::connect::service::ConnectService;
use crate::kernel::clock::{Clock, Timestamp};
use crate::transport::ops::latency::LatencySnapshot;
use crate::transport::ops::metrics::{CallOutcome, Metrics};

/// How often figures are taken.
pub const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);
/// How many are kept: those of an hour.
pub const MAX_SAMPLES: usize = 720;
/// Times of calls are told of the last minute.
const SAMPLES_PER_MINUTE: usize = 12;

/// What the numbers of [`Sample::row`] are, in order.
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

/// The figures of a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub at: Timestamp,
    pub people: usize,
    pub waiting: usize,
    pub pairs: usize,
    pub longest_wait_secs: u64,
    /// Totals, as are `masked`, `evicted`, `calls` and `refused`.
    pub relayed: u64,
    pub masked: u64,
    pub evicted: u64,
    /// Processes that share the lobby.
    pub instances: usize,
    /// Calls that were carried out, and those that were refused.
    pub calls: u64,
    pub refused: u64,
    /// Of the calls of the last minute, if there were any.
    pub p50: Option<Duration>,
    pub p99: Option<Duration>,
    /// Of this process, where the system tells it.
    pub memory_kb: Option<u64>,
    /// Whether the lobby's store answered; if not, its figures are those from before.
    pub store_up: bool,
}

impl Sample {
    /// The figures in the order of [`FIELDS`]: times of calls in microseconds.
    #[must_use]
    pub fn row(&self) -> [Option<u64>; FIELDS.len()] {
        let micros = |time: Option<Duration>| {
            time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
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

/// The figures of the last hour, and word of each that is added.
pub struct Dashboard {
    connect: Arc<ConnectService>,
    metrics: Arc<Metrics>,
    buffer: Mutex<SampleBuffer>,
    sample_added: watch::Sender<()>,
}

#[derive(Default)]
struct SampleBuffer {
    samples: VecDeque<Sample>,
    /// How long calls took, as of each of the last samples.
    latencies: VecDeque<LatencySnapshot>,
}

impl Dashboard {
    #[must_use]
    pub fn new(connect: Arc<ConnectService>, metrics: Arc<Metrics>) -> Self {
        Self { connect, metrics, buffer: Mutex::default(), sample_added: watch::Sender::new(()) }
    }

    /// Takes figures until dropped.
    pub async fn run(self: Arc<Self>, clock: Arc<dyn Clock>) {
        let mut ticks = interval(SAMPLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let lobby = self.connect.lobby_stats().await.ok();
            self.record(lobby.as_ref(), clock.now(), resident_memory_kb());
            self.sample_added.send_replace(());
        }
    }

    fn record(&self, lobby: Option<&LobbyStats>, at: Timestamp, memory_kb: Option<u64>) {
        let mut kept = self.buffer.lock();
        let latency = self.metrics.latency();
        let lately = kept.latencies.front().map_or(latency.clone(), |then| latency.since(then));
        let before = kept.samples.back().cloned().unwrap_or_default();
        let known = lobby.map_or(before, |lobby| Sample {
            people: lobby.people,
            waiting: lobby.waiting,
            pairs: lobby.pairs,
            longest_wait_secs: lobby.longest_wait_secs,
            relayed: lobby.relayed,
            masked: lobby.masked,
            evicted: lobby.evicted,
            instances: lobby.instances,
            ..Sample::default()
        });
        kept.samples.push_back(Sample {
            at,
            calls: self.metrics.calls(CallOutcome::Ok),
            refused: self.metrics.calls(CallOutcome::Refused),
            p50: lately.quantile(500),
            p99: lately.quantile(990),
            memory_kb,
            store_up: lobby.is_some(),
            ..known
        });
        kept.latencies.push_back(latency);
        let (samples, latencies) = (kept.samples.len(), kept.latencies.len());
        kept.samples.drain(..samples.saturating_sub(MAX_SAMPLES));
        kept.latencies.drain(..latencies.saturating_sub(SAMPLES_PER_MINUTE));
    }

    /// Hears of each sample that is added from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.sample_added.subscribe()
    }

    /// The rows of the last hour, oldest first.
    #[must_use]
    pub fn rows(&self) -> Vec<[Option<u64>; FIELDS.len()]> {
        self.buffer.lock().samples.iter().map(Sample::row).collect()
    }

    /// The last row, if there is one yet.
    #[must_use]
    pub fn last(&self) -> Option<[Option<u64>; FIELDS.len()]> {
        self.buffer.lock().samples.back().map(Sample::row)
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn alerts(&self) -> Vec<String> {
        alerts::alerts(self.buffer.lock().samples.make_contiguous())
    }
}

/// How much memory this process has, where there is a `/proc` that tells.
fn resident_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
