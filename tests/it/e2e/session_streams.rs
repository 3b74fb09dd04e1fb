//! The event streams of `/mcp/session`: priming events, ids and resumption.

use std::collections::HashSet;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::penpal::server;
use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::server::{TEST_TIMEOUT, TestServer};

/// An event of a stream.
#[derive(Debug)]
struct StreamEvent {
    id: Option<String>,
    retry: Option<String>,
    /// Null in a priming event.
    message: Value,
}

/// The events of a response.
struct EventReader {
    bytes: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>>>>,
    buffer: String,
}

impl EventReader {
    async fn open(request: RequestBuilder) -> (Self, Option<String>) {
        let request = request.header("accept", "application/json, text/event-stream");
        let response = request.send().await.expect("a response");
        assert!(response.status().is_success(), "{}", response.status());
        let session = response.headers().get("mcp-session-id");
        let session = session.map(|id| id.to_str().expect("text").to_owned());
        (Self { bytes: Box::pin(response.bytes_stream()), buffer: String::new() }, session)
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some((event, rest)) = self.buffer.clone().split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().to_owned())
                };
                let (id, retry, data) = (field("id:"), field("retry:"), field("data:"));
                rest.clone_into(&mut self.buffer);
                let Some(data) = data else { continue };
                let message = serde_json::from_str(&data).unwrap_or_default();
                return Some(StreamEvent { id, retry, message });
            }
            let chunk = timeout(TEST_TIMEOUT, self.bytes.next()).await.expect("in time")?;
            self.buffer += str::from_utf8(&chunk.expect("readable")).expect("UTF-8");
        }
    }

    /// The next message of a chat, with its id. Skips pings.
    async fn message(&mut self) -> (String, String) {
        loop {
            let event = self.next().await.expect("an open stream");
            if event.message["method"] == "message.received" {
                let text = event.message["params"]["message"].as_str().expect("a text");
                return (event.id.expect("an id"), text.to_owned());
            }
        }
    }
}

/// A session of one user over plain HTTP.
struct RawSession<'a> {
    server: &'a TestServer,
    id: String,
    version: &'static str,
    /// The events of all requests.
    events: Vec<StreamEvent>,
}

impl<'a> RawSession<'a> {
    async fn start(server: &'a TestServer, version: &'static str) -> Self {
        let mut session = Self { server, id: String::new(), version, events: Vec::new() };
        let hello = json!({
            "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "a", "version": "1" },
        });
        let request = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello });
        let request = server.post("/mcp/session").body(request.to_string());
        let (mut reader, id) = EventReader::open(request).await;
        session.id = id.expect("a session");
        while let Some(event) = reader.next().await {
            session.events.push(event);
        }
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        session
            .request(server.post("/mcp/session").body(note.to_string()))
            .send()
            .await
            .expect("sent");
        session
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("mcp-session-id", &self.id);
        request.header("mcp-protocol-version", self.version)
    }

    /// Calls a tool; returns its structured content.
    async fn call(&mut self, id: u64, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let request = self.server.post("/mcp/session").body(body.to_string());
        let (mut reader, _) = EventReader::open(self.request(request)).await;
        let mut content = Value::Null;
        while let Some(event) = reader.next().await {
            if event.message["id"] == id {
                content = event.message["result"]["structuredContent"].clone();
            }
            self.events.push(event);
        }
        content
    }

    /// Opens the stream of unsolicited messages.
    async fn listen(&self, last_event: Option<&str>) -> EventReader {
        let mut request = self.request(self.server.get("/mcp/session"));
        if let Some(last) = last_event {
            request = request.header("last-event-id", last);
        }
        EventReader::open(request).await.0
    }
}

#[tokio::test]
async fn session_stream_is_primed_since_protocol_2025_11_25() {
    let server = server().await;
    for (version, is_primed) in [("2025-03-26", false), ("2025-06-18", false), ("2025-11-25", true)]
    {
        let mut session = RawSession::start(&server, version).await;
        session.call(1, "enter_queue", json!({})).await;
        let primings = session.events.iter().filter(|event| event.message.is_null());
        assert_eq!(primings.clone().count(), usize::from(is_primed), "{version}");
        let ids = primings.map(|event| event.id.as_deref().is_some_and(|id| !id.is_empty()));
        assert!(ids.into_iter().all(|has_id| has_id));
        let mut stream = session.listen(None).await;
        let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
        ben.enter(json!({})).await;
        let first = stream.next().await.expect("an event");
        assert_eq!(first.message.is_null() && first.retry.is_some(), is_primed, "{first:?}");
        ben.call("leave_chat", json!({ "room_id": ben.room_id })).await;
    }
}

#[tokio::test]
async fn session_stream_stays_open_when_another_one_is_refused() {
    let server = server().await;
    let mut ann = RawSession::start(&server, "2025-06-18").await;
    ann.call(1, "enter_queue", json!({})).await;
    let mut stream = ann.listen(None).await;
    for (header, value, status) in [
        ("accept", "application/json", 406),
        ("accept", "text/event-stream;q=0", 406),
        ("mcp-protocol-version", "1999-01-01", 400),
        ("mcp-protocol-version", "2026-07-28", 405),
    ] {
        let request = server.get("/mcp/session").header("mcp-session-id", &ann.id);
        let request = if header == "accept" {
            request.header(header, value)
        } else {
            request.header("accept", "text/event-stream").header(header, value)
        };
        let response = request.send().await.expect("a response");
        assert_eq!(response.status().as_u16(), status, "{header}: {value}");
    }
    let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ben.enter(json!({})).await;
    let found = stream.next().await.expect("an open stream");
    assert_eq!(found.message["method"], "chatroom.found", "{found:?}");
}

#[tokio::test]
async fn session_stream_ids_are_unique_and_no_event_is_repeated() {
    let server = server().await;
    let mut ann = RawSession::start(&server, "2025-11-25").await;
    ann.call(1, "enter_queue", json!({})).await;
    let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ben.enter(json!({ "push": false })).await;
    let mut stream = ann.listen(None).await;
    ben.say("one").await;
    // The server waits for the answer to its ping before the next message.
    let mut pings = Vec::new();
    let mut ids = Vec::new();
    let mut last = String::new();
    while last.is_empty() {
        let event = stream.next().await.expect("an event");
        ids.extend(event.id.clone());
        if event.message["method"] == "ping" {
            pings.push(event.message["id"].clone());
            let pong = json!({ "jsonrpc": "2.0", "id": event.message["id"], "result": {} });
            let request = server.post("/mcp/session").body(pong.to_string());
            ann.request(request).send().await.expect("sent");
        }
        if event.message["params"]["message"] == "one" {
            last = event.id.expect("an id");
        }
    }
    drop(stream);
    // A stream that resumes has no event up to the named one, and neither has a new stream.
    let mut resumed = ann.listen(Some(&last)).await;
    let next = resumed.next().await.expect("the ping behind the message");
    assert_eq!(next.message["method"], "ping", "{next:?}");
    let ping = next.message["id"].clone();
    assert!(!pings.contains(&ping));
    ids.extend(next.id);
    drop(resumed);
    let pong = json!({ "jsonrpc": "2.0", "id": ping, "result": {} });
    ann.request(server.post("/mcp/session").body(pong.to_string())).send().await.expect("sent");
    let mut fresh = ann.listen(None).await;
    ben.say("two").await;
    let priming = fresh.next().await.expect("a priming event");
    ids.extend(priming.id);
    let (id, text) = fresh.message().await;
    assert_eq!(text, "two");
    ids.push(id);
    ids.extend(ann.events.iter().filter_map(|event| event.id.clone()));
    let unique: HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
}
