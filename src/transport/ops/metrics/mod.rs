//! [`Metrics`]: counters, gauges and histograms in Prometheus' text format.
//!
//! Labels come from fixed sets: never a caller's text, an id or the name of an unknown method.
//! Metric names and labels are part of the public contract.
//!
//! To add a metric, register it in [`Metrics::default`], describe it in `describe.rs`, and add a
//! `record_…` method or a field to [`Figures`].

mod describe;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusHandle, PrometheusRecorder};
use metrics_process::Collector;

use crate::connect::lobby::action::LobbyStats;
use crate::connect::moderated::refusals::{RefusalCause, RefusalCounts};
use crate::kernel::figures::ToolsetFigures;
use crate::kernel::health::HealthReport;
use crate::kernel::latency::{LatencyHistogram, LatencySnapshot};
use crate::kernel::toolset::Toolset;
use describe::{SESSION_SECONDS, WAIT_SECONDS, describe};

/// The tool that waits for an event, so that its duration does not measure the server's speed.
const LONG_POLL_TOOL: &str = "wait_for_message";

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    Ok,
    /// The answer was an error that explains what was wrong with the call.
    Refused,
}

/// The destination of an outbound request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundTarget {
    WhatsApp,
    Callback,
}

/// How an outbound request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    Ok,
    /// The request is retried later.
    Later,
    /// The request is not retried.
    Refused,
}

/// How a body posted to a webhook was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    Accepted,
    /// The signature is missing or wrong.
    Unsigned,
    /// The body is signed, but is not JSON.
    Invalid,
    /// Too many messages are pending: the sender has to retry.
    Busy,
}

/// The reason that a live session was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRefusal {
    LimitReached,
    Draining,
}

/// The gate that refused a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateName {
    Callers,
    Admin,
    Monitoring,
}

/// Statuses of rejected requests that have their own label; all others are `other`.
const REJECTED_STATUSES: [(u16, &str); 8] = [
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (413, "413"),
    (503, "503"),
];

/// The state of the server at one moment, for [`Metrics::render`].
pub struct Figures<'a> {
    /// `None` if the lobby's store does not answer.
    pub lobby: Option<&'a LobbyStats>,
    pub stores: &'a HealthReport,
    pub refusals: &'a RefusalCounts,
    pub sessions: SessionStats,
    /// The machine's clock minus that of Redis, in milliseconds. `None` without Redis.
    pub clock_skew_ms: Option<i64>,
}

/// The metrics of one server. They are not global, so that one process can run several servers.
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    process: Collector,
    tools: Vec<ToolMetrics>,
    unknown_tool: ToolMetrics,
    lobby: LobbyMetrics,
    /// By [`OutboundTarget`], then by [`SendOutcome`], both in declaration order.
    sends: [[Counter; 3]; 2],
    /// By [`WebhookOutcome`], in declaration order.
    webhooks: [Counter; 4],
    /// In the order of [`RefusalCause::ALL`].
    refusals: [Counter; RefusalCause::ALL.len()],
    /// By [`SessionRefusal`], in declaration order.
    session_refusals: [Counter; 2],
    /// By [`GateName`], in declaration order.
    refused_logins: [Counter; 3],
    /// In the order of [`REJECTED_STATUSES`].
    rejected: [Counter; REJECTED_STATUSES.len()],
    rejected_other: Counter,
    wait_seconds: Histogram,
    session_seconds: Histogram,
    /// Durations for the dashboard, because the recorder can only be read as text.
    latency: LatencyHistogram,
}

struct ToolMetrics {
    tool: String,
    /// By [`CallOutcome`], in declaration order: the count, and the counter that
    /// [`Metrics::render`] copies it to.
    calls: [(AtomicU64, Counter); 2],
    seconds: Histogram,
}

impl ToolMetrics {
    fn new(recorder: &PrometheusRecorder, toolset: &str, tool: String) -> Self {
        let labels = [("tool", tool.as_str()), ("toolset", toolset)];
        let seconds = key("random_connect_tool_call_duration_seconds", &labels);
        let seconds = recorder.register_histogram(&seconds, &METADATA);
        let calls = ["ok", "refused"].map(|outcome| {
            let labels = [labels[0], labels[1], ("outcome", outcome)];
            let counter = counter(recorder, "random_connect_tool_calls_total", &labels);
            (AtomicU64::new(0), counter)
        });
        Self { tool, calls, seconds }
    }
}

struct LobbyMetrics {
    users: Gauge,
    waiting: Gauge,
    pairs: Gauge,
    relayed: Counter,
    masked: Counter,
    evictions: Counter,
    sessions: Gauge,
    reachable: Gauge,
    clock_skew: Gauge,
    given_up: Counter,
}

/// Counts of live sessions and push channels.
#[derive(Clone, Copy, Debug)]
pub struct SessionStats {
    /// Clients in live sessions.
    pub sessions: usize,
    /// Users with a push channel.
    pub reachable: usize,
    /// Channels closed because they were slow or disconnected, since the start.
    pub given_up: u64,
}

impl Default for Metrics {
    /// Metrics without tools.
    fn default() -> Self {
        let recorder = Arc::new(describe::recorder());
        describe(&recorder);
        let process = Collector::default();
        metrics::with_local_recorder(&*recorder, || process.describe());
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        gauge(&recorder, "random_connect_build_info", &build).set(1.0);
        let refusal =
            |cause| counter(&recorder, "random_connect_refusals_total", &[("cause", cause)]);
        let rejected = |status| {
            counter(&recorder, "random_connect_rejected_requests_total", &[("status", status)])
        };
        let histogram = |name| recorder.register_histogram(&key(name, &[]), &METADATA);
        let lobby_gauge = |name| gauge(&recorder, name, &[]);
        Self {
            tools: Vec::new(),
            unknown_tool: ToolMetrics::new(&recorder, "unknown", "unknown".to_owned()),
            lobby: LobbyMetrics {
                users: lobby_gauge("random_connect_active_users"),
                waiting: lobby_gauge("random_connect_waiting_users"),
                pairs: lobby_gauge("random_connect_active_pairs"),
                relayed: counter(&recorder, "random_connect_messages_relayed_total", &[]),
                masked: counter(&recorder, "random_connect_numbers_masked_total", &[]),
                evictions: counter(&recorder, "random_connect_evictions_total", &[]),
                sessions: lobby_gauge("random_connect_live_sessions"),
                reachable: lobby_gauge("random_connect_reachable_users"),
                clock_skew: lobby_gauge("random_connect_clock_skew_seconds"),
                given_up: counter(&recorder, "random_connect_channels_given_up_total", &[]),
            },
            sends: ["whatsapp", "callback"].map(|target| {
                ["ok", "later", "refused"].map(|outcome| {
                    let labels = [("channel", target), ("outcome", outcome)];
                    counter(&recorder, "random_connect_outbound_requests_total", &labels)
                })
            }),
            webhooks: ["accepted", "unsigned", "invalid", "busy"].map(|outcome| {
                counter(&recorder, "random_connect_webhooks_total", &[("outcome", outcome)])
            }),
            refusals: RefusalCause::ALL.map(|cause| refusal(cause.name())),
            session_refusals: ["session_limit", "draining"].map(refusal),
            refused_logins: ["callers", "admin", "monitoring"].map(|gate| {
                counter(&recorder, "random_connect_refused_logins_total", &[("gate", gate)])
            }),
            rejected: REJECTED_STATUSES.map(|(_, status)| rejected(status)),
            rejected_other: rejected("other"),
            wait_seconds: histogram(WAIT_SECONDS),
            session_seconds: histogram(SESSION_SECONDS),
            latency: LatencyHistogram::default(),
            handle: recorder.handle(),
            process,
            recorder,
        }
    }
}

impl Metrics {
    /// Adds the tools of these toolsets.
    pub fn register_tools(&mut self, toolsets: &[Arc<dyn Toolset>]) {
        for toolset in toolsets {
            let tools = toolset.tools().into_iter().map(|tool| tool.name.into_owned());
            let metrics = |tool| ToolMetrics::new(&self.recorder, toolset.name(), tool);
            self.tools.extend(tools.map(metrics));
        }
    }

    /// The metrics of a toolset.
    #[must_use]
    pub fn figures(&self, toolset: &'static str) -> ToolsetFigures {
        ToolsetFigures::new(Arc::clone(&self.recorder) as _, toolset)
    }

    /// Counts an outbound request.
    pub fn record_send(&self, target: OutboundTarget, outcome: SendOutcome) {
        self.sends[target as usize][outcome as usize].increment(1);
    }

    /// Counts a body posted to a webhook.
    pub fn record_webhook(&self, outcome: WebhookOutcome) {
        self.webhooks[outcome as usize].increment(1);
    }

    /// Counts a live session that was not opened.
    pub fn record_session_refusal(&self, refusal: SessionRefusal) {
        self.session_refusals[refusal as usize].increment(1);
    }

    /// Counts a live session that ended after `duration`.
    pub fn record_session(&self, duration: Duration) {
        self.session_seconds.record(duration);
    }

    /// Counts a response if its status is an error.
    pub fn record_response(&self, status: StatusCode) {
        if status.as_u16() >= 400 {
            let index = REJECTED_STATUSES.iter().position(|(code, _)| *code == status.as_u16());
            index.map_or(&self.rejected_other, |index| &self.rejected[index]).increment(1);
        }
    }

    /// The counter of requests that a gate refuses.
    pub fn refused_logins(&self, gate: GateName) -> Counter {
        self.refused_logins[gate as usize].clone()
    }

    /// Counts a tool call. A tool that this server does not have counts as `unknown`.
    pub fn record_call(&self, tool: &str, outcome: CallOutcome, took: Duration) {
        let metrics =
            self.tools.iter().find(|metrics| metrics.tool == tool).unwrap_or(&self.unknown_tool);
        metrics.calls[outcome as usize].0.fetch_add(1, Ordering::Relaxed);
        metrics.seconds.record(took);
        if tool == LONG_POLL_TOOL {
            self.wait_seconds.record(took);
        } else {
            self.latency.record(took);
        }
    }

    /// Number of calls with this outcome since the start.
    #[must_use]
    pub fn calls(&self, outcome: CallOutcome) -> u64 {
        let calls =
            |metrics: &ToolMetrics| metrics.calls[outcome as usize].0.load(Ordering::Relaxed);
        self.tool_metrics().map(calls).sum()
    }

    fn tool_metrics(&self) -> impl Iterator<Item = &ToolMetrics> {
        self.tools.iter().chain([&self.unknown_tool])
    }

    /// Durations of the calls since the start.
    #[must_use]
    pub fn latency(&self) -> LatencySnapshot {
        self.latency.snapshot()
    }

    /// Folds recorded durations into the histograms every `interval`, until dropped.
    pub async fn run_upkeep(self: Arc<Self>, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        loop {
            ticks.tick().await;
            self.handle.run_upkeep();
        }
    }

    /// All metrics as text. Without statistics of the lobby its gauges are not a number, and its
    /// counters stay at their last value.
    #[must_use]
    pub fn render(&self, figures: &Figures<'_>) -> String {
        let LobbyMetrics { users, waiting, pairs, relayed, masked, evictions, .. } = &self.lobby;
        let LobbyMetrics { sessions, reachable, given_up, .. } = &self.lobby;
        let (lobby, live) = (figures.lobby, figures.sessions);
        for (gauge, value) in [
            (users, lobby.map(|lobby| lobby.people)),
            (waiting, lobby.map(|lobby| lobby.waiting)),
            (pairs, lobby.map(|lobby| lobby.pairs)),
            (sessions, Some(live.sessions)),
            (reachable, Some(live.reachable)),
        ] {
            // A gauge is a float; user counts stay far below 2^52.
            #[allow(clippy::cast_precision_loss)]
            gauge.set(value.map_or(f64::NAN, |value| value as f64));
        }
        // A whole number of milliseconds far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let skew = figures.clock_skew_ms.map_or(0.0, |millis| millis as f64 / 1_000.0);
        self.lobby.clock_skew.set(skew);
        for (store, result) in figures.stores.by_name() {
            let is_up = gauge(&self.recorder, "random_connect_store_up", &[("store", store)]);
            is_up.set(if result.is_ok() { 1.0 } else { 0.0 });
        }
        if let Some(lobby) = lobby {
            relayed.absolute(lobby.relayed);
            masked.absolute(lobby.masked);
            evictions.absolute(lobby.evicted);
        }
        given_up.absolute(live.given_up);
        for (counter, cause) in self.refusals.iter().zip(RefusalCause::ALL) {
            counter.absolute(figures.refusals.get(cause));
        }
        metrics::with_local_recorder(&*self.recorder, || self.process.collect());
        for (calls, counter) in self.tool_metrics().flat_map(|metrics| &metrics.calls) {
            counter.absolute(calls.load(Ordering::Relaxed));
        }
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn counter(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &str)],
) -> Counter {
    recorder.register_counter(&key(name, labels), &METADATA)
}

fn gauge(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &str)],
) -> Gauge {
    recorder.register_gauge(&key(name, labels), &METADATA)
}

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> =
        labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(name, labels)
}
