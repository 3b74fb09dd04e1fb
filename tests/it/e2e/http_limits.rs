//! Callers who send too much, too slowly or from the wrong place, and the server's end.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer, answer};

const SOON: Duration = Duration::from_millis(200);

async fn connect(server: &TestServer, start: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(start.as_bytes()).await.expect("sent");
    stream
}

/// All that the server says until it closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    drop(timeout(TEST_TIMEOUT, stream.read_to_end(&mut said)).await.expect("cut off in time"));
    String::from_utf8_lossy(&said).into_owned()
}

fn head(length: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn http_body_over_64_kib_is_413() {
    let server = TestServer::start().await;
    let padding = " ".repeat(64 * 1024 - 2);
    let fits = server.post("/mcp").body(format!("{{{padding}}}")).send().await.expect("an answer");
    assert_eq!(fits.status(), StatusCode::BAD_REQUEST, "read, and found to be no call");
    let large =
        server.post("/mcp").body(format!("{{{padding} }}")).send().await.expect("an answer");
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
    let limits =
        ConnectionLimits { head_timeout: SOON, body_timeout: SOON, ..ConnectionLimits::default() };
    let server = TestServer::with(&[], limits).await;
    let slow_head = rest(connect(&server, "POST /mcp HTTP/1.1\r\nHost: te").await).await;
    assert!(slow_head.is_empty() || slow_head.starts_with("HTTP/1.1 408"), "{slow_head}");
    let slow_body = rest(connect(&server, &format!("{}{{\"meth", head(100))).await).await;
    assert!(slow_body.starts_with("HTTP/1.1 408 "), "{slow_body}");
    let silent = rest(connect(&server, "").await).await;
    assert_eq!(silent, "");
}

#[tokio::test]
async fn auth_every_mcp_method_needs_the_token() {
    let server = TestServer::with(&[], ConnectionLimits::default()).await;
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST"] {
        for path in ["/mcp", "/mcp/", "/mcp?a=b", "//mcp", "/%6dcp", "/mcp/nowhere"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            let answer = rest(connect(&server, &request).await).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{method} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn http_idle_keep_alive_times_out() {
    let whole = "GET /health HTTP/1.1\r\nHost: test\r\n\r\n";
    for (head_timeout, body_timeout) in [(SOON, 2 * SOON), (2 * SOON, SOON)] {
        let limits = ConnectionLimits { head_timeout, body_timeout, ..ConnectionLimits::default() };
        let server = TestServer::with(&[], limits).await;
        let silent = rest(connect(&server, whole).await).await;
        assert!(silent.starts_with("HTTP/1.1 200 "), "{silent}");
        let half = format!("{whole}{}{{\"meth", head(100));
        let answers = rest(connect(&server, &half).await).await;
        assert!(answers.contains("HTTP/1.1 408 "), "{answers}");
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
    let cut_off = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(TEST_TIMEOUT, cut_off).await.expect("cut off in time");
}

#[tokio::test]
async fn http_connection_limit_queues_in_the_backlog() {
    let server = TestServer::with(
        &[],
        ConnectionLimits { max_connections: 1, ..ConnectionLimits::default() },
    )
    .await;
    let first = connect(&server, "").await;
    let mut second =
        connect(&server, "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await;
    let mut byte = [0];
    assert!(
        timeout(SOON, second.read(&mut byte)).await.is_err(),
        "no answer while the place is taken"
    );
    drop(first);
    assert!(rest(second).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn auth_allowed_hosts_are_enforced() {
    let server =
        TestServer::with(&[("ALLOWED_HOSTS", "chat.example")], ConnectionLimits::default()).await;
    for (host, status) in [
        ("chat.example", 200),
        ("chat.example:8086", 200),
        ("evil.example", 403),
        ("127.0.0.1", 403),
    ] {
        let answer = server.get("/stats").header("Host", host).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{host}");
    }
    let health = server.get("/health").header("Host", "10.0.0.1").send().await.expect("an answer");
    assert_eq!(health.status(), StatusCode::OK, "health checks come from anywhere");
}

#[tokio::test]
async fn shutdown_finishes_calls_in_flight() {
    let mut server = TestServer::start().await;
    let body = r#"{"method": "get_stats"}"#;
    let mut stream = connect(&server, &head(body.len())).await;
    // Once another caller on a newer connection was served, this call's head has been read.
    server.say("ann", "#who").await;
    server.stop();
    stream.write_all(body.as_bytes()).await.expect("sent");
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    timeout(TEST_TIMEOUT, server.stop()).await.expect("stopped in time").expect("no panic");
}

/// What somebody new is told by this server, in each of the forms that a call may have.
async fn arrive(server: &TestServer, who: &str, from: &str) -> Vec<String> {
    let arguments = json!({ "message": "#who", "puch_user_id": who });
    let short = json!({ "method": "handle_message", "params": arguments });
    let params = json!({ "name": "handle_message", "arguments": arguments });
    let direct = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut through_rmcp = direct.clone();
    through_rmcp["params"]["_meta"] = json!({});
    let mut told = Vec::new();
    for body in [short, direct, through_rmcp] {
        let request = server.post("/mcp").header("X-Forwarded-For", from).json(&body);
        told.push(answer(request).await.1.to_string());
    }
    told
}

fn is_let_in(told: &[String]) -> bool {
    told.iter().all(|told| told.contains("not currently in a chat"))
}

fn has_to_wait(told: &[String]) -> bool {
    told.iter().all(|told| told.contains("Too many new users are joining from your network."))
}

#[tokio::test]
async fn new_user_limit_is_per_network() {
    let limits = [("RATE_LIMITS", "newcomers=3"), ("TOOLSETS", "connect,penpal")];
    let server = TestServer::with(&limits, ConnectionLimits::default()).await;
    let known = json!({ "user_id": "eve", "message": "#who" });
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.call("say", known.clone()).await;
    assert!(is_let_in(&arrive(&server, "ann", "192.0.2.1").await));
    assert!(is_let_in(&arrive(&server, "ben", "192.0.2.2").await));
    let told = arrive(&server, "cid", "192.0.2.3").await;
    assert!(has_to_wait(&told), "nobody believes a caller's header: {told:?}");
    assert!(told[0].contains("in 20 seconds"), "{told:?}");
    for way in LIVE_TRANSPORTS {
        let mut other = LiveClient::connect(&server, way).await;
        for (tool, arguments) in [
            ("enter_queue", json!({})),
            ("enter_queue", json!({ "user_id": "new" })),
            ("rejoin", json!({ "user_id": "new" })),
        ] {
            let refused = other.try_call(tool, arguments).await;
            assert!(refused.is_err_and(|told| told.contains("Too many new users")), "{way:?} {tool}");
        }
        other.call("say", known.clone()).await;
    }
    assert!(is_let_in(&arrive(&server, "ann", "192.0.2.1").await), "who is known may go on");
    assert!(server.metrics().await.contains("random_connect_active_users 3"));
    server.clock.advance(Duration::from_secs(20));
    assert!(is_let_in(&arrive(&server, "cid", "192.0.2.3").await));
    assert!(has_to_wait(&arrive(&server, "dan", "192.0.2.4").await));
}

#[tokio::test]
async fn new_user_limit_uses_the_forwarded_address() {
    let variables = [("RATE_LIMITS", "newcomers=1"), ("TRUSTED_PROXY", "on")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    assert!(is_let_in(&arrive(&server, "ann", "192.0.2.1").await));
    assert!(is_let_in(&arrive(&server, "ben", "10.0.0.1, 192.0.2.2").await));
    assert!(has_to_wait(&arrive(&server, "cid", "192.0.2.1").await));
}

#[tokio::test]
async fn ws_message_larger_than_the_read_buffer_arrives_whole() {
    let server = TestServer::with(&[("TOOLSETS", "penpal")], ConnectionLimits::default()).await;
    let mut ann = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ann.enter(json!({})).await;
    ben.enter(json!({})).await;
    ann.match_notification().await;
    // 3,499 characters, which take 9 KiB.
    let long = ["नमस्ते"; 500].join(" ");
    for message in [&long, "short", &long] {
        ann.say(message).await;
        assert_eq!(ben.notification("message.received").await["message"], message);
    }
}
