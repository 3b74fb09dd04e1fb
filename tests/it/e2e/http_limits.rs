//! HTTP limits: body size, timeouts, connections and new users per network.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer, fetch_json};
use crate::support::temp_database::TempDatabase;

/// A timeout that a test waits for.
const SOON: Duration = Duration::from_millis(200);

/// Opens a connection and sends these bytes.
pub(super) async fn connect(server: &TestServer, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(bytes.as_bytes()).await.expect("sent");
    stream
}

/// Reads until the server closes the connection.
pub(super) async fn rest(mut stream: TcpStream) -> String {
    let mut received = Vec::new();
    drop(timeout(TEST_TIMEOUT, stream.read_to_end(&mut received)).await.expect("closed in time"));
    String::from_utf8_lossy(&received).into_owned()
}

/// The head of an authorized call with a body of this length.
pub(super) fn head(length: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn http_body_over_64_kib_is_413() {
    let server = TestServer::start().await;
    let padding = " ".repeat(64 * 1024 - 2);
    let fits = server.post("/mcp").body(format!("{{{padding}}}")).send().await.expect("a response");
    assert_eq!(fits.status(), StatusCode::BAD_REQUEST, "the body is read, but is no call");
    let large =
        server.post("/mcp").body(format!("{{{padding} }}")).send().await.expect("a response");
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunked = format!(
        "POST /mcp HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         10001\r\n{}\r\n0\r\n\r\n",
        " ".repeat(0x10001)
    );
    assert!(rest(connect(&server, &chunked).await).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn http_slow_request_times_out() {
    let limits = ConnectionLimits {
        first_byte_timeout: SOON,
        head_timeout: SOON,
        body_timeout: SOON,
        ..ConnectionLimits::default()
    };
    let server = TestServer::with(&[], limits).await;
    let slow_head = rest(connect(&server, "POST /mcp HTTP/1.1\r\nHost: te").await).await;
    assert!(slow_head.is_empty() || slow_head.starts_with("HTTP/1.1 408"), "{slow_head}");
    let slow_body = rest(connect(&server, &format!("{}{{\"meth", head(100))).await).await;
    assert!(slow_body.starts_with("HTTP/1.1 408 "), "{slow_body}");
    let silent = rest(connect(&server, "").await).await;
    assert_eq!(silent, "");
}

#[tokio::test]
async fn http_slow_request_to_a_model_times_out_in_the_form_of_its_vendor() {
    let limits = ConnectionLimits { body_timeout: SOON, ..ConnectionLimits::default() };
    let token = "owner-token-0123456789abcdef";
    let database = TempDatabase::new();
    let url = format!("sqlite:{}", database.file().display());
    let owner = [("OWNER", "me"), ("OWNER_TOKEN", token)];
    let settings = [("TOOLSETS", "gateway"), ("DATABASE_URL", &url), owner[0], owner[1]];
    let server = TestServer::with(&settings, limits).await;
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        );
        let response = rest(connect(&server, &format!("{head}{{\"mod")).await).await;
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        let (head, body) = response.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains("\r\nconnection: close"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
    }
}

#[tokio::test]
async fn http_idle_keep_alive_times_out() {
    let complete = "GET /health HTTP/1.1\r\nHost: test\r\n\r\n";
    for (head_timeout, body_timeout) in [(SOON, 2 * SOON), (2 * SOON, SOON)] {
        let limits = ConnectionLimits { head_timeout, body_timeout, ..ConnectionLimits::default() };
        let server = TestServer::with(&[], limits).await;
        let silent = rest(connect(&server, complete).await).await;
        assert!(silent.starts_with("HTTP/1.1 200 "), "{silent}");
        let partial = format!("{complete}{}{{\"meth", head(100));
        let responses = rest(connect(&server, &partial).await).await;
        assert!(responses.contains("HTTP/1.1 408 "), "{responses}");
    }
}

#[tokio::test]
async fn http_slow_reader_times_out() {
    let server = TestServer::with(
        &[],
        ConnectionLimits { write_timeout: SOON, ..ConnectionLimits::default() },
    )
    .await;
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
            .repeat(100);
    let mut stream = connect(&server, "").await;
    let closed = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(TEST_TIMEOUT, closed).await.expect("closed in time");
}

/// Calls as a new user in every form of a call: short, stateless and through rmcp.
///
/// Returns the responses. `address` is the value of `X-Forwarded-For`.
async fn call_as(server: &TestServer, user: &str, address: &str) -> Vec<String> {
    let arguments = json!({ "message": "#who", "puch_user_id": user });
    let short = json!({ "method": "handle_message", "params": arguments });
    let params = json!({ "name": "handle_message", "arguments": arguments });
    let stateless = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut through_rmcp = stateless.clone();
    through_rmcp["params"]["_meta"] = json!({});
    let mut responses = Vec::new();
    for body in [short, stateless, through_rmcp] {
        let request = server.post("/mcp").header("X-Forwarded-For", address).json(&body);
        responses.push(fetch_json(request).await.1.to_string());
    }
    responses
}

/// Returns `true` if every response is the reply to `#who`.
fn is_admitted(responses: &[String]) -> bool {
    responses.iter().all(|response| response.contains("not currently in a chat"))
}

/// Returns `true` if every response states the limit of new users.
fn is_limited(responses: &[String]) -> bool {
    responses
        .iter()
        .all(|response| response.contains("Too many new users are joining from your network."))
}

#[tokio::test]
async fn new_user_limit_is_per_network() {
    let limits = [("RATE_LIMITS", "newcomers=3"), ("TOOLSETS", "connect,penpal")];
    let server = TestServer::with(&limits, ConnectionLimits::default()).await;
    let existing = json!({ "user_id": "eve", "message": "#who" });
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.call("say", existing.clone()).await;
    assert!(is_admitted(&call_as(&server, "ann", "192.0.2.1").await));
    assert!(is_admitted(&call_as(&server, "ben", "192.0.2.2").await));
    let responses = call_as(&server, "cid", "192.0.2.3").await;
    assert!(is_limited(&responses), "the header of a caller is not trusted: {responses:?}");
    assert!(responses[0].contains("in 20 seconds"), "{responses:?}");
    for transport in LIVE_TRANSPORTS {
        let mut client = LiveClient::connect(&server, transport).await;
        for (tool, arguments) in [
            ("enter_queue", json!({})),
            ("enter_queue", json!({ "user_id": "new" })),
            ("rejoin", json!({ "user_id": "new" })),
        ] {
            let rejected = client.try_call(tool, arguments).await;
            assert!(
                rejected.is_err_and(|message| message.contains("Too many new users")),
                "{transport:?} {tool}"
            );
        }
        client.call("say", existing.clone()).await;
    }
    assert!(
        is_admitted(&call_as(&server, "ann", "192.0.2.1").await),
        "existing users are not limited"
    );
    assert!(server.metrics().await.contains("random_connect_active_users 3"));
    server.clock.advance(Duration::from_secs(20));
    assert!(is_admitted(&call_as(&server, "cid", "192.0.2.3").await));
    assert!(is_limited(&call_as(&server, "dan", "192.0.2.4").await));
}

#[tokio::test]
async fn new_user_limit_uses_the_forwarded_address() {
    let variables = [("RATE_LIMITS", "newcomers=1"), ("TRUSTED_PROXY", "on")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    assert!(is_admitted(&call_as(&server, "ann", "192.0.2.1").await));
    assert!(is_admitted(&call_as(&server, "ben", "10.0.0.1, 192.0.2.2").await));
    assert!(is_limited(&call_as(&server, "cid", "192.0.2.1").await));
}

#[tokio::test]
async fn ws_message_larger_than_the_read_buffer_arrives_whole() {
    let server = TestServer::with(&[("TOOLSETS", "penpal")], ConnectionLimits::default()).await;
    let mut ann = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ann.enter(json!({})).await;
    ben.enter(json!({})).await;
    ann.match_notification().await;
    // 3,499 characters take 9 KiB.
    let long = ["नमस्ते"; 500].join(" ");
    for message in [&long, "short", &long] {
        ann.say(message).await;
        assert_eq!(ben.notification("message.received").await["message"], message);
    }
}
