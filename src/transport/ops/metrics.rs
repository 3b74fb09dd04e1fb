//! [`Metrics`]: counters, gauges and histograms in Prometheus' text format.
//!
//! Labels come from fixed sets: never a caller's text, an id or the name of an unknown method.
//! Metric names and labels are part of the public contract.
//!
//! To add a metric, register it in [`Metrics::new`], describe it in `describe`, and add a
//! `record_…` method or a field to [`SessionStats`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::latency::{LatencyHistogram, LatencySnapshot};
use crate::connect::lobby::action::LobbyStats;

/// Upper bounds of the duration histogram, in seconds.
const BUCKETS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];

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

/// The metrics of one server. They are not global, so that one process can run several servers.
pub struct Metrics {
    handle: PrometheusHandle,
    tools: Vec<ToolMetrics>,
    unknown_tool: ToolMetrics,
    lobby: LobbyMetrics,
    /// By [`OutboundTarget`], then by [`SendOutcome`], both in declaration order.
    sends: [[Counter; 3]; 2],
    /// By [`WebhookOutcome`], in declaration order.
    webhooks: [Counter; 4],
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

struct LobbyMetrics {
    users: Gauge,
    waiting: Gauge,
    pairs: Gauge,
    relayed: Counter,
    masked: Counter,
    evictions: Counter,
    sessions: Gauge,
    reachable: Gauge,
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

impl Metrics {
    /// Metrics for the tools with these names.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = String>) -> Self {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
        let recorder =
            builder.expect("the bucket bounds are a non-empty constant").build_recorder();
        describe(&recorder);
        let tool_metrics = |tool: String| ToolMetrics {
            calls: ["ok", "refused"].map(|outcome| {
                let labels = [("tool", tool.as_str()), ("outcome", outcome)];
                let counter = counter(&recorder, "random_connect_tool_calls_total", &labels);
                (AtomicU64::new(0), counter)
            }),
            seconds: recorder.register_histogram(
                &key("random_connect_tool_call_duration_seconds", &[("tool", &tool)]),
                &METADATA,
            ),
            tool,
        };
        let gauge = |name| recorder.register_gauge(&key(name, &[]), &METADATA);
        Self {
            tools: tools.into_iter().map(tool_metrics).collect(),
            unknown_tool: tool_metrics("unknown".to_owned()),
            lobby: LobbyMetrics {
                users: gauge("random_connect_active_users"),
                waiting: gauge("random_connect_waiting_users"),
                pairs: gauge("random_connect_active_pairs"),
                relayed: counter(&recorder, "random_connect_messages_relayed_total", &[]),
                masked: counter(&recorder, "random_connect_numbers_masked_total", &[]),
                evictions: counter(&recorder, "random_connect_evictions_total", &[]),
                sessions: gauge("random_connect_live_sessions"),
                reachable: gauge("random_connect_reachable_users"),
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
            latency: LatencyHistogram::default(),
            handle: recorder.handle(),
        }
    }

    /// Counts an outbound request.
    pub fn record_send(&self, target: OutboundTarget, outcome: SendOutcome) {
        self.sends[target as usize][outcome as usize].increment(1);
    }

    /// Counts a body posted to a webhook.
    pub fn record_webhook(&self, outcome: WebhookOutcome) {
        self.webhooks[outcome as usize].increment(1);
    }

    /// Counts a tool call. A tool that this server does not have counts as `unknown`.
    pub fn record_call(&self, tool: &str, outcome: CallOutcome, took: Duration) {
        let metrics =
            self.tools.iter().find(|metrics| metrics.tool == tool).unwrap_or(&self.unknown_tool);
        metrics.calls[outcome as usize].0.fetch_add(1, Ordering::Relaxed);
        metrics.seconds.record(took);
        if tool != LONG_POLL_TOOL {
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

    /// All metrics as text, with the current statistics of the lobby.
    #[must_use]
    pub fn render(&self, lobby: &LobbyStats, live: SessionStats) -> String {
        let LobbyMetrics { users, waiting, pairs, relayed, masked, evictions, .. } = &self.lobby;
        let LobbyMetrics { sessions, reachable, given_up, .. } = &self.lobby;
        // A gauge is a float; user counts stay far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        for (gauge, value) in [
            (users, lobby.people),
            (waiting, lobby.waiting),
            (pairs, lobby.pairs),
            (sessions, live.sessions),
            (reachable, live.reachable),
        ] {
            gauge.set(value as f64);
        }
        for (counter, total) in [
            (relayed, lobby.relayed),
            (masked, lobby.masked),
            (evictions, lobby.evicted),
            (given_up, live.given_up),
        ] {
            counter.absolute(total);
        }
        for (calls, counter) in self.tool_metrics().flat_map(|metrics| &metrics.calls) {
            counter.absolute(calls.load(Ordering::Relaxed));
        }
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn describe(recorder: &PrometheusRecorder) {
    for (name, text) in [
        ("random_connect_tool_calls_total", "Tool calls by tool and outcome"),
        ("random_connect_messages_relayed_total", "Messages relayed to a partner"),
        ("random_connect_numbers_masked_total", "Phone numbers hidden in relayed messages"),
        ("random_connect_evictions_total", "Users evicted for inactivity"),
        (
            "random_connect_channels_given_up_total",
            "Channels closed because they were slow or gone",
        ),
        (
            "random_connect_outbound_requests_total",
            "Outbound delivery requests by channel and outcome",
        ),
        ("random_connect_webhooks_total", "Webhook requests by outcome"),
    ] {
        recorder.describe_counter(name.into(), None, text.into());
    }
    for (name, text) in [
        ("random_connect_active_users", "Users active within the idle timeout"),
        ("random_connect_waiting_users", "Users in the queue"),
        ("random_connect_active_pairs", "Active chats"),
        ("random_connect_live_sessions", "Open live sessions"),
        ("random_connect_reachable_users", "Users with a push channel"),
    ] {
        recorder.describe_gauge(name.into(), None, text.into());
    }
    recorder.describe_histogram(
        "random_connect_tool_call_duration_seconds".into(),
        None,
        "Time from parsing a call to its answer".into(),
    );
}

fn counter(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &str)],
) -> Counter {
    recorder.register_counter(&key(name, labels), &METADATA)
}

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> =
        labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(name, labels)
}
