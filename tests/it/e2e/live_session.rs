//! Live sessions: their limit, their end, resumption, authorization and invalid frames.
//!
//! The tools that agents call in a session are tested in `penpal.rs`.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http_limits::{connect, rest};
use super::penpal::{pair, server, server_with};
use super::shutdown::pass;
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer, http_client};

/// The default of `IDLE_TIMEOUT_SECS`, less what a test takes.
const IDLE_SECS: u32 = 1_500;

#[tokio::test]
async fn session_resumes_after_a_broken_stream() {
    let server = server().await;
    let [mut ann, mut ben] =
        pair(&server, [LiveTransport::WebSocket, LiveTransport::Session]).await;
    ann.say("one").await;
    assert_eq!(ben.notification("message.received").await["message"], "one");
    ben.resume_after(async { ann.say("two").await }).await;
    assert_eq!(ben.notification("message.received").await["message"], "two");
    ben.say("three").await;
    assert_eq!(ann.notification("message.received").await["message"], "three");
}

/// Ann, who has a socket, and Ben, whose session has no event stream yet, in a chat.
async fn pair_without_stream(server: &TestServer) -> [LiveClient; 2] {
    let mut ann = LiveClient::connect(server, LiveTransport::WebSocket).await;
    let ben = LiveClient::initialize(server, LiveTransport::Session, "2025-06-18").await;
    let mut ben = ben.expect("a session");
    ann.enter(json!({})).await;
    ben.enter(json!({})).await;
    ann.match_notification().await;
    [ann, ben]
}

/// Opens an event stream of a session that no one reads.
async fn unread_stream(server: &TestServer, client: &LiveClient) -> TcpStream {
    let head = format!(
        "GET /mcp/session HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\
         Accept: text/event-stream\r\nConnection: close\r\nMcp-Session-Id: {}\r\n\r\n",
        client.session().expect("a session")
    );
    let mut stream = connect(server, &head).await;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.expect("a response");
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn session_newest_stream_receives_events() {
    let server = server().await;
    let [mut ann, mut ben] = pair_without_stream(&server).await;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(unread_stream(&server, &ben).await);
    }
    ben.listen().await;
    assert_eq!(ann.say("one").await["delivered"], "pushed");
    assert_eq!(ben.notification("message.received").await["message"], "one");
    for stream in old {
        let events = rest(stream).await;
        assert!(!events.contains("message.received"), "{events}");
    }
}

#[tokio::test]
async fn session_event_of_a_half_open_stream_reaches_the_next_one() {
    let server = server().await;
    let [mut ann, mut ben] = pair_without_stream(&server).await;
    let _half_open = unread_stream(&server, &ben).await;
    ann.say("one").await;
    ben.listen().await;
    assert_eq!(ben.notification("message.received").await["message"], "one");
    ann.say("two").await;
    assert_eq!(ben.notification("message.received").await["message"], "two");
}

#[tokio::test]
async fn session_event_of_a_half_open_stream_without_a_successor_is_late_but_not_lost() {
    let server = server().await;
    let [mut ann, mut ben] = pair_without_stream(&server).await;
    let _half_open = unread_stream(&server, &ben).await;
    assert_eq!(ann.say("one").await["delivered"], "pushed");
    // Longer than the server waits for the answer to its ping.
    pass(10).await;
    while ann.say("two").await["delivered"] != "queued" {
        tokio::task::yield_now().await;
    }
    let missed = ben.call("rejoin", json!({ "user_id": ben.user_id })).await["missed"].clone();
    let missed = missed.as_array().expect("a list");
    assert_eq!(missed[0]["message"], "one", "{missed:?}");
    assert_eq!(missed[1]["message"], "two", "{missed:?}");
}

#[tokio::test]
async fn session_without_a_stream_is_not_pushed_to() {
    let server = server().await;
    let [mut ann, mut ben] = pair_without_stream(&server).await;
    assert_eq!(ann.say("one").await["delivered"], "queued");
    ben.listen().await;
    assert_eq!(ben.notification("message.received").await["message"], "one");
    assert_eq!(ann.say("two").await["delivered"], "pushed");
    assert_eq!(ben.notification("message.received").await["message"], "two");
    ben.resume_after(async {
        while ann.say("three").await["delivered"] != "queued" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(ben.notification("message.received").await["message"], "three");
}

#[tokio::test]
async fn session_limit_is_enforced() {
    let server = server_with(&[("MAX_SESSIONS", "3")], ConnectionLimits::default()).await;
    let mut agents = Vec::new();
    for transport in LIVE_TRANSPORTS {
        agents.push(LiveClient::connect(&server, transport).await);
    }
    for transport in LIVE_TRANSPORTS {
        let rejected = LiveClient::try_connect(&server, transport).await.err().expect("an error");
        assert!(
            rejected["message"].as_str().is_some_and(|message| message.contains("session limit")),
            "{rejected}"
        );
    }
    // Stateless calls need no session.
    assert!(server.say("ann", "#help").await.contains("#meet"));
    agents.remove(1);
    while LiveClient::try_connect(&server, LiveTransport::WebSocket).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn session_end_removes_its_user_from_queue_and_chat() {
    let server = server().await;
    // Stops before the idle timeout, which would end search and chat too.
    let until_zero = async |figure: &str| {
        let mut seconds = 1..IDLE_SECS;
        loop {
            let response = server.get("/stats").send().await.expect("a response");
            if response.json::<Value>().await.expect("JSON")[figure] == 0 {
                return;
            }
            seconds.next().into_iter().for_each(|_| server.clock.advance(Duration::from_secs(1)));
            tokio::task::yield_now().await;
        }
    };
    for transport in LIVE_TRANSPORTS {
        let mut ann = LiveClient::connect(&server, transport).await;
        assert_eq!(ann.enter(json!({})).await["status"], "waiting");
        if transport == LiveTransport::Session {
            ann.end_session().await;
        }
        drop(ann);
        timeout(TEST_TIMEOUT, until_zero("waiting_users")).await.expect("in time");
    }
    let [ann, mut ben] = pair(&server, [LiveTransport::WebSocket, LiveTransport::WebSocket]).await;
    drop(ann);
    timeout(TEST_TIMEOUT, until_zero("active_pairs")).await.expect("in time");
    assert_eq!(ben.notification("partner.disconnected").await["reason"], "timeout");
}

#[tokio::test]
async fn session_drop_leaks_nothing() {
    let limits =
        ConnectionLimits { session_idle: Duration::from_secs(2), ..ConnectionLimits::default() };
    let server = server_with(&[], limits).await;
    for round in 0..40 {
        let mut agents = Vec::new();
        for number in 0..50 {
            let mut agent =
                LiveClient::connect(&server, LIVE_TRANSPORTS[(round + number) % 3]).await;
            agent.enter(json!({})).await;
            agents.push(agent);
        }
    }
    let gauges = |metrics: &str| {
        ["random_connect_live_sessions", "random_connect_reachable_users"].map(|name| {
            let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
            line.expect("the metric").rsplit(' ').next().expect("a value").to_owned()
        })
    };
    loop {
        let metrics = server.get("/metrics").send().await.expect("a response").text().await;
        if gauges(&metrics.expect("text")) == ["0", "0"] {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn auth_every_transport_needs_the_token() {
    let server = server().await;
    for path in ["/mcp/session", "/mcp/ws", "/mcp/sse", "/mcp/sse/messages?session=x"] {
        for request in [
            http_client().get(format!("{}{path}", server.url)),
            http_client().post(format!("{}{path}", server.url)),
        ] {
            assert_eq!(
                request.send().await.expect("a response").status(),
                StatusCode::UNAUTHORIZED
            );
        }
    }
}

#[tokio::test]
async fn live_session_paths_may_end_with_a_slash() {
    let server = server().await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for path in ["/mcp/session/", "/mcp/ws/", "/mcp/sse/"] {
        let with_slash = server.post(path).json(&ping).send().await.expect("a response");
        let path = path.trim_end_matches('/');
        let without = server.post(path).json(&ping).send().await.expect("a response");
        assert_eq!(with_slash.status(), without.status(), "{path}");
        assert_ne!(with_slash.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn sse_endpoint_is_relative_to_the_stream() {
    let server = server().await;
    for path in ["/mcp/sse", "/mcp/sse/"] {
        let mut stream = server.get(path).send().await.expect("a response");
        assert_eq!(stream.headers()["x-accel-buffering"], "no");
        let first = stream.chunk().await.expect("an event").expect("an event");
        let first = String::from_utf8_lossy(&first).into_owned();
        let endpoint = first.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
        let below_prefix = url::Url::parse(&format!("https://chat.example/prefix{path}"));
        let messages = below_prefix.expect("a URL").join(endpoint).expect("a URL");
        assert_eq!(messages.path(), "/prefix/mcp/sse/messages", "{path}");
        let query = messages.query().expect("a session");
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let sent = server.post(&format!("/mcp/sse/messages?{query}")).json(&ping).send().await;
        assert_eq!(sent.expect("a response").status(), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn event_streams_are_not_buffered() {
    let server = server().await;
    for path in ["/mcp/sse", "/dashboard/live"] {
        let stream = server.get(path).send().await.expect("a response");
        assert_eq!(stream.headers()["x-accel-buffering"], "no", "{path}");
    }
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" },
    } });
    let stream = server.post("/mcp/session").json(&initialize).send().await.expect("a response");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
}

#[tokio::test]
async fn ws_invalid_frames_are_rejected() {
    let server = server().await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    for (invalid, code) in [
        ("{", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\"}", -32600),
        ("hello 9876543210", -32700),
    ] {
        let response = agent.send_junk(invalid).await;
        assert_eq!(response["error"]["code"], code, "{response}");
        assert!(!response.to_string().contains("9876543210"));
    }
    assert_eq!(agent.enter(json!({})).await["status"], "waiting");
    let unknown = server.post("/mcp/sse/messages?session=none").body("{}").send().await;
    assert_eq!(unknown.expect("a response").status(), StatusCode::NOT_FOUND);
}
