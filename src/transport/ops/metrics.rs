//! Figures for monitoring, in Prometheus' text format.
//!
//! Labels come from fixed sets: never a caller's text, id or an unknown method's name.

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

/// The tool that is meant to take long: its time says nothing of how fast the server is.
const LONG_POLL_TOOL: &str = "wait_for_message";

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    Ok,
    /// The caller was told what was wrong with the call.
    Refused,
}

/// Where requests of this server's own go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundTarget {
    WhatsApp,
    Callback,
}

/// What came of a request of this server's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    Ok,
    /// It is made again later.
    Later,
    /// It is not made again.
    Refused,
}

/// What came of a body posted to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    Accepted,
    /// The signature is missing or wrong.
    Unsigned,
    /// It is signed, but no JSON.
    Invalid,
    /// Too much waits to be carried out: it has to come again.
    Busy,
}

/// The server's figures. Each server has its own, so that several can live in one process.
pub struct Metrics {
    handle: PrometheusHandle,
    tools: Vec<ToolMetrics>,
    unknown_tool: ToolMetrics,
    lobby: LobbyMetrics,
    /// By target, then by outcome, both in the order in which they are declared.
    sends: [[Counter; 3]; 2],
    webhooks: [Counter; 4],
    /// For whoever looks at this process itself, as the recorder can only be read as text.
    latency: LatencyHistogram,
}

struct ToolMetrics {
    tool: String,
    /// By outcome, in the order in which they are declared: how many there were, and where that is
    /// told when the figures are read.
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

/// How those do who stay connected.
#[derive(Clone, Copy, Debug)]
pub struct SessionStats {
    /// Clients in live sessions.
    pub sessions: usize,
    /// Users with a push channel.
    pub reachable: usize,
    /// Channels that were given up because they were slow or gone.
    pub given_up: u64,
}

impl Metrics {
    /// Figures for the tools of these names.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = String>) -> Self {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
        let recorder = builder.expect("the bounds are a constant and not empty").build_recorder();
        describe(&recorder);
        let figures = |tool: String| ToolMetrics {
            calls: ["ok", "refused"].map(|outcome| {
                let labels = [("tool", tool.as_str()), ("outcome", outcome)];
                let told = counter(&recorder, "random_connect_tool_calls_total", &labels);
                (AtomicU64::new(0), told)
            }),
            seconds: recorder.register_histogram(
                &key("random_connect_tool_call_duration_seconds", &[("tool", &tool)]),
                &METADATA,
            ),
            tool,
        };
        let gauge = |name| recorder.register_gauge(&key(name, &[]), &METADATA);
        Self {
            tools: tools.into_iter().map(figures).collect(),
            unknown_tool: figures("unknown".to_owned()),
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

    /// Counts a request of this server's own.
    pub fn record_send(&self, target: OutboundTarget, outcome: SendOutcome) {
        self.sends[target as usize][outcome as usize].increment(1);
    }

    /// Counts a body posted to a webhook.
    pub fn record_webhook(&self, outcome: WebhookOutcome) {
        self.webhooks[outcome as usize].increment(1);
    }

    /// Counts a call of a tool; one that is not of this server counts as `unknown`.
    pub fn record_call(&self, tool: &str, outcome: CallOutcome, took: Duration) {
        let figures =
            self.tools.iter().find(|figures| figures.tool == tool).unwrap_or(&self.unknown_tool);
        figures.calls[outcome as usize].0.fetch_add(1, Ordering::Relaxed);
        figures.seconds.record(took);
        if tool != LONG_POLL_TOOL {
            self.latency.record(took);
        }
    }

    /// How many calls ended like this since the start.
    #[must_use]
    pub fn calls(&self, outcome: CallOutcome) -> u64 {
        let calls =
            |figures: &ToolMetrics| figures.calls[outcome as usize].0.load(Ordering::Relaxed);
        self.tool_metrics().map(calls).sum()
    }

    fn tool_metrics(&self) -> impl Iterator<Item = &ToolMetrics> {
        self.tools.iter().chain([&self.unknown_tool])
    }

    /// How long calls took since the start.
    #[must_use]
    pub fn latency(&self) -> LatencySnapshot {
        self.latency.snapshot()
    }

    /// Folds what was recorded into the histograms every `interval`, until dropped.
    pub async fn run_upkeep(self: Arc<Self>, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        loop {
            ticks.tick().await;
            self.handle.run_upkeep();
        }
    }

    /// All figures as text, the lobby's as of now.
    #[must_use]
    pub fn render(&self, lobby: &LobbyStats, live: SessionStats) -> String {
        let LobbyMetrics { users, waiting, pairs, relayed, masked, evictions, .. } = &self.lobby;
        let LobbyMetrics { sessions, reachable, given_up, .. } = &self.lobby;
        // A gauge is a float; counts of people stay far below 2^52.
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
        for (calls, told) in self.tool_metrics().flat_map(|figures| &figures.calls) {
            told.absolute(calls.load(Ordering::Relaxed));
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
        ("random_connect_waiting_users", "People in the queue"),
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
