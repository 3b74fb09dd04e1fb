//! Shutdown and drain: calls in flight are answered, and nothing else delays the end.

use std::sync::Arc;
use std::time::Duration;

use random_connect::kernel::toolset::Toolset;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::http_limits::{connect, head, rest};
use crate::support::held_calls::{HeldCalls, hold};
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient};
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer, http_client};

/// Longer than a test may take, so that a test fails if the server waits for a timeout.
const FOREVER: Duration = Duration::from_secs(3_600);

/// Starts a server that waits for ever for requests that do not arrive and calls that do not end.
async fn patient_server() -> TestServer {
    let limits = ConnectionLimits {
        head_timeout: FOREVER,
        body_timeout: FOREVER,
        write_timeout: FOREVER,
        session_idle: FOREVER,
        shutdown_grace: FOREVER,
        ..ConnectionLimits::default()
    };
    let variables = [
        ("TOOLSETS", "connect,penpal"),
        ("ADMIN_TOKEN", TOKEN),
        ("WHATSAPP_TOKEN", "token"),
        ("WHATSAPP_PHONE_NUMBER_ID", "1"),
        ("WHATSAPP_VERIFY_TOKEN", "verify"),
        ("WHATSAPP_APP_SECRET", "secret"),
    ];
    TestServer::with(&variables, limits).await
}

/// Stops the server; fails if it does not end.
async fn stop(server: &mut TestServer) {
    timeout(TEST_TIMEOUT, server.stop()).await.expect("stopped in time").expect("no panic");
}

/// The head of an authorized request without a body.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
}

#[tokio::test]
async fn shutdown_finishes_calls_in_flight() {
    let mut server = TestServer::start().await;
    let body = r#"{"method": "get_stats"}"#;
    let mut stream = connect(&server, &head(body.len())).await;
    // Once a call on a newer connection is answered, the head of this one has been read.
    server.say("ann", "#who").await;
    server.stop();
    stream.write_all(body.as_bytes()).await.expect("sent");
    let response = rest(stream).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    stop(&mut server).await;
}

#[tokio::test]
async fn shutdown_drops_requests_that_do_not_arrive() {
    let mut server = patient_server().await;
    let mut streams = Vec::new();
    for bytes in ["POST /mcp HTTP/1.1\r\nHo".to_owned(), get("/health") + "GET /hea"] {
        streams.push(connect(&server, &bytes).await);
    }
    let paths = ["/mcp", "/mcp/session", "/webhooks/whatsapp", "/admin/mcp", "/admin/broadcast"];
    for path in paths {
        let head = head(100).replace("POST /mcp ", &format!("POST {path} "));
        let signature = format!("X-Hub-Signature-256: sha256={:064}", 0);
        let rest = format!("\r\nContent-Type: application/json\r\n{signature}\r\n\r\n{{");
        let head = head.replace("\r\n\r\n", &rest);
        streams.push(connect(&server, &head).await);
    }
    server.say("ann", "#who").await;
    stop(&mut server).await;
    for (stream, path) in streams.drain(2..).zip(paths) {
        let response = rest(stream).await;
        assert!(response.starts_with("HTTP/1.1 503 "), "{path}: {response}");
    }
}

#[tokio::test]
async fn shutdown_ends_waits_with_an_answer() {
    let mut server = patient_server().await;
    let arguments = json!({ "user_id": "ann", "timeout_seconds": 60 });
    let params = json!({ "name": "wait_for_message", "arguments": arguments });
    let stateless = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut through_rmcp = stateless.clone();
    through_rmcp["params"]["_meta"] = json!({});
    let mut calls = Vec::new();
    for body in [stateless, through_rmcp].map(|body| body.to_string()) {
        calls.push(connect(&server, &format!("{}{body}", head(body.len()))).await);
    }
    server.say("ann", "#who").await;
    stop(&mut server).await;
    for call in calls {
        let response = rest(call).await;
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["result"]["structuredContent"], json!({ "events": [] }), "{body}");
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_streams_or_sessions() {
    let mut server = patient_server().await;
    let _streams =
        [connect(&server, &get("/mcp/sse")).await, connect(&server, &get("/dashboard/live")).await];
    let mut agents = Vec::new();
    for transport in LIVE_TRANSPORTS {
        let mut agent = LiveClient::connect(&server, transport).await;
        agent.enter(json!({})).await;
        agents.push(agent);
    }
    server.say("ann", "#who").await;
    stop(&mut server).await;
    for agent in &mut agents {
        agent.ended().await;
    }
}

/// Lets `seconds` pass for the timers of the server.
pub(super) async fn pass(seconds: u64) {
    tokio::time::pause();
    for _ in 0..seconds * 4 {
        tokio::time::advance(Duration::from_millis(250)).await;
    }
    tokio::time::resume();
}

#[tokio::test]
async fn shutdown_answers_calls_in_flight_of_live_sessions() {
    for transport in LIVE_TRANSPORTS {
        let held = HeldCalls::new();
        let toolset = Arc::clone(&held) as Arc<dyn Toolset>;
        let mut server = TestServer::with_toolset(&[], toolset).await;
        let mut agent = LiveClient::connect(&server, transport).await;
        let mut idle = LiveClient::connect(&server, transport).await;
        agent.send(hold("h")).await;
        held.started().await;
        server.stop();
        while TcpStream::connect(server.address()).await.is_ok() {
            yield_now().await;
        }
        idle.ended().await;
        // Longer than anything but the call may delay the end.
        pass(4).await;
        held.release();
        let answer = agent.response("h").await;
        assert_eq!(answer["result"]["structuredContent"]["held"], true, "{transport:?}: {answer}");
        agent.ended().await;
        assert!(held.delivered().await, "{transport:?}");
        stop(&mut server).await;
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever_for_calls_of_live_sessions() {
    for transport in LIVE_TRANSPORTS {
        let held = HeldCalls::new();
        let toolset = Arc::clone(&held) as Arc<dyn Toolset>;
        let mut server = TestServer::with_toolset(&[], toolset).await;
        let mut agent = LiveClient::connect(&server, transport).await;
        agent.send(hold("h")).await;
        held.started().await;
        server.stop();
        while TcpStream::connect(server.address()).await.is_ok() {
            yield_now().await;
        }
        pass(12).await;
        stop(&mut server).await;
    }
}

#[tokio::test]
async fn drain_answers_calls_in_flight_of_live_sessions() {
    let held = HeldCalls::new();
    let toolset = Arc::clone(&held) as Arc<dyn Toolset>;
    let variables = [("TOOLSETS", "penpal"), ("ADMIN_TOKEN", "a-token-for-drains")];
    let server = TestServer::with_toolset(&variables, toolset).await;
    let drain = async |on: bool| {
        let request = http_client().post(format!("{}/admin/drain", server.url));
        let request = request.bearer_auth("a-token-for-drains").json(&json!({ "drain": on }));
        assert!(request.send().await.expect("a response").status().is_success());
    };
    for transport in LIVE_TRANSPORTS {
        let mut agent = LiveClient::connect(&server, transport).await;
        let mut waiting = LiveClient::connect(&server, transport).await;
        let user = waiting.enter(json!({ "push": false })).await["user_id"].clone();
        agent.send(hold("h")).await;
        held.started().await;
        let arguments = json!({ "user_id": user, "timeout_seconds": 50 });
        let meta = json!({ "progressToken": 1 });
        let wait = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": meta });
        let wait = json!({ "jsonrpc": "2.0", "id": "w", "method": "tools/call", "params": wait });
        waiting.send(wait).await;
        waiting.notification("notifications/progress").await;
        let waits = async {
            let answer = waiting.response("w").await;
            assert_eq!(answer["result"]["structuredContent"]["events"], json!([]), "{transport:?}");
            waiting.ended().await;
            pass(4).await;
            held.release();
        };
        tokio::join!(drain(true), waits);
        let answer = agent.response("h").await;
        assert_eq!(answer["result"]["structuredContent"]["held"], true, "{transport:?}: {answer}");
        agent.ended().await;
        assert!(held.delivered().await, "{transport:?}");
        drain(false).await;
    }
}
