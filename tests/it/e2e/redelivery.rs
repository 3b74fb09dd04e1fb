//! Redelivery and replay: lost answers, retries, and many concurrent users.

use std::collections::HashSet;
use std::sync::Arc;

use random_connect::connect::lobby::inbox::LEASE_TIME;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::penpal::{pair, server};
use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::redis_server::RedisServer;
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer};

/// Calls `#m` and closes the connection together with the last byte of the request.
async fn call_and_hang_up(server: &TestServer, user: &str, framed: bool) {
    let arguments = json!({ "message": "#m", "puch_user_id": user });
    let body = if framed {
        let params = json!({ "name": "handle_message", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
    } else {
        json!({ "method": "handle_message", "params": arguments }).to_string()
    };
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    // A corked socket sends the request together with the end of the connection.
    socket2::SockRef::from(&stream).set_tcp_cork(true).expect("a cork");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream.shutdown().await.expect("hung up");
    // The server closes its side when the call is over.
    let mut ignored = Vec::new();
    let closed = tokio::time::timeout(TEST_TIMEOUT, stream.read_to_end(&mut ignored)).await;
    drop(closed.expect("closed in time"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn receipt_lost_on_hangup_redelivers_in_the_next_answer() {
    let server = Arc::new(TestServer::start().await);
    for number in 0..16 {
        server.say(&format!("p{number}"), "#meet").await;
    }
    let pairs = (0..16).step_by(2).map(|number| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let (reader, writer) = (format!("p{number}"), format!("p{}", number + 1));
            server.say(&reader, "#m").await;
            for round in 0..25 {
                server.say(&writer, &format!("do not lose {round}")).await;
                call_and_hang_up(&server, &reader, round % 2 == 0).await;
                let read = server.say(&reader, "#m").await;
                assert!(read.ends_with(&format!(": do not lose {round}")), "{read}");
            }
            assert_eq!(server.say(&reader, "#m").await, "📭 Inbox empty.");
        })
    });
    for pair in pairs.collect::<Vec<_>>() {
        pair.await.expect("no panic");
    }
}

/// A wait for the messages of a session's user, as the bytes of a request.
fn wait_in_session(client: &LiveClient) -> String {
    let arguments = json!({ "user_id": client.user_id, "timeout_seconds": 20 });
    let meta = json!({ "progressToken": 1 });
    let params = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": "w", "method": "tools/call", "params": params });
    let body = body.to_string();
    format!(
        "POST /mcp/session HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\
         Mcp-Session-Id: {}\r\nContent-Length: {}\r\n\r\n{body}",
        client.session().expect("a session"),
        body.len()
    )
}

/// Reads an event stream up to the event with `text`; returns the JSON of that event.
async fn event_with(stream: &mut TcpStream, text: &str) -> Value {
    let mut received = Vec::new();
    loop {
        let read = timeout(TEST_TIMEOUT, stream.read_buf(&mut received)).await.expect("in time");
        assert_ne!(read.expect("readable"), 0, "the stream ends before the event");
        let events = String::from_utf8_lossy(&received).into_owned();
        let complete = events.rsplit_once("\n\n").map_or("", |(events, _)| events);
        let mut data = complete.lines().filter_map(|line| line.strip_prefix("data:"));
        if let Some(data) = data.find(|data| data.contains(text)) {
            return serde_json::from_str(data.trim()).expect("JSON");
        }
    }
}

/// The texts of the messages in the answer to a wait.
fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["result"]["structuredContent"]["events"].as_array().expect("events");
    events.iter().filter_map(|event| event["message"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn receipt_in_a_session_is_confirmed_with_the_event_of_the_answer() {
    let server = server().await;
    let [mut ann, mut ben] =
        pair(&server, [LiveTransport::WebSocket, LiveTransport::Session]).await;
    ben.call("wait_for_message", json!({ "timeout_seconds": 0 })).await;
    for round in 0..100 {
        let text = format!("message {round}");
        ann.say(&text).await;
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        stream.write_all(wait_in_session(&ben).as_bytes()).await.expect("sent");
        let answer = event_with(&mut stream, "\"result\"").await;
        // The end of the stream is not read.
        drop(stream);
        assert_eq!(messages(&answer), [text]);
    }
}

#[tokio::test]
async fn receipt_in_a_session_is_not_confirmed_by_an_earlier_event() {
    let server = server().await;
    let [mut ann, mut ben] =
        pair(&server, [LiveTransport::WebSocket, LiveTransport::Session]).await;
    ben.call("wait_for_message", json!({ "timeout_seconds": 0 })).await;
    for round in 0..20 {
        let text = format!("message {round}");
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        stream.write_all(wait_in_session(&ben).as_bytes()).await.expect("sent");
        event_with(&mut stream, "notifications/progress").await;
        // The connection ends before the answer, whose event has the message.
        stream.shutdown().await.expect("hung up");
        ann.say(&text).await;
        let again = ben.call("wait_for_message", json!({ "timeout_seconds": 20 })).await;
        assert_eq!(again["events"][0]["message"], text, "{again}");
    }
}

/// Sends a request to `/mcp`, hangs up a moment later, and returns what has arrived of the answer.
async fn hang_up_soon(server: &TestServer, request: &Value, moment: usize) -> String {
    let body = request.to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all((head + &body).as_bytes()).await.expect("sent");
    for _ in 0..moment {
        yield_now().await;
    }
    stream.shutdown().await.expect("hung up");
    let mut received = Vec::new();
    drop(timeout(TEST_TIMEOUT, stream.read_to_end(&mut received)).await.expect("closed in time"));
    String::from_utf8_lossy(&received).into_owned()
}

#[tokio::test]
async fn receipt_of_a_call_that_is_dropped_within_a_script_loses_nothing() {
    let redis = RedisServer::start(&[]);
    let (url, key) = (redis.url(), "ab".repeat(32));
    let variables = [
        ("REDIS_URL", url.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", &key),
        ("TOOLSETS", "connect,penpal"),
    ];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    let request = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let tool = |name: &str, arguments: Value| {
        request("tools/call", json!({ "name": name, "arguments": arguments }))
    };
    let call = async |request: &Value| {
        let response = server.post("/mcp").body(request.to_string()).send().await;
        response.expect("a response").text().await.expect("text")
    };
    call(&tool("enter_queue", json!({ "user_id": "ann" }))).await;
    for user in ["ben", "cat", "dan"] {
        server.say(user, "#meet").await;
    }
    for (writer, read) in [
        ("ben", tool("rejoin", json!({ "user_id": "ann" }))),
        ("ben", request("resources/read", json!({ "uri": "penpal://inbox/ann" }))),
        ("cat", tool("handle_message", json!({ "message": "#m", "puch_user_id": "dan" }))),
    ] {
        let mut answered = 0;
        for round in 0..40 {
            let text = format!("do not lose {round}.");
            server.say(writer, &text).await;
            let received = hang_up_soon(&server, &read, round).await;
            let is_received = received.contains(&text);
            // The items of a call that was dropped within the script stay on lease.
            server.clock.advance(LEASE_TIME);
            let next = call(&read).await;
            assert!(is_received || next.contains(&text), "{text} {received} {next}");
            answered += usize::from(is_received);
        }
        assert!(answered < 40, "no call was dropped");
    }
}

#[tokio::test]
async fn replay_retry_returns_the_same_answer() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    let call = json!({ "message": "hello", "puch_user_id": "ann", "message_id": "m-1" });
    let (_, first) = server.short_form("handle_message", call.clone()).await;
    assert!(first["result"].as_str().expect("a text").starts_with("🎉 Connected!"));
    let (_, again) = server.short_form("handle_message", call.clone()).await;
    assert_eq!(first, again);
    let framed = server.client(rmcp::model::ProtocolVersion::V_2025_06_18).await;
    assert_eq!(
        json!(crate::support::server::text(&framed.call("handle_message", call.clone()).await)),
        first["result"]
    );
    assert_eq!(server.say("ben", "#m").await.matches("hello").count(), 1);

    server.clock.advance(std::time::Duration::from_secs(600));
    let (_, later) = server.short_form("handle_message", call).await;
    assert_ne!(first, later, "after ten minutes the message id is new again");
}

#[tokio::test]
async fn replay_same_message_id_with_other_text_is_new() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    for message in ["one", "two"] {
        server
            .short_form(
                "handle_message",
                json!({ "message": message, "puch_user_id": "ann", "message_id": 1 }),
            )
            .await;
    }
    let read = server.say("ben", "#m").await;
    assert!(read.contains(": one\n") && read.ends_with(": two"), "{read}");
}

#[tokio::test]
async fn replay_message_id_is_per_user() {
    let server = TestServer::start().await;
    for user in ["ann", "ben"] {
        server
            .short_form(
                "handle_message",
                json!({ "message": "#meet", "puch_user_id": user, "message_id": "1" }),
            )
            .await;
    }
    assert!(server.say("ann", "#who").await.contains("You're chatting with"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn relay_forty_concurrent_users_lose_nothing() {
    const MESSAGES: usize = 30;
    let server = Arc::new(TestServer::start().await);
    for number in 0..40 {
        server.say(&format!("p{number}"), "#meet").await;
    }
    let users = (0..40).map(|number: usize| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let user = format!("p{number}");
            let mut read = String::new();
            for message in 0..MESSAGES {
                read += &server.say(&user, &format!("from-{number}-{message}.")).await;
                read.push('\n');
            }
            read
        })
    });
    let mut read = Vec::new();
    for user in users.collect::<Vec<_>>() {
        read.push(user.await.expect("no panic"));
    }
    for (number, read) in read.iter_mut().enumerate() {
        *read += &server.say(&format!("p{number}"), "#m").await;
        let received: Vec<&str> = read
            .lines()
            .filter(|line| line.starts_with("💬"))
            .filter_map(|line| line.split_once(": "))
            .map(|(_, text)| text)
            .collect();
        let partner = number ^ 1;
        let sent: Vec<String> =
            (0..MESSAGES).map(|message| format!("from-{partner}-{message}.")).collect();
        assert_eq!(received, sent, "all messages of the partner, once, in order");
        assert_eq!(received.iter().collect::<HashSet<_>>().len(), MESSAGES);
    }
}
