//! Memory and connections of one client: small heads and frames, a budget for large bodies, and the
//! eviction of connections that only wait.

use std::net::SocketAddr;
use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::http_limits::{connect, head, rest};
use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer};

/// Time in which no response must arrive.
const SOON: Duration = Duration::from_millis(200);
const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// Opens a connection from another address of this machine than that of [`connect`].
async fn connect_as_neighbor(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).expect("a second loopback address");
    let address = server.address().parse().expect("an address");
    socket.connect(address).await.expect("a connection")
}

/// Reads until the end of a response's head.
async fn response_head(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let read = async {
        while !received.ends_with(b"\r\n\r\n") {
            received.push(stream.read_u8().await.expect("a byte"));
        }
    };
    timeout(TEST_TIMEOUT, read).await.expect("in time");
    String::from_utf8(received).expect("text")
}

#[tokio::test]
async fn http_head_over_16_kib_is_431() {
    let server = TestServer::start().await;
    let request = |length| {
        let padding = "a".repeat(length);
        format!("GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: {padding}\r\n\r\n")
    };
    let fits = rest(connect(&server, &request(15 * 1024)).await).await;
    assert!(fits.starts_with("HTTP/1.1 200 "), "{fits}");
    let large = rest(connect(&server, &request(16 * 1024)).await).await;
    assert!(large.starts_with("HTTP/1.1 431 "), "{large}");
    let unfinished = rest(connect(&server, request(20 * 1024).trim_end()).await).await;
    assert!(unfinished.starts_with("HTTP/1.1 431 "), "{unfinished}");
}

#[tokio::test]
async fn http_idle_connection_makes_room_for_another() {
    let limits = ConnectionLimits { max_connections: 1, ..ConnectionLimits::default() };
    let server = TestServer::with(&[], limits).await;
    for bytes in ["", "GET /hea", "GET /health HTTP/1.1\r\nHost: test\r\n\r\n", &head(9)] {
        let mut idle = connect(&server, bytes).await;
        if bytes.contains("/health") {
            response_head(&mut idle).await;
        }
        let response = rest(connect(&server, HEALTH).await).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{bytes}: {response}");
        rest(idle).await;
    }
}

/// Asserts that another connection waits while `busy` exists, and is served afterward.
async fn assert_takes_the_only_connection<T>(server: &TestServer, busy: T) {
    let mut second = connect(server, HEALTH).await;
    assert!(timeout(SOON, second.read(&mut [0])).await.is_err(), "no response at the limit");
    drop(busy);
    assert!(rest(second).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn http_live_sessions_count_and_are_not_evicted() {
    let limits = ConnectionLimits { max_connections: 1, ..ConnectionLimits::default() };
    let server = TestServer::with(&[("TOOLSETS", "penpal")], limits).await;
    let socket = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    assert_takes_the_only_connection(&server, socket).await;
    let request =
        format!("GET /mcp/sse HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let mut stream = connect(&server, &request).await;
    response_head(&mut stream).await;
    assert_takes_the_only_connection(&server, stream).await;
}

#[tokio::test]
async fn http_eviction_spares_other_networks() {
    let limits = ConnectionLimits { max_waiting: 4, ..ConnectionLimits::default() };
    let server = TestServer::with(&[], limits).await;
    let mut neighbor = connect_as_neighbor(&server).await;
    neighbor.write_all(b"GET /health HT").await.expect("sent");
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(connect(&server, "GET /health HT").await);
    }
    let newest = connections.pop().expect("a connection");
    for evicted in connections.drain(..16) {
        rest(evicted).await;
    }
    for mut waiting in [neighbor, newest] {
        waiting
            .write_all(HEALTH.trim_start_matches("GET /health HT").as_bytes())
            .await
            .expect("sent");
        let response = rest(waiting).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    }
}

#[tokio::test]
async fn http_large_bodies_share_a_budget() {
    let limits = ConnectionLimits { max_bodies_bytes: 128 * 1024, ..ConnectionLimits::default() };
    let server = TestServer::with(&[], limits).await;
    let body = format!(r#"{{"method": "get_stats"{}}}"#, " ".repeat(20_000));
    let unfinished = format!("{}{}", head(body.len()), body.trim_end_matches('}'));
    let mut neighbor = connect_as_neighbor(&server).await;
    neighbor.write_all(unfinished.as_bytes()).await.expect("sent");
    let oldest = connect(&server, &unfinished).await;
    // Each small call is answered once the body before it has been read.
    server.say("ann", "#who").await;
    let mut newest = connect(&server, &unfinished).await;
    let refused = rest(oldest).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after: 1\r\n"), "{refused}");
    for stream in [&mut neighbor, &mut newest] {
        stream.write_all(b"}").await.expect("sent");
        assert!(response_head(stream).await.starts_with("HTTP/1.1 200 "));
    }
}

#[tokio::test]
async fn webhook_without_a_signature_is_refused_before_its_body() {
    let variables = [
        ("WHATSAPP_TOKEN", "token"),
        ("WHATSAPP_PHONE_NUMBER_ID", "1"),
        ("WHATSAPP_VERIFY_TOKEN", "verify"),
        ("WHATSAPP_APP_SECRET", "secret"),
    ];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    for signature in ["", "X-Hub-Signature-256: sha256=0f\r\n"] {
        let request = format!(
            "POST /webhooks/whatsapp HTTP/1.1\r\nHost: test\r\n{signature}Content-Length: 9\r\n\r\n"
        );
        let mut stream = connect(&server, &request).await;
        assert!(response_head(&mut stream).await.starts_with("HTTP/1.1 401 "));
    }
}

#[tokio::test]
async fn ws_frame_over_64_kib_closes_with_1009() {
    let server = TestServer::start().await;
    let upgrade = format!(
        "GET /mcp/ws HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    );
    let announces = |length: u64| [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    for (frame, code) in [
        (announces(15 << 20), 1009_u16),
        (announces((64 << 10) + 1), 1009),
        // Invalid UTF-8, and a frame without a mask.
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        (vec![0x81, 0x01, b'a'], 1002),
    ] {
        let mut stream = connect(&server, &upgrade).await;
        assert!(response_head(&mut stream).await.starts_with("HTTP/1.1 101 "));
        stream.write_all(&frame).await.expect("sent");
        let mut received = Vec::new();
        // The first frame may be a ping.
        drop(timeout(TEST_TIMEOUT, stream.read_to_end(&mut received)).await.expect("closed"));
        let close = [&[0x88, 2][..], &code.to_be_bytes()].concat();
        assert!(received.ends_with(&close), "{received:?} does not end with {code}");
    }
}
