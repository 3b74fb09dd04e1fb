//! Waits: a `wait_for_message` whose client has cancelled it or is gone ends immediately and takes nothing;
//! one that goes on reports progress.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use random_connect::connect::lobby::inbox::LEASE_TIME;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::http_limits::{connect, head};
use super::penpal::{server, server_with};
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TEST_TIMEOUT, TestServer};
use crate::support::stdio_client::StdioClient;

/// Longer than [`TEST_TIMEOUT`], so that a test fails if a wait does not end early. The server waits
/// for 50 seconds at most.
const WAIT_SECS: u32 = 60;

/// Waits until this number of waits has ended.
async fn until_ended(server: &TestServer, waits: usize) {
    let ended = async {
        loop {
            let metrics = server.metrics().await;
            let counts = metrics.lines().filter_map(|line| {
                let rest = line.strip_prefix("random_connect_tool_calls_total{")?;
                rest.contains("wait_for_message").then(|| rest.rsplit_once(' '))?
            });
            let count: f64 = counts.map(|(_, count)| count.parse::<f64>().expect("a count")).sum();
            if count >= f64::from(u32::try_from(waits).expect("few waits")) {
                return;
            }
            yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, ended).await.expect("the waits end in time");
}

#[tokio::test]
async fn wait_for_message_ends_when_the_client_cancels_it() {
    let server = server().await;
    for (ended, transport) in (1..).zip(LIVE_TRANSPORTS) {
        let mut agent = LiveClient::connect(&server, transport).await;
        agent.enter(json!({})).await;
        let arguments = json!({ "user_id": agent.user_id, "timeout_seconds": WAIT_SECS });
        agent.call_and_cancel("wait_for_message", arguments).await;
        until_ended(&server, ended).await;
        agent.enter(json!({})).await;
    }
}

#[tokio::test]
async fn wait_for_message_ends_when_its_connection_closes() {
    let server = server_with(&[], ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    let arguments = json!({ "user_id": "ann", "timeout_seconds": WAIT_SECS });
    let params = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let body = body.to_string();
    let connection = connect(&server, &format!("{}{body}", head(body.len()))).await;
    // Once a call on a newer connection is answered, this one has been read.
    server.say("ben", "#who").await;
    drop(connection);
    until_ended(&server, 1).await;
}

/// No signal is sent when a lease expires, so the wait looks from time to time.
#[tokio::test]
async fn wait_for_message_gets_the_items_of_an_expired_lease() {
    let server = server().await;
    let mut ann = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ann.enter(json!({ "push": false })).await;
    server.say("ben", "#meet").await;
    let wait = |id: u32, meta: Value| {
        let arguments = json!({ "user_id": ann.user_id, "timeout_seconds": WAIT_SECS });
        let params = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": meta });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let (unread, second) = (wait(90, json!({})), wait(91, json!({ "progressToken": 1 })));
    // The answer is not read, so that its items stay leased.
    ann.send(unread).await;
    until_ended(&server, 1).await;
    let mut same_user = LiveClient::connect(&server, LiveTransport::Session).await;
    same_user.send(second).await;
    same_user.notification("notifications/progress").await;
    server.clock.advance(LEASE_TIME);
    let answer = loop {
        if let Some(answer) = same_user.next().await.filter(|answer| answer["id"] == 91) {
            break answer;
        }
    };
    let events = &answer["result"]["structuredContent"]["events"];
    assert_eq!(events[0]["type"], "chatroom.found", "{answer}");
}

/// The texts of the messages among the events of a wait.
fn messages(result: &Value) -> Vec<String> {
    let events = result["events"].as_array().expect("events");
    let texts = events.iter().filter(|event| event["type"] == "message.received");
    texts.map(|event| event["message"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn wait_for_message_that_is_cancelled_takes_nothing() {
    let server = server().await;
    for transport in LIVE_TRANSPORTS {
        let mut ann = LiveClient::connect(&server, transport).await;
        let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
        ann.enter(json!({ "push": false })).await;
        ben.enter(json!({})).await;
        let now = json!({ "user_id": ann.user_id, "timeout_seconds": 0 });
        ann.call("wait_for_message", now).await;
        let wait = json!({ "user_id": ann.user_id, "timeout_seconds": WAIT_SECS });
        let mut received = Vec::new();
        let sent: Vec<_> = (0..20).map(|number| format!("message {number}")).collect();
        for pair in sent.chunks(2) {
            // Cancelled while the first message arrives.
            let cancelling = ann.call_and_cancel("wait_for_message", wait.clone());
            tokio::join!(cancelling, ben.say(&pair[0]));
            ben.say(&pair[1]).await;
            while received.last() != Some(&pair[1]) {
                received.extend(messages(&ann.call("wait_for_message", wait.clone()).await));
            }
        }
        // An answer that crossed the cancellation may repeat a message, but none is lost.
        received.dedup();
        assert_eq!(received, sent, "{transport:?}");
        let leave = json!({ "room_id": ben.room_id });
        ben.call("leave_chat", leave).await;
    }
}

#[tokio::test]
async fn wait_for_message_over_stdio_that_is_cancelled_takes_nothing() {
    let mut client = StdioClient::connect(&[("TOOLSETS", "penpal")]).await;
    let ann = client.call("enter_queue", json!({ "push": false })).await;
    let ben = client.call("enter_queue", json!({ "push": false })).await;
    let wait = json!({ "user_id": ann["user_id"], "timeout_seconds": WAIT_SECS });
    let found = client.call("wait_for_message", wait.clone()).await;
    assert_eq!(found["events"][0]["type"], "chatroom.found");
    for number in 0..10 {
        client.call_and_cancel("wait_for_message", wait.clone()).await;
        let message = format!("message {number}");
        let arguments =
            json!({ "user_id": ben["user_id"], "room_id": ben["room_id"], "message": message });
        client.call("send_message", arguments).await;
        assert_eq!(messages(&client.call("wait_for_message", wait.clone()).await), [message]);
    }
}

#[tokio::test]
async fn stdio_without_redis_warns_that_processes_never_meet() {
    let mut client = StdioClient::connect(&[]).await;
    let mut warned = false;
    while !warned {
        let line = timeout(TEST_TIMEOUT, client.stderr.next_line()).await.expect("in time");
        let line = line.expect("readable").expect("a warning");
        warned = line.contains("REDIS_URL is not set") && line.contains("never meet");
    }
}

#[tokio::test]
async fn stdio_ends_waits_at_the_end_of_the_input_and_at_a_signal() {
    for by_signal in [false, true] {
        let mut client = StdioClient::connect(&[("TOOLSETS", "penpal")]).await;
        let ann = client.call("enter_queue", json!({})).await;
        let arguments = json!({ "user_id": ann["user_id"], "timeout_seconds": WAIT_SECS });
        let meta = json!({ "progressToken": 1 });
        let params = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": meta });
        let id = client.start_request("tools/call", params).await;
        assert_eq!(client.next().await["method"], "notifications/progress");
        if by_signal {
            let process = client.child.id().expect("a running process");
            let process = Pid::from_raw(i32::try_from(process).expect("an id"));
            kill(process, Signal::SIGTERM).expect("a signal");
        } else {
            drop(client.stdin.take());
        }
        let answer = client.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        assert_eq!(answer["result"]["structuredContent"]["events"], json!([]));
        let exited = timeout(TEST_TIMEOUT, client.child.wait()).await.expect("the process exits");
        assert!(exited.expect("a status").success());
    }
}

#[tokio::test]
async fn wait_for_message_reports_progress_where_a_token_came() {
    let server = server().await;
    for transport in LIVE_TRANSPORTS {
        let mut ann = LiveClient::connect(&server, transport).await;
        let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
        ann.enter(json!({ "push": false })).await;
        let params = json!({
            "name": "wait_for_message",
            "arguments": { "user_id": ann.user_id, "timeout_seconds": WAIT_SECS },
            "_meta": { "progressToken": "p-1" },
        });
        let call = json!({ "jsonrpc": "2.0", "id": "w", "method": "tools/call", "params": params });
        ann.send(call).await;
        let progress = ann.notification("notifications/progress").await;
        // A longer wait is shortened.
        assert_eq!(progress, json!({ "progressToken": "p-1", "progress": 0.0, "total": 50.0 }));
        ben.enter(json!({})).await;
        let answer = loop {
            if let Some(answer) = ann.next().await.filter(|answer| answer["id"] == "w") {
                break answer;
            }
        };
        let events = &answer["result"]["structuredContent"]["events"];
        assert_eq!(events[0]["type"], "chatroom.found", "{transport:?}");
        ben.call("leave_chat", json!({ "room_id": ben.room_id })).await;
    }
    let arguments = json!({ "user_id": "eve", "timeout_seconds": 0.01 });
    let meta = json!({ "progressToken": 7 });
    let params = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": meta });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let response = server.post("/mcp").body(call.to_string()).send().await.expect("a response");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let stream = response.text().await.expect("text");
    let progress = stream.find("notifications/progress").expect("progress");
    assert!(progress < stream.find(r#""events":[]"#).expect("the answer"), "{stream}");
}

#[tokio::test]
async fn penpal_user_id_may_be_omitted_in_a_session_that_entered_the_queue() {
    for transport in LIVE_TRANSPORTS {
        let server = server().await;
        let mut ann = LiveClient::connect(&server, transport).await;
        let missing = ann.try_call("wait_for_message", json!({ "timeout_seconds": 0 })).await;
        assert!(missing.expect_err("no user").contains("user_id is missing"));
        let mut ben = LiveClient::connect(&server, transport).await;
        ann.enter(json!({ "push": false })).await;
        ben.enter(json!({})).await;
        let room = &ben.room_id.clone();
        ben.call("set_typing", json!({ "room_id": room, "typing": true })).await;
        ben.call("send_message", json!({ "room_id": room, "message": "hi" })).await;
        let waited = ann.call("wait_for_message", json!({ "room_id": room })).await;
        assert_eq!(messages(&waited), ["hi"]);
        ann.call("leave_chat", json!({ "room_id": room })).await;
        // A second user makes it ambiguous.
        ben.call("enter_queue", json!({ "user_id": "cat" })).await;
        let ambiguous = ben.try_call("leave_chat", json!({ "room_id": room })).await;
        assert!(ambiguous.expect_err("two users").contains("user_id is missing"));
        let leave = json!({ "room_id": room, "user_id": ben.user_id });
        assert!(ben.try_call("leave_chat", leave).await.expect_err("left").contains("has ended"));
    }
}
