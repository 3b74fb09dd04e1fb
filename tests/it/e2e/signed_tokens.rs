//! Signed tokens on a server: what their bearers may do, and when their sessions end.

use std::time::Duration;

use random_connect::kernel::clock::Clock;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use reqwest::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient};
use crate::support::server::{TestServer, fetch_json};
use crate::support::tokens::jwt;

const SECRET: &str = "a-secret-that-has-at-least-32-bytes";

/// Starts a server whose callers send a JWT with the claims of `more`, valid for this long.
async fn server(lifetime: Duration, more: Value) -> TestServer {
    let settings = [("TOOLSETS", "connect,penpal"), ("JWT_SECRET", SECRET)];
    let mut server = TestServer::with(&settings, ConnectionLimits::default()).await;
    server.token = token(&server, lifetime, more);
    server
}

fn token(server: &TestServer, lifetime: Duration, more: Value) -> String {
    let expiry = Duration::from_millis(server.clock.now().as_millis()) + lifetime;
    let mut claims = json!({ "sub": "ann", "exp": expiry.as_secs_f64() });
    if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
        claims.extend(more);
    }
    jwt(SECRET, &claims)
}

async fn request(server: &TestServer, method: &str, params: Value) -> (StatusCode, Value) {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    fetch_json(server.post("/mcp").body(message.to_string())).await
}

#[tokio::test]
async fn jwt_bearer_acts_as_its_subject_within_its_scopes() {
    let hour = Duration::from_secs(3_600);
    let mut server = server(hour, json!({})).await;
    let call = json!({ "name": "enter_queue", "arguments": {} });
    let (_, entered) = request(&server, "tools/call", call.clone()).await;
    assert_eq!(entered["result"]["structuredContent"]["user_id"], "ann", "{entered}");
    let foreign = json!({ "name": "enter_queue", "arguments": { "user_id": "ben" } });
    let (_, refused) = request(&server, "tools/call", foreign).await;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    server.token = token(&server, hour, json!({ "scope": "penpal:read" }));
    let (_, hidden) = request(&server, "tools/call", call).await;
    assert_eq!(hidden["error"]["message"], "Unknown tool.", "{hidden}");
    let (_, list) = request(&server, "tools/list", json!({})).await;
    let tools = list["result"]["tools"].as_array().expect("a list");
    assert!(tools.iter().any(|tool| tool["name"] == "get_history"), "{list}");
    assert!(tools.iter().all(|tool| tool["name"] != "handle_message"), "{list}");
}

#[tokio::test]
async fn jwt_that_is_invalid_gets_401_and_opens_no_other_path() {
    let mut server = server(Duration::from_secs(60), json!({ "scope": "connect:admin" })).await;
    for path in ["/metrics", "/stats"] {
        let status = server.get(path).send().await.expect("answered").status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    server.clock.advance(Duration::from_secs(61));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let expired = server.post("/mcp").body(body.clone()).send().await.expect("answered");
    assert_eq!(expired.status(), StatusCode::UNAUTHORIZED);
    let challenge = expired.headers()[WWW_AUTHENTICATE].to_str().expect("text").to_owned();
    assert!(challenge.contains("invalid_token") && challenge.contains("has expired"));
    server.token.push('x');
    let changed = server.post("/mcp").body(body).send().await.expect("answered");
    assert_eq!(changed.status(), StatusCode::UNAUTHORIZED);
    let challenge = changed.headers()[WWW_AUTHENTICATE].to_str().expect("text").to_owned();
    assert!(challenge.contains("is not valid") && !challenge.contains(&server.token));
}

#[tokio::test]
async fn jwt_session_ends_when_the_token_expires() {
    for transport in LIVE_TRANSPORTS {
        let server = server(Duration::from_millis(500), json!({})).await;
        let mut client = LiveClient::connect(&server, transport).await;
        let list = client.request("tools/list", json!({})).await;
        assert!(list.get("result").is_some(), "{list}");
        server.clock.advance(Duration::from_secs(1));
        client.ended().await;
    }
}
