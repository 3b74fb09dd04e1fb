//! `/metrics` and `/stats`, also while a store is down, and the metrics of refusals and durations.

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::redis_server::RedisServer;
use crate::support::server::{TestServer, fetch_json, http_client};

/// Returns the value of a metric, with its labels.
fn value<'a>(metrics: &'a str, name: &str) -> &'a str {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing: {metrics}"))
}

/// Reads the metrics until one has this value.
async fn until(server: &TestServer, name: &str, wanted: &str) {
    while value(&server.metrics().await, name) != wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn metrics_and_stats_answer_while_the_store_is_down() {
    let mut redis = RedisServer::start(&[]);
    let (url, key) = (redis.url(), "ab".repeat(32));
    let variables = [
        ("REDIS_URL", url.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", key.as_str()),
        ("RATE_LIMITS", "on"),
    ];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ben", "hello").await;
    let stores = ["lobby", "moderation", "rate_limit"];
    let store_up = |store: &str| format!("random_connect_store_up{{store=\"{store}\"}}");
    let metrics = server.metrics().await;
    assert_eq!(value(&metrics, "random_connect_active_users"), "2");
    assert!(stores.iter().all(|store| value(&metrics, &store_up(store)) == "1"), "{metrics}");
    let (_, stats) = fetch_json(server.get("/stats")).await;
    assert_eq!((&stats["store"], &stats["active_users"]), (&json!("up"), &json!(2)));

    redis.kill();
    server.clock.advance(std::time::Duration::from_secs(1));
    let response = server.get("/metrics").send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    let metrics = response.text().await.expect("text");
    assert!(stores.iter().all(|store| value(&metrics, &store_up(store)) == "0"), "{metrics}");
    assert_eq!(value(&metrics, "random_connect_active_users"), "NaN");
    assert_eq!(value(&metrics, "random_connect_messages_relayed_total"), "1");
    let (status, stats) = fetch_json(server.get("/stats")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&stats["store"], &stats["status"]), (&json!("down"), &json!("degraded")));
    assert_eq!(stats["active_users"], Value::Null, "unknown figures are missing");
    assert!(stats["uptime_seconds"].is_u64() && stats["version"].is_string(), "{stats}");
    server.short_form("handle_message", json!({ "message": "#m", "puch_user_id": "ann" })).await;
    let refused = "random_connect_refusals_total{cause=\"store_unavailable\"}";
    assert_eq!(value(&server.metrics().await, refused), "1");
}

#[tokio::test]
async fn metrics_describe_build_and_process() {
    let metrics = TestServer::start().await.metrics().await;
    let build = format!("random_connect_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(value(&metrics, &build), "1");
    for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "start_time_seconds"] {
        let name = format!("process_{name}");
        assert!(value(&metrics, &name).parse::<f64>().is_ok_and(|value| value >= 0.0), "{name}");
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[tokio::test]
async fn metrics_count_refusals_by_cause() {
    let variables = [
        ("RATE_LIMITS", "messages=9,same=2,searches=1,newcomers=600"),
        ("LINKS", "refuse"),
        ("NOTICE", "require"),
        ("ADMIN_TOKEN", "a-token-for-the-operator"),
        ("TOOLSETS", "connect,penpal"),
        ("MAX_SESSIONS", "1"),
    ];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    server.say("ann", "#agree").await;
    server.say("ann", "#meet").await;
    server.say("ann", "see https://spam.example").await;
    let _agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    LiveClient::try_connect(&server, LiveTransport::WebSocket).await.err().expect("refused");
    for path in ["/mcp", "/stats", "/admin/log", "/stats"] {
        http_client().get(format!("{}{path}", server.url)).send().await.expect("a response");
    }
    let metrics = server.metrics().await;
    for (cause, count) in [
        ("notice", "1"),
        ("content", "1"),
        ("session_limit", "1"),
        ("suspended", "0"),
        ("new_users", "0"),
        ("store_unavailable", "0"),
        ("draining", "0"),
    ] {
        let name = format!("random_connect_refusals_total{{cause=\"{cause}\"}}");
        assert_eq!(value(&metrics, &name), count, "{cause}");
    }
    let limited = value(&metrics, "random_connect_refusals_total{cause=\"rate_limited\"}");
    assert!(limited.parse::<u64>().is_ok_and(|count| count > 0), "{limited}");
    for (gate, count) in [("callers", "1"), ("monitoring", "2"), ("admin", "1")] {
        let name = format!("random_connect_refused_logins_total{{gate=\"{gate}\"}}");
        assert_eq!(value(&metrics, &name), count, "{gate}");
    }
    let rejected = "random_connect_rejected_requests_total{status=\"401\"}";
    assert_eq!(value(&metrics, rejected), "4");
}

#[tokio::test]
async fn metrics_measure_waits_and_sessions_apart_from_calls() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.call("wait_for_message", json!({ "user_id": "ann", "timeout_seconds": 0 })).await;
    let metrics = server.metrics().await;
    assert_eq!(value(&metrics, "random_connect_wait_duration_seconds_count"), "1");
    assert!(metrics.contains("random_connect_wait_duration_seconds_bucket{le=\"75\"} 1"));
    drop(agent);
    until(&server, "random_connect_live_session_duration_seconds_count", "1").await;
}
