//! [`describe`]: the meaning of every metric, and the bucket bounds of the histograms.
//!
//! Metrics of the process (`process_…`) are described by `metrics-process`.

use metrics::Recorder as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::gateway::service::gen_ai;

/// Upper bounds of the duration histogram of calls, in seconds.
const CALL_BUCKETS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];
/// Upper bounds of the duration histogram of waits, in seconds. A wait may last a minute.
const WAIT_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 59.0, 61.0, 75.0];
/// Upper bounds of the duration histogram of live sessions, in seconds.
const SESSION_BUCKETS: &[f64] =
    &[1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

pub(super) const WAIT_SECONDS: &str = "random_connect_wait_duration_seconds";
pub(super) const SESSION_SECONDS: &str = "random_connect_live_session_duration_seconds";

const COUNTERS: &[(&str, &str)] = &[
    ("random_connect_tool_calls_total", "Tool calls by tool, toolset and outcome"),
    ("random_connect_messages_relayed_total", "Messages relayed to a partner"),
    ("random_connect_numbers_masked_total", "Phone numbers hidden in relayed messages"),
    ("random_connect_evictions_total", "Users evicted for inactivity"),
    ("random_connect_channels_given_up_total", "Channels closed because they were slow or gone"),
    ("random_connect_outbound_requests_total", "Outbound delivery requests by channel and outcome"),
    ("random_connect_webhooks_total", "Webhook requests by outcome"),
    ("random_connect_refusals_total", "Refused actions and sessions by cause"),
    ("random_connect_refused_logins_total", "Requests without a valid token, by gate"),
    ("random_connect_rejected_requests_total", "HTTP responses with an error status, by status"),
];

const GAUGES: &[(&str, &str)] = &[
    ("random_connect_active_users", "Users active within the idle timeout; NaN while unknown"),
    ("random_connect_waiting_users", "Users in the queue; NaN while unknown"),
    ("random_connect_active_pairs", "Active chats; NaN while unknown"),
    ("random_connect_live_sessions", "Open live sessions"),
    ("random_connect_reachable_users", "Users with a push channel"),
    (
        "random_connect_clock_skew_seconds",
        "Clock of the machine minus clock of Redis; 0 without Redis",
    ),
    ("random_connect_store_up", "Whether a store answers, by store"),
    ("random_connect_build_info", "Always 1; the version is a label"),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    ("random_connect_tool_call_duration_seconds", "Time from parsing a call to its answer"),
    (WAIT_SECONDS, "Duration of wait_for_message calls"),
    (SESSION_SECONDS, "Duration of ended live sessions"),
];

/// Creates a recorder with the buckets of all histograms.
pub(super) fn recorder() -> PrometheusRecorder {
    let full = |name: &str| Matcher::Full(name.to_owned());
    let own = [(WAIT_SECONDS, WAIT_BUCKETS), (SESSION_SECONDS, SESSION_BUCKETS)];
    let mut special = own.into_iter().chain(gen_ai::BUCKETS);
    let builder = PrometheusBuilder::new().set_buckets(CALL_BUCKETS).and_then(|builder| {
        special.try_fold(builder, |builder, (name, buckets)| {
            builder.set_buckets_for_metric(full(name), buckets)
        })
    });
    builder.expect("the bucket bounds are non-empty constants").build_recorder()
}

/// Describes every metric.
pub(super) fn describe(recorder: &PrometheusRecorder) {
    for (name, text) in COUNTERS {
        recorder.describe_counter((*name).into(), None, (*text).into());
    }
    for (name, text) in GAUGES {
        recorder.describe_gauge((*name).into(), None, (*text).into());
    }
    for (name, text) in HISTOGRAMS {
        recorder.describe_histogram((*name).into(), None, (*text).into());
    }
}
