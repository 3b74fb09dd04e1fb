//! The limits of a role on the requests of a user, over sockets, HTTP and all instances.

use std::io::Write;
use std::time::Duration;

use futures_util::future::join_all;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::time::timeout;

use crate::support::backends::memory_only;
use crate::support::gateway_socket::{GatewayScene, GatewaySocket, gateway_request};
use crate::support::postgres_server::TestPostgres;
use crate::support::provider_stand_in::{AnswerScript, StandInFault};
use crate::support::server::{TEST_TIMEOUT, http_client};

/// A `gateway.toml` with these limits of the role of all users.
fn limits(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    write!(file, "[roles.admin]\n{text}").expect("written");
    file
}

async fn limited(text: &str, variables: &[(&str, &str)]) -> GatewayScene {
    let file = limits(text);
    let path = file.path().to_str().expect("a path");
    let of_limits = [("RATE_LIMITS", "on"), ("GATEWAY_CONFIG", path)];
    GatewayScene::with(&[&of_limits[..], variables].concat(), ConnectionLimits::default()).await
}

async fn post(scene: &GatewayScene, user: &str, stream: bool) -> Response {
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let body = json!({
        "model": "gpt-6-luna", "messages": messages, "stream": stream, "max_tokens": 100,
    });
    let url = format!("{}/v1/chat/completions", scene.server.url);
    let request = http_client().post(url).bearer_auth(scene.token(user)).json(&body);
    request.send().await.expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().expect("text")
}

#[tokio::test]
async fn gateway_limits_count_all_sockets_and_http_of_a_user() {
    let scene = limited("requests_per_minute = 3\ntokens_per_minute = 100000", &[]).await;
    let (mut first, mut second) = (scene.socket("ann").await, scene.socket("ann").await);
    for (socket, remaining) in [(&mut first, 2), (&mut second, 1)] {
        let reply = socket.ask(&gateway_request(1, json!({}))).await;
        assert_eq!(reply.end["type"], "done");
        let requests = &reply.messages[0]["limits"]["requests"];
        assert_eq!((&requests["limit"], &requests["remaining"]), (&json!(3), &json!(remaining)));
    }
    assert_eq!(post(&scene, "ann", false).await.status(), 200);
    let (credits, _) = first.credits().await;
    for socket in [&mut first, &mut second] {
        let reply = socket.ask(&gateway_request(2, json!({}))).await;
        assert_eq!(reply.code(), "RATE_LIMITED", "{reply:?}");
        let error = &reply.end["error"];
        assert_eq!((&error["retryAfterMs"], &error["retryable"]), (&json!(20_000), &json!(true)));
        let message = error["message"].as_str().expect("a text");
        assert!(message.contains("3 requests in a minute"), "{message}");
    }
    let refused = post(&scene, "ann", true).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (429, "20"));
    let state = ["limit", "remaining", "reset"].map(|name| format!("x-ratelimit-{name}-requests"));
    assert_eq!(state.map(|name| header(&refused, &name).to_owned()), ["3", "0", "60s"]);
    assert_eq!(post(&scene, "ben", false).await.status(), 200, "another user");
    assert_eq!(first.credits().await, (credits, 0), "a refusal is free");
    scene.server.clock.advance(Duration::from_secs(20));
    assert_eq!(post(&scene, "ann", false).await.status(), 200);
    assert_eq!(post(&scene, "ann", false).await.status(), 429);
    assert_eq!(scene.openai.state.requests().len(), 5);
}

#[tokio::test]
async fn gateway_limits_are_in_the_headers_of_answers() {
    let scene = limited("requests_per_minute = 6\ntokens_per_minute = 6000", &[]).await;
    let mut remaining = 6_000;
    for (stream, requests, reset) in [(false, "5", "10s"), (true, "4", "20s")] {
        let response = post(&scene, "ann", stream).await;
        let header = |name: &str| header(&response, &format!("x-ratelimit-{name}"));
        assert_eq!(header("limit-requests"), "6");
        assert_eq!((header("remaining-requests"), header("reset-requests")), (requests, reset));
        assert_eq!(header("limit-tokens"), "6000");
        let left: u64 = header("remaining-tokens").parse().expect("a number");
        assert!(left <= remaining - 100, "{left}: the longest answer is counted first");
        assert!(left > remaining - 200, "{left}: of the one before, only what it used");
        assert!(header("reset-tokens").ends_with('s'));
        let bytes = response.bytes().await.expect("an answer");
        assert!(!bytes.is_empty());
        remaining = left + 100;
    }
}

#[tokio::test]
async fn gateway_limits_refuse_a_request_beyond_the_concurrent_ones_until_one_ends() {
    let scene = limited("concurrent_requests = 1", &[]).await;
    scene.openai.state.add(AnswerScript::with(StandInFault::StallAfter(1)));
    let (mut first, mut second) = (scene.socket("ann").await, scene.socket("ann").await);
    first.send(&gateway_request(1, json!({}))).await;
    first.next_of("chunk").await;
    let reply = second.ask(&gateway_request(2, json!({}))).await;
    assert_eq!(reply.code(), "TOO_MANY_REQUESTS", "{reply:?}");
    assert_eq!(reply.end["error"]["retryAfterMs"], 1_000);
    first.send(&json!({ "id": 1, "type": "cancel" })).await;
    assert_eq!(first.reply(1).await.code(), "CANCELLED");
    assert_eq!(second.ask(&gateway_request(3, json!({}))).await.end["type"], "done");
}

#[tokio::test]
async fn gateway_limits_shorten_a_long_answer_and_refuse_a_long_request() {
    let scene = limited("tokens_per_minute = 300", &[]).await;
    let mut socket = scene.socket("ann").await;
    let reply = socket.ask(&gateway_request(1, json!({ "maxTokens": 1_000 }))).await;
    let length = reply.messages[0]["maxTokens"].as_u64().expect("a number");
    assert!((200..300).contains(&length), "{reply:?}");
    assert_eq!(reply.end["type"], "done");
    assert_eq!(scene.openai.state.requests()[0].body["max_tokens"], length);
    let long = json!([{ "role": "user", "content": "word ".repeat(400) }]);
    let reply = socket.ask(&gateway_request(2, json!({ "messages": long }))).await;
    assert_eq!(reply.code(), "INVALID_REQUEST");
    let message = reply.end["error"]["message"].as_str().expect("a text");
    assert!(message.contains("300 in a minute"), "{message}");
}

#[tokio::test]
async fn gateway_limits_are_lifted_by_their_setting() {
    let text =
        "requests_per_minute = 1\ntokens_per_minute = 1\nconcurrent_requests = 1\nsockets = 1";
    let scene = limited(text, &[("RATE_LIMITS", "off")]).await;
    let (mut first, mut second) = (scene.socket("ann").await, scene.socket("ann").await);
    scene.openai.state.add(AnswerScript::with(StandInFault::StallAfter(1)));
    first.send(&gateway_request(1, json!({}))).await;
    first.next_of("chunk").await;
    assert_eq!(second.ask(&gateway_request(2, json!({}))).await.end["type"], "done");
    let response = post(&scene, "ann", false).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().get("x-ratelimit-limit-requests").is_none());
}

#[tokio::test]
async fn gateway_limits_are_exact_over_two_instances() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let text = "requests_per_minute = 5\ntokens_per_minute = 100000";
    let (one, other) = two_instances(&postgres, text).await;
    let mut sockets: Vec<GatewaySocket> = Vec::new();
    for scene in [&one, &other, &one, &other] {
        sockets.push(scene.socket("ann").await);
    }
    let ask = async |socket: &mut GatewaySocket| {
        let mut codes = Vec::new();
        for id in 1..=4 {
            let reply = socket.ask(&gateway_request(id, json!({}))).await;
            codes.push(reply.end["error"]["code"].clone());
        }
        codes
    };
    let codes = join_all(sockets.iter_mut().map(ask)).await.concat();
    let count = |code: Value| codes.iter().filter(|other| **other == code).count();
    // The clocks of the instances differ by less than the time of a request.
    assert_eq!((count(Value::Null), count(json!("RATE_LIMITED"))), (5, 11), "{codes:?}");
}

/// Two instances on one database.
async fn two_instances(postgres: &TestPostgres, limits: &str) -> (GatewayScene, GatewayScene) {
    let variables = [("DATABASE_URL", postgres.url.as_str())];
    (limited(limits, &variables).await, limited(limits, &variables).await)
}

/// Repeats `attempt` until it returns a value.
async fn eventually<T>(attempt: impl AsyncFn() -> Option<T>) -> T {
    let repeated = async {
        loop {
            if let Some(value) = attempt().await {
                return value;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, repeated).await.expect("in time")
}

#[tokio::test]
async fn gateway_limits_count_the_sockets_of_a_user_over_two_instances() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let (one, mut other) = two_instances(&postgres, "sockets = 2").await;
    let open = async |scene: &GatewayScene, user: &str| {
        let token = format!("Bearer {}", scene.token(user));
        let headers = [("authorization", token.as_str())];
        let opened = GatewaySocket::try_open(scene.server.address(), "/gateway", &headers).await;
        opened.map(|(socket, _)| socket)
    };
    let first = open(&one, "ann").await.expect("a socket");
    let _second = open(&other, "ann").await.expect("a socket");
    for scene in [&one, &other] {
        let (status, text) = open(scene, "ann").await.err().expect("a refusal");
        assert_eq!((status, text.contains("2 open sockets")), (429, true), "{text}");
    }
    assert!(open(&other, "ben").await.is_ok(), "another user");
    drop(first);
    let third = eventually(async || open(&other, "ann").await.ok()).await;
    assert!(open(&one, "ann").await.is_err());
    // An instance that ends forgets its sockets.
    other.server.stop().await.expect("it stops");
    drop(third);
    eventually(async || {
        let (first, second) = (open(&one, "ann").await.ok()?, open(&one, "ann").await.ok()?);
        Some((first, second))
    })
    .await;
}

#[tokio::test]
async fn gateway_provider_that_fails_at_one_instance_is_not_asked_by_the_other() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let (one, other) = two_instances(&postgres, "").await;
    let body = json!({ "error": { "message": "try later" } });
    let headers = vec![("retry-after", "120".to_owned())];
    one.openai.state.add(AnswerScript::with(StandInFault::Status { status: 503, headers, body }));
    let mut socket = one.socket("ann").await;
    let reply = socket.ask(&gateway_request(1, json!({}))).await;
    assert_eq!(reply.end["provider"], "claude", "{reply:?}");
    let ask = async || {
        let mut socket = other.socket("ben").await;
        socket.ask(&gateway_request(1, json!({}))).await.end["provider"].clone()
    };
    eventually(async || (ask().await == "claude").then_some(())).await;
    let asked = other.openai.state.requests().len();
    assert_eq!(ask().await, "claude");
    assert_eq!(other.openai.state.requests().len(), asked);
}
