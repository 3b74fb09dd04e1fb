//! Resources, subscriptions, prompts, completions and log messages of toolsets.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::penpal::{pair, server};
use crate::fixtures::Fixtures;
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TestServer, fetch_json};
use random_connect::kernel::toolset::Toolset;

/// The methods of the capabilities that a server may leave out, and their parameters.
fn optional_methods() -> [(&'static str, Value); 9] {
    let watched = json!({ "uri": "test://watched-resource" });
    [
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "test://static-text" })),
        ("resources/subscribe", watched.clone()),
        ("resources/unsubscribe", watched),
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "test_simple_prompt" })),
        ("completion/complete", completion()),
        ("logging/setLevel", json!({ "level": "info" })),
    ]
}

fn completion() -> Value {
    let prompt = json!({ "type": "ref/prompt", "name": "test_prompt_with_arguments" });
    json!({ "ref": prompt, "argument": { "name": "arg1", "value": "par" } })
}

async fn server_with_fixtures() -> TestServer {
    let fixtures: Arc<dyn Toolset> = Arc::new(Fixtures::new());
    TestServer::with_toolset(&[], fixtures).await
}

/// Sends a request to `/mcp`; returns the answer.
async fn request(server: &TestServer, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (status, answer) = fetch_json(server.post("/mcp").body(body.to_string())).await;
    assert_eq!(status, StatusCode::OK, "{method}: {answer}");
    answer
}

async fn declared(server: &TestServer) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    request(server, "initialize", hello).await["result"]["capabilities"].clone()
}

#[tokio::test]
async fn toolset_offers_that_are_missing_are_not_declared_and_not_there() {
    let server = TestServer::start().await;
    assert_eq!(declared(&server).await, json!({ "tools": {} }));
    let mut client = LiveClient::connect(&server, LiveTransport::Session).await;
    for (method, params) in optional_methods() {
        let stateless = request(&server, method, params.clone()).await;
        let live = client.request(method, params).await;
        for answer in [stateless, live] {
            assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
        }
    }
}

#[tokio::test]
async fn toolset_offers_are_declared_and_answer() {
    let server = server_with_fixtures().await;
    for transport in LIVE_TRANSPORTS {
        let mut client = LiveClient::connect(&server, transport).await;
        for (method, params) in optional_methods() {
            let answer = client.request(method, params).await;
            assert!(answer["result"].is_object(), "{method}: {answer}");
        }
    }
    let declared = declared(&server).await;
    for name in ["tools", "resources", "prompts", "completions"] {
        assert!(declared[name].is_object(), "{name}: {declared}");
    }
    let completed = request(&server, "completion/complete", completion()).await;
    let values = &completed["result"]["completion"]["values"];
    assert_eq!(*values, json!(["paris", "park", "party"]));
}

#[tokio::test]
async fn toolset_offers_that_need_a_session_are_not_declared_without_one() {
    let server = server_with_fixtures().await;
    let declared = declared(&server).await;
    assert!(declared["logging"].is_null(), "{declared}");
    assert!(declared["resources"]["subscribe"].is_null(), "{declared}");
    let watched = json!({ "uri": "test://watched-resource" });
    for (method, params) in [
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", watched.clone()),
        ("resources/unsubscribe", watched),
    ] {
        assert_eq!(request(&server, method, params).await["error"]["code"], -32601, "{method}");
    }
}

#[tokio::test]
async fn toolset_offers_have_no_unknown_prompt_and_no_unknown_resource() {
    let server = server_with_fixtures().await;
    let prompt = request(&server, "prompts/get", json!({ "name": "unknown-1" })).await;
    assert_eq!(prompt["error"]["code"], -32602);
    let mut reference = completion();
    reference["ref"]["name"] = json!("unknown-1");
    let completed = request(&server, "completion/complete", reference).await;
    assert_eq!(completed["error"]["code"], -32602);
    let mut client = LiveClient::connect(&server, LiveTransport::Session).await;
    let unknown = json!({ "uri": "test://unknown-1" });
    let subscribed = client.request("resources/subscribe", unknown).await;
    assert_eq!(subscribed["error"]["code"], -32002);
    let answers = [prompt, completed, subscribed].map(|answer| answer.to_string());
    assert!(answers.iter().all(|answer| !answer.contains("unknown-1")), "{answers:?}");
}

#[tokio::test]
async fn resource_subscription_reports_updates_until_it_ends() {
    let server = server().await;
    for transport in LIVE_TRANSPORTS {
        let [mut ann, mut ben] = pair(&server, [transport, LiveTransport::Session]).await;
        let mut observer = LiveClient::connect(&server, transport).await;
        let inbox = json!({ "uri": format!("penpal://inbox/{}", ann.user_id) });
        let subscribed = observer.request("resources/subscribe", inbox.clone()).await;
        assert_eq!(subscribed["result"], json!({}), "{transport:?}");
        ben.say("hello").await;
        let updated = observer.notification("notifications/resources/updated").await;
        assert_eq!(updated, inbox, "{transport:?}");
        let ended = observer.request("resources/unsubscribe", inbox).await;
        assert_eq!(ended["result"], json!({}), "{transport:?}");
        let inbox = json!({ "uri": format!("penpal://inbox/{}", ben.user_id) });
        observer.request("resources/subscribe", inbox.clone()).await;
        ben.say("hello again").await;
        ann.say("hello").await;
        let updated = observer.notification("notifications/resources/updated").await;
        assert_eq!(updated, inbox, "{transport:?}");
        ben.call("leave_chat", json!({ "room_id": ben.room_id, "user_id": ben.user_id })).await;
    }
}

#[tokio::test]
async fn resource_subscriptions_of_a_session_are_limited() {
    let server = server().await;
    let mut client = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    for number in 0..33 {
        let inbox = json!({ "uri": format!("penpal://inbox/user-{number}") });
        let answer = client.request("resources/subscribe", inbox).await;
        assert_eq!(answer["result"].is_object(), number < 32, "{number}: {answer}");
    }
    let first = json!({ "uri": "penpal://inbox/user-0" });
    assert!(client.request("resources/subscribe", first.clone()).await["result"].is_object());
    client.request("resources/unsubscribe", first).await;
    let next = json!({ "uri": "penpal://inbox/user-33" });
    assert!(client.request("resources/subscribe", next).await["result"].is_object());
}
