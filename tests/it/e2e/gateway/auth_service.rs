//! Signed tokens that another service has to confirm: `AUTH_SERVICE_URL`.

use std::time::Duration;

use futures_util::future::join_all;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::auth_service::AuthServiceStandIn;
use crate::support::credit_service::ServiceFault;
use crate::support::gateway_socket::{GatewayScene, GatewaySocket, gateway_request};
use crate::support::key_commands::{ADMIN, admin};
use crate::support::server::{TEST_TIMEOUT, fetch_json, http_client};

const OWNER_TOKEN: &str = "a-token-of-the-owner-with-32-bytes";

/// Longer than an answer of the service counts.
const MINUTE: Duration = Duration::from_secs(60);

async fn scene(service: &AuthServiceStandIn, variables: &[(&str, &str)]) -> GatewayScene {
    let settings = [&service.settings()[..], variables].concat();
    GatewayScene::with(&settings, ConnectionLimits::default()).await
}

/// A request to `/v1/chat/completions`.
fn chat(scene: &GatewayScene, token: &str) -> RequestBuilder {
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let body = json!({ "model": "gpt-6-luna", "messages": messages, "max_tokens": 100 });
    let url = format!("{}/v1/chat/completions", scene.server.url);
    http_client().post(url).bearer_auth(token).json(&body)
}

async fn chat_status(scene: &GatewayScene, token: &str) -> u16 {
    chat(scene, token).send().await.expect("an answer").status().as_u16()
}

/// The result of a tool.
async fn tool(scene: &GatewayScene, token: &str, name: &str, arguments: Value) -> Value {
    let params = json!({ "name": name, "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = http_client().post(format!("{}/mcp", scene.server.url)).bearer_auth(token);
    let request = request.header("accept", "application/json, text/event-stream");
    fetch_json(request.json(&body)).await.1["result"].clone()
}

/// The status and text of the refusal of a socket.
async fn refused_socket(scene: &GatewayScene, token: &str) -> (u16, String) {
    let token = format!("Bearer {token}");
    let headers = [("authorization", token.as_str())];
    let opened = GatewaySocket::try_open(scene.server.address(), "/gateway", &headers).await;
    opened.err().expect("a refusal")
}

#[tokio::test]
async fn gateway_token_is_posted_once_a_minute_for_all_ways_in() {
    let service = AuthServiceStandIn::start().await;
    let scene = scene(&service, &[]).await;
    let token = scene.token("ann");
    let mut socket = GatewaySocket::open(scene.server.address(), &token).await;
    for count in 1..=3 {
        assert_eq!(socket.ask(&gateway_request(count, json!({}))).await.text, "Hello, world.");
        assert_eq!(chat_status(&scene, &token).await, 200);
        for (name, arguments) in
            [("balance", json!({})), ("models", json!({})), ("complete", json!({ "prompt": "Hi" }))]
        {
            let result = tool(&scene, &token, name, arguments).await;
            assert_eq!(result["isError"], false, "{name}: {result}");
        }
        assert_eq!(service.verdicts.posted(), vec![token.clone(); count]);
        scene.server.clock.advance(MINUTE.saturating_sub(Duration::from_millis(1)));
        assert_eq!(chat_status(&scene, &token).await, 200);
        assert_eq!(service.verdicts.posted().len(), count);
        scene.server.clock.advance(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn gateway_token_that_the_service_refuses_opens_no_way_in() {
    let service = AuthServiceStandIn::start().await;
    let scene = scene(&service, &[]).await;
    let (token, revoked) = (scene.token("ann"), scene.token_for("ann", Duration::from_secs(7_200)));
    service.verdicts.refuse(&revoked);
    let (status, text) = refused_socket(&scene, &revoked).await;
    assert!(status == 401 && text.contains("Unauthorized"), "{status} {text}");
    let response = chat(&scene, &revoked).send().await.expect("an answer");
    let challenge = response.headers()["www-authenticate"].to_str().expect("text").to_owned();
    assert!(response.status() == 401 && challenge.contains("not accepted any more"), "{challenge}");
    for name in ["balance", "usage", "models", "complete"] {
        let arguments = if name == "complete" { json!({ "prompt": "Hi" }) } else { json!({}) };
        let result = tool(&scene, &revoked, name, arguments).await;
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert!(result["isError"] == true && text.starts_with("UNAUTHORIZED"), "{name}: {result}");
    }
    assert_eq!(service.verdicts.posted().len(), 1, "a refusal counts for a minute too");
    // An open socket takes no such token, and loses the right to ask with its own.
    let mut socket = GatewaySocket::open(scene.server.address(), &token).await;
    socket.send(&json!({ "type": "auth", "id": 1, "token": revoked })).await;
    assert_eq!(socket.next_of("error").await["error"]["code"], "UNAUTHORIZED");
    assert_eq!(socket.ask(&gateway_request(2, json!({}))).await.text, "Hello, world.");
    service.verdicts.refuse(&token);
    scene.server.clock.advance(MINUTE);
    let reply = socket.ask(&gateway_request(3, json!({}))).await;
    assert_eq!((reply.code(), &reply.end["error"]["retryable"]), ("UNAUTHORIZED", &json!(false)));
    let renewed = scene.token_for("ann", Duration::from_secs(1_800));
    socket.send(&json!({ "type": "auth", "id": 4, "token": renewed })).await;
    socket.next_of("auth").await;
    assert_eq!(socket.ask(&gateway_request(5, json!({}))).await.text, "Hello, world.");
    assert_eq!(scene.openai.state.requests().len(), 2);
}

#[tokio::test]
async fn gateway_token_service_that_fails_refuses_with_an_error_that_may_be_repeated() {
    let service = AuthServiceStandIn::start().await;
    let scene = scene(&service, &[]).await;
    let token = scene.token("ann");
    let mut socket = GatewaySocket::open(scene.server.address(), &token).await;
    scene.server.clock.advance(MINUTE);
    let texts = ["", "{", "[]", "null", "{}", r#"{"valid":"true"}"#, r#"{"valid":1}"#, "<html>"];
    let statuses = [500, 503, 401, 403, 404, 302].map(ServiceFault::Status);
    let faults = texts.map(ServiceFault::Text).into_iter().chain(statuses);
    for (id, fault) in faults.chain([ServiceFault::Hang]).enumerate() {
        service.verdicts.fail(fault.clone());
        let reply = socket.ask(&gateway_request(id, json!({}))).await;
        let error = &reply.end["error"];
        assert_eq!(reply.code(), "AUTH_UNAVAILABLE", "{fault:?}: {reply:?}");
        assert_eq!((&error["retryable"], &error["retryAfterMs"]), (&json!(true), &json!(1_000)));
    }
    service.verdicts.fail(ServiceFault::Status(500));
    let (status, text) = refused_socket(&scene, &token).await;
    assert!(status == 503 && text.contains("try again shortly"), "{status} {text}");
    let response = chat(&scene, &token).send().await.expect("an answer");
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["error"]["code"], "AUTH_UNAVAILABLE", "{body}");
    let result = tool(&scene, &token, "balance", json!({})).await;
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert!(text.starts_with("AUTH_UNAVAILABLE"), "{result}");
    socket.send(&json!({ "type": "auth", "id": "a", "token": token })).await;
    assert_eq!(socket.next_of("error").await["error"]["code"], "AUTH_UNAVAILABLE");
    assert_eq!(scene.openai.state.requests().len(), 0);
    // A failure is not stored.
    service.verdicts.fail(ServiceFault::None);
    assert_eq!(socket.ask(&gateway_request("up", json!({}))).await.text, "Hello, world.");
    scene.server.clock.advance(MINUTE);
    drop(service);
    let reply = socket.ask(&gateway_request("down", json!({}))).await;
    assert_eq!(reply.code(), "AUTH_UNAVAILABLE", "{reply:?}");
}

#[tokio::test]
async fn gateway_requests_with_one_token_at_a_time_post_it_once() {
    let service = AuthServiceStandIn::start().await;
    let scene = scene(&service, &[]).await;
    for (user, fault, expected) in
        [("ann", ServiceFault::None, 200), ("ben", ServiceFault::Status(500), 503)]
    {
        let (token, before) = (scene.token(user), service.verdicts.posted().len());
        service.verdicts.fail(fault);
        service.verdicts.hold(true);
        let asked = join_all((0..20).map(|_| chat_status(&scene, &token)));
        let release = async {
            while service.verdicts.posted().len() == before {
                tokio::task::yield_now().await;
            }
            // The others arrive while the first one waits.
            timeout(Duration::from_millis(500), std::future::pending::<()>()).await.ok();
            service.verdicts.hold(false);
        };
        let (statuses, ()) = timeout(TEST_TIMEOUT, async { tokio::join!(asked, release) })
            .await
            .expect("answers in time");
        assert_eq!(statuses, vec![expected; 20]);
        let posted = service.verdicts.posted().len() - before;
        // A request that comes after a failure asks again.
        assert!(posted == 1 || (expected == 503 && posted < 5), "{user}: {posted}");
    }
}

#[tokio::test]
async fn gateway_credentials_that_are_no_signed_tokens_are_not_posted() {
    let service = AuthServiceStandIn::start().await;
    service.verdicts.fail(ServiceFault::Status(500));
    let variables = [
        ("TOOLSETS", "connect,gateway"),
        ("ADMIN_TOKEN", ADMIN),
        ("OWNER", "me"),
        ("OWNER_TOKEN", OWNER_TOKEN),
    ];
    let scene = scene(&service, &variables).await;
    let body = json!({ "owner": "ann", "name": "a key", "level": "read_write", "days": 7 });
    let (status, created) = admin(&scene.server, Method::POST, "keys", Some(body)).await;
    let key = created["key"].as_str().unwrap_or_else(|| panic!("{status} {created}"));
    for token in [key, OWNER_TOKEN] {
        let mut socket = GatewaySocket::open(scene.server.address(), token).await;
        assert_eq!(socket.ask(&gateway_request(1, json!({}))).await.text, "Hello, world.");
        assert_eq!(chat_status(&scene, token).await, 200);
    }
    // Nor do other toolsets ask.
    let result =
        tool(&scene, &scene.token("ann"), "handle_message", json!({ "message": "#help" })).await;
    assert_eq!(result["isError"], false, "{result}");
    // A token that is not valid here is not posted either.
    assert_eq!(chat_status(&scene, &format!("{}x", scene.token("ann"))).await, 401);
    assert_eq!(chat_status(&scene, &scene.token_for("ann", Duration::ZERO)).await, 401);
    assert_eq!(service.verdicts.posted(), [""; 0]);
}
