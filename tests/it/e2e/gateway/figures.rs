//! The metrics of the gateway: OpenTelemetry's names, the sums of tokens and credits, and their bounded labels.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use random_connect::gateway::error::GatewayErrorCode;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::gateway_socket::{GatewayScene, gateway_request};
use crate::support::provider_stand_in::{AnswerScript, InvoiceRow, StandInFault};

/// A line of `/metrics`: the name with its labels, without `toolset`.
type Series = (String, BTreeMap<String, String>);

/// All series of the gateway, with their values.
async fn series(scene: &GatewayScene) -> BTreeMap<Series, f64> {
    let metrics = scene.server.metrics().await;
    let lines = metrics.lines().filter(|line| line.contains("toolset=\"gateway\""));
    lines.filter(|line| !line.contains("tool=\"")).map(parse).collect()
}

fn parse(line: &str) -> (Series, f64) {
    let (name, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = name.split_once('{').expect("labels");
    let labels = labels.trim_end_matches('}').split("\",").map(|label| {
        let (label, value) = label.split_once("=\"").expect("a label");
        (label.to_owned(), value.trim_end_matches('"').to_owned())
    });
    let labels = labels.filter(|(label, _)| label != "toolset").collect();
    ((name.to_owned(), labels), value.parse().expect("a number"))
}

/// The sum of the series with this name and these labels among others: a whole number.
fn sum(all: &BTreeMap<Series, f64>, name: &str, labels: &[(&str, &str)]) -> u64 {
    let has = |found: &BTreeMap<String, String>| {
        labels.iter().all(|(label, value)| found.get(*label).is_some_and(|other| other == value))
    };
    let found = all.iter().filter(|((other, found), _)| other == name && has(found));
    let sum = found.fold(0.0, |sum, (_, value)| sum + value);
    sum.to_string().parse().expect("a whole number")
}

/// The values of a label in all series.
fn values(all: &BTreeMap<Series, f64>, label: &str) -> BTreeSet<String> {
    all.keys().filter_map(|(_, labels)| labels.get(label).cloned()).collect()
}

fn status(status: u16, headers: Vec<(&'static str, String)>) -> AnswerScript {
    let body = json!({ "error": { "message": "out of order" } });
    AnswerScript::with(StandInFault::Status { status, headers, body })
}

#[tokio::test]
async fn gateway_metrics_have_the_names_of_the_conventions_and_add_up() {
    let scene = GatewayScene::start().await;
    let mut socket = scene.socket("ann").await;
    let mut charged = 0;
    for (id, stream) in [(1, true), (2, false)] {
        let reply = socket.ask(&gateway_request(id, json!({ "stream": stream }))).await;
        charged += reply.charged();
    }
    scene.openai.state.add(status(529, Vec::new()));
    charged += socket.ask(&gateway_request(3, json!({}))).await.charged();
    let unknown = socket.ask(&gateway_request(4, json!({ "model": "gpt-of-ann" }))).await;
    assert_eq!(unknown.code(), "UNKNOWN_MODEL");
    let all = series(&scene).await;

    let invoices =
        [("openai", scene.openai.state.invoice()), ("anthropic", scene.claude.state.invoice())];
    for (provider, rows) in &invoices {
        let usage = |kind| {
            let labels = [("gen_ai_provider_name", *provider), ("gen_ai_token_type", kind)];
            sum(&all, "gen_ai_client_token_usage_sum", &labels)
        };
        let tokens = |count: fn(&InvoiceRow) -> u64| rows.iter().map(count).sum::<u64>();
        assert_eq!(usage("input"), tokens(|row| row.input_tokens), "{provider}");
        assert_eq!(usage("output"), tokens(|row| row.output_tokens), "{provider}");
    }

    let asked = ("gen_ai_request_model", "gpt-6-luna");
    let answered =
        |model| [asked, ("gen_ai_response_model", model), ("gen_ai_operation_name", "chat")];
    let count = |name: &str, labels: &[(&str, &str)]| sum(&all, &format!("{name}_count"), labels);
    let requests = "gen_ai_server_request_duration_seconds";
    assert_eq!(count(requests, &answered("gpt-6-luna")), 2);
    assert_eq!(count(requests, &answered("claude-haiku-5-5")), 1);
    for name in
        ["gen_ai_server_time_to_first_token_seconds", "gen_ai_server_time_per_output_token_seconds"]
    {
        assert_eq!(count(name, &[]), 2, "{name}: the streamed answers");
    }
    let attempts = "gen_ai_client_operation_duration_seconds";
    assert_eq!(count(attempts, &[asked]), 3);
    assert_eq!(count(attempts, &[asked, ("error_type", "throttled")]), 1);
    assert_eq!(count(attempts, &[("gen_ai_provider_name", "anthropic")]), 1);

    let own = |name: &str, labels: &[(&str, &str)]| {
        sum(&all, &format!("random_connect_gateway_{name}"), labels)
    };
    assert_eq!(own("charged_microcredits_total", &[]), u64::try_from(charged).expect("a charge"));
    assert_eq!(own("uncollected_microcredits_total", &[]), 0);
    assert_eq!(own("requests_total", &[("status", "done")]), 3);
    assert_eq!(own("requests_total", &[("status", "failed")]), 1);
    assert_eq!(own("errors_total", &[("code", "UNKNOWN_MODEL")]), 1);
    assert_eq!(own("errors_total", &[]), 1);
    assert_eq!((own("failovers_total", &[]), own("open_holds", &[])), (1, 0));
    assert_eq!(values(&all, "code").len(), GatewayErrorCode::ALL.len());
}

#[tokio::test]
async fn gateway_metrics_have_the_buckets_of_the_conventions() {
    let scene = GatewayScene::start().await;
    scene.socket("ann").await.ask(&gateway_request(1, json!({}))).await;
    let all = series(&scene).await;
    for (name, buckets, first, last) in [
        ("gen_ai_client_token_usage", 14, "1", "67108864"),
        ("gen_ai_client_operation_duration_seconds", 14, "0.01", "81.92"),
        ("gen_ai_server_request_duration_seconds", 14, "0.01", "81.92"),
        ("gen_ai_server_time_to_first_token_seconds", 16, "0.001", "10"),
        ("gen_ai_server_time_per_output_token_seconds", 13, "0.01", "2.5"),
    ] {
        let is_bucket = |series: &&Series| series.0 == format!("{name}_bucket");
        let bounds: BTreeSet<_> =
            all.keys().filter(is_bucket).filter_map(|(_, labels)| labels.get("le")).collect();
        // One more for infinity.
        assert_eq!(bounds.len(), buckets + 1, "{name}: {bounds:?}");
        for bound in [first, last] {
            assert!(bounds.contains(&bound.to_owned()), "{name}: {bounds:?}");
        }
    }
}

#[tokio::test]
async fn gateway_metrics_have_no_label_of_a_caller_or_a_provider() {
    let scene = GatewayScene::start().await;
    let mut socket = scene.socket("ann").await;
    socket.ask(&gateway_request(1, json!({}))).await;
    let before = series(&scene).await;
    for id in 2..12 {
        let user = format!("user-{id}");
        let mut socket = scene.socket(&user).await;
        let model = json!({ "model": format!("model-of-{user}") });
        socket.ask(&gateway_request(id, model)).await;
        socket.ask(&gateway_request(format!("id-{id}"), json!({}))).await;
    }
    let after = series(&scene).await;
    // The states of breakers appear a moment after the first request.
    let is_counted = |series: &&Series| !series.0.ends_with("breaker_open");
    let names = |all: &BTreeMap<Series, f64>| {
        all.keys().filter(is_counted).cloned().collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&before), names(&after), "the number of series is that of the configuration");
}

#[tokio::test]
async fn gateway_metrics_show_a_target_that_gets_no_requests() {
    let scene = GatewayScene::with(&[], ConnectionLimits::default()).await;
    let retry = vec![("retry-after", "120".to_owned())];
    scene.openai.state.add(status(429, retry));
    let mut socket = scene.socket("ann").await;
    socket.ask(&gateway_request(1, json!({}))).await;
    let name = "random_connect_gateway_breaker_open";
    let target = |provider| [("provider", provider), ("credential", "1")];
    let until = async |wanted: u64| {
        while sum(&series(&scene).await, name, &target("openai")) != wanted {
            tokio::task::yield_now().await;
        }
    };
    until(1).await;
    let all = series(&scene).await;
    assert_eq!(sum(&all, name, &[("model", "gpt-6-luna")]), 1);
    assert_eq!(sum(&all, name, &target("claude")), 0);
    scene.server.clock.advance(Duration::from_secs(121));
    until(0).await;
}
