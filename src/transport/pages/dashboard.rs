//! [`Dashboard`]: takes a [`Sample`] every few seconds and stores those of the last hour.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::alerts;
use super::sample::{FIELDS, GatewaySample, SAMPLE_INTERVAL, Sample};
use crate::connect::lobby::action::LobbyStats;
use crate::connect::service::ConnectService;
use crate::gateway::service::GatewayService;
use crate::gateway::service::figures::ProviderStatus;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::latency::LatencySnapshot;
use crate::transport::ops::metrics::{CallOutcome, Metrics};

/// Number of stored samples: one hour.
const MAX_SAMPLES: usize = 720;
/// Number of samples over which call durations are measured: one minute.
const SAMPLES_PER_MINUTE: usize = 12;

/// The samples of the last hour, with a notification for each new one.
pub struct Dashboard {
    connect: Arc<ConnectService>,
    metrics: Arc<Metrics>,
    /// `None` if the toolset is not enabled.
    gateway: Option<Arc<GatewayService>>,
    buffer: Mutex<SampleBuffer>,
    sample_added: watch::Sender<()>,
}

#[derive(Default)]
struct SampleBuffer {
    samples: VecDeque<Sample>,
    /// Call durations since the start, as of each of the last samples.
    latencies: VecDeque<LatencySnapshot>,
    /// Times to the first token since the start, likewise.
    first_tokens: VecDeque<LatencySnapshot>,
}

impl Dashboard {
    #[must_use]
    pub fn new(
        connect: &Arc<ConnectService>,
        metrics: &Arc<Metrics>,
        gateway: Option<Arc<GatewayService>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            connect: Arc::clone(connect),
            metrics: Arc::clone(metrics),
            gateway,
            buffer: Mutex::default(),
            sample_added: watch::Sender::new(()),
        })
    }

    /// Whether the toolset `gateway` is enabled.
    #[must_use]
    pub const fn has_gateway(&self) -> bool {
        self.gateway.is_some()
    }

    /// The state of each provider now. `None` if the toolset is not enabled.
    #[must_use]
    pub fn providers(&self) -> Option<Vec<ProviderStatus>> {
        Some(self.gateway.as_ref()?.status().providers)
    }

    /// Takes samples until dropped.
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
        let status = self.gateway.as_ref().map(|gateway| gateway.status());
        let mut buffer = self.buffer.lock();
        let recent = add(&mut buffer.latencies, self.metrics.latency());
        let gateway = status.map(|status| GatewaySample {
            requests: status.requests,
            failed: status.failed,
            tokens: status.tokens,
            charged: status.charged,
            first_token: add(&mut buffer.first_tokens, status.first_tokens).quantile(500),
            open_holds: status.open_holds,
        });
        let previous = buffer.samples.back().cloned().unwrap_or_default();
        let lobby_stats = lobby.map_or(previous, |lobby| Sample {
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
        buffer.samples.push_back(Sample {
            at,
            calls: self.metrics.calls(CallOutcome::Ok),
            refused: self.metrics.calls(CallOutcome::Refused),
            p50: recent.quantile(500),
            p99: recent.quantile(990),
            memory_kb,
            store_up: lobby.is_some(),
            gateway,
            ..lobby_stats
        });
        let samples = buffer.samples.len();
        buffer.samples.drain(..samples.saturating_sub(MAX_SAMPLES));
    }

    /// Notifies the receiver of each new sample.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.sample_added.subscribe()
    }

    /// The rows of the last hour, oldest first.
    #[must_use]
    pub fn rows(&self) -> Vec<[Option<u64>; FIELDS.len()]> {
        self.buffer.lock().samples.iter().map(Sample::row).collect()
    }

    /// The newest row. `None` before the first sample.
    #[must_use]
    pub fn last(&self) -> Option<[Option<u64>; FIELDS.len()]> {
        self.buffer.lock().samples.back().map(Sample::row)
    }

    /// The current problems, as sentences.
    #[must_use]
    pub fn alerts(&self) -> Vec<String> {
        alerts::alerts(self.buffer.lock().samples.make_contiguous())
    }
}

/// Adds a snapshot, and returns what was recorded in the last minute.
fn add(snapshots: &mut VecDeque<LatencySnapshot>, now: LatencySnapshot) -> LatencySnapshot {
    let recent = snapshots.front().map_or_else(|| now.clone(), |earlier| now.since(earlier));
    snapshots.push_back(now);
    snapshots.drain(..snapshots.len().saturating_sub(SAMPLES_PER_MINUTE));
    recent
}

/// Resident memory of this process, in kB, from `/proc`. `None` on systems without it.
fn resident_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
