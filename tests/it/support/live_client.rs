//! Agents who stay connected: the protocol as it goes over each of the three live transports, byte
//! for byte, so that a test can stop reading or vanish at any moment.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::server::{TEST_TIMEOUT, TOKEN, TestServer, http_client};

/// A way to stay connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveTransport {
    Session,
    WebSocket,
    Sse,
}

pub const LIVE_TRANSPORTS: [LiveTransport; 3] =
    [LiveTransport::Session, LiveTransport::WebSocket, LiveTransport::Sse];

/// One client in a live session. Answers pings as every client of the protocol does.
pub struct LiveClient {
    line: EventStream,
    next_id: u64,
    /// Notifications that were read while something else was awaited.
    told: VecDeque<(String, Value)>,
    /// The ids of all notifications so far.
    known: HashSet<String>,
    /// Who it is, once it has entered the queue.
    pub user_id: String,
    pub room_id: String,
}

enum EventStream {
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Http(SessionHttp),
}

/// Messages are posted to an address and come back in streams of events.
struct SessionHttp {
    client: reqwest::Client,
    address: String,
    session: Option<String>,
    messages: mpsc::UnboundedReceiver<Value>,
    heard: mpsc::UnboundedSender<Value>,
    streams: Vec<AbortHandle>,
    /// The id of the last event on the stream that answers no request.
    last_event: Arc<Mutex<Option<String>>>,
}

impl Drop for SessionHttp {
    fn drop(&mut self) {
        self.streams.iter().for_each(AbortHandle::abort);
    }
}

impl LiveClient {
    /// Connects and introduces itself.
    pub async fn connect(server: &TestServer, way: LiveTransport) -> Self {
        Self::try_connect(server, way).await.expect("a place")
    }

    /// Connects, or returns the error with which the server refuses.
    pub async fn try_connect(server: &TestServer, way: LiveTransport) -> Result<Self, Value> {
        let line = match way {
            LiveTransport::WebSocket => EventStream::WebSocket(Box::new(socket(server).await)),
            LiveTransport::Session => {
                EventStream::Http(SessionHttp::new(format!("{}/mcp/session", server.url)))
            }
            LiveTransport::Sse => EventStream::Http(SessionHttp::sse(server).await),
        };
        let mut agent = Self {
            line,
            next_id: 0,
            told: VecDeque::new(),
            known: HashSet::new(),
            user_id: String::new(),
            room_id: String::new(),
        };
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "agent", "version": "1" },
        });
        let answer = agent.request("initialize", hello).await;
        if let Some(error) = answer.get("error") {
            return Err(error.clone());
        }
        agent.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        if let (LiveTransport::Session, EventStream::Http(http)) = (way, &mut agent.line) {
            http.listen().await;
        }
        Ok(agent)
    }

    /// Enters the queue, and keeps the room if matched at once.
    pub async fn enter(&mut self, more: Value) -> Value {
        let mut arguments = more;
        if !self.user_id.is_empty() {
            arguments["user_id"] = json!(self.user_id);
        }
        let entered = self.call("enter_queue", arguments).await;
        self.user_id = string(&entered["user_id"]);
        self.room_id = string(&entered["room_id"]);
        entered
    }

    /// Waits until a partner is found, and keeps the room.
    pub async fn match_notification(&mut self) -> Value {
        let found = self.notification("chatroom.found").await;
        self.room_id = string(&found["room_id"]);
        found
    }

    pub async fn say(&mut self, message: &str) -> Value {
        let arguments =
            json!({ "room_id": self.room_id, "message": message, "user_id": self.user_id });
        self.call("send_message", arguments).await
    }

    /// What a tool answers; a tool error fails the test.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.try_call(tool, arguments).await.unwrap_or_else(|told| panic!("{tool}: {told}"))
    }

    /// What a tool answers, or the words with which it refuses.
    pub async fn try_call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.request("tools/call", params).await;
        let result = &answer["result"];
        if result["isError"] == true {
            return Err(result["content"][0]["text"].as_str().unwrap_or_default().to_owned());
        }
        assert!(result["structuredContent"].is_object(), "{answer}");
        Ok(result["structuredContent"].clone())
    }

    /// The next notification, which must be of this method.
    pub async fn notification(&mut self, method: &str) -> Value {
        while self.told.is_empty() {
            self.next().await;
        }
        let (told, params) = self.told.pop_front().expect("one was read");
        assert_eq!(told, method, "{params}");
        params
    }

    /// Whether anything is told within a moment.
    pub async fn has_notification(&mut self, within: Duration) -> bool {
        let one = async {
            while self.told.is_empty() {
                self.next().await;
            }
        };
        timeout(within, one).await.is_ok()
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(request).await;
        loop {
            if let Some(answer) = self.next().await.filter(|answer| answer["id"] == id) {
                return answer;
            }
        }
    }

    /// Reads one message: answers a ping, keeps a notification, returns an answer.
    async fn next(&mut self) -> Option<Value> {
        let message = timeout(TEST_TIMEOUT, self.line.read()).await.expect("a message in time");
        let method = message["method"].as_str().map(str::to_owned);
        match method.as_deref() {
            Some("ping") => {
                let pong = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
                self.send(pong).await;
                None
            }
            Some(method) => {
                // The same news may come twice, under the same id.
                let id = message["params"]["message_id"].as_str().map(str::to_owned);
                if id.is_some_and(|id| !self.known.insert(id)) {
                    return None;
                }
                self.told.push_back((method.to_owned(), message["params"].clone()));
                None
            }
            None => Some(message),
        }
    }

    async fn send(&mut self, message: Value) {
        match &mut self.line {
            EventStream::WebSocket(socket) => {
                socket.send(Message::text(message.to_string())).await.expect("an open socket");
            }
            EventStream::Http(http) => http.post(message).await,
        }
    }

    /// Loses the stream of events without a word, and resumes it behind the last event read.
    pub async fn resume_after<T>(&mut self, meanwhile: impl Future<Output = T>) -> T {
        let EventStream::Http(http) = &mut self.line else { panic!("only over HTTP") };
        http.streams.drain(..).for_each(|stream| stream.abort());
        let done = meanwhile.await;
        http.listen().await;
        done
    }

    /// Waits until the server has ended the session.
    pub async fn ended(&mut self) {
        let line = &mut self.line;
        let ended = async move {
            match line {
                EventStream::WebSocket(socket) => {
                    while !matches!(socket.next().await, Some(Ok(Message::Close(_))) | None) {}
                }
                EventStream::Http(http) => {
                    while !http.streams.iter().all(AbortHandle::is_finished) {
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        timeout(TEST_TIMEOUT, ended).await.expect("ended in time");
    }

    /// Sends what is no message of the protocol; returns the answer.
    pub async fn send_junk(&mut self, junk: &str) -> Value {
        let EventStream::WebSocket(socket) = &mut self.line else {
            panic!("only over a WebSocket")
        };
        socket.send(Message::text(junk.to_owned())).await.expect("an open socket");
        timeout(TEST_TIMEOUT, self.line.read()).await.expect("an answer in time")
    }
}

/// The text of a value; empty where it is none.
pub fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl EventStream {
    async fn read(&mut self) -> Value {
        match self {
            Self::Http(http) => http.messages.recv().await.expect("an open stream"),
            Self::WebSocket(socket) => loop {
                if let Message::Text(text) = socket.next().await.expect("open").expect("a frame") {
                    return serde_json::from_str(&text).expect("JSON");
                }
            },
        }
    }
}

async fn socket(server: &TestServer) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request =
        format!("ws://{}/mcp/ws", server.address()).into_client_request().expect("a request");
    let token = format!("Bearer {TOKEN}").parse().expect("a header");
    request.headers_mut().insert("authorization", token);
    tokio_tungstenite::connect_async(request).await.expect("an upgrade").0
}

impl SessionHttp {
    fn new(address: String) -> Self {
        let (heard, messages) = mpsc::unbounded_channel();
        let client = http_client();
        let (streams, last_event) = (Vec::new(), Arc::default());
        Self { client, address, session: None, messages, heard, streams, last_event }
    }

    /// Opens the stream of protocol 2024-11-05 and learns where to post.
    async fn sse(server: &TestServer) -> Self {
        let mut http = Self::new(format!("{}/mcp/sse", server.url));
        http.listen().await;
        let first = http.messages.recv().await.expect("an address");
        http.address = format!("{}{}", server.url, first["endpoint"].as_str().expect("a path"));
        http
    }

    /// Opens a stream of events that answers no request.
    async fn listen(&mut self) {
        let request = self.client.get(&self.address).bearer_auth(TOKEN);
        let mut request = request.header("accept", "text/event-stream");
        if let Some(last) = self.last_event.lock().expect("no panic").clone() {
            request = request.header("last-event-id", last);
        }
        let response = self.with_session(request).send().await.expect("a stream");
        assert!(response.status().is_success(), "{}", response.status());
        let last_event = Arc::clone(&self.last_event);
        self.follow(response, move |id| *last_event.lock().expect("no panic") = Some(id));
    }

    fn with_session(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        }
    }

    /// Reads a stream of events in the background.
    fn follow(&mut self, response: reqwest::Response, seen: impl Fn(String) + Send + 'static) {
        let heard = self.heard.clone();
        let stream = tokio::spawn(async move {
            let mut bytes = response.bytes_stream();
            let mut text = Vec::new();
            while let Some(Ok(more)) = bytes.next().await {
                text.extend_from_slice(&more);
                while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                    let event: Vec<u8> = text.drain(..end + 2).collect();
                    let (id, message) = event_parts(&event);
                    id.map(&seen);
                    message.map(|message| heard.send(message));
                }
            }
        });
        self.streams.push(stream.abort_handle());
    }

    async fn post(&mut self, message: Value) {
        let request = self.client.post(&self.address).bearer_auth(TOKEN);
        let request = request.header("accept", "application/json, text/event-stream");
        let response = self.with_session(request.json(&message)).send().await.expect("an answer");
        assert!(response.status().is_success(), "{}: {message}", response.status());
        if let Some(session) = response.headers().get("mcp-session-id") {
            self.session = Some(session.to_str().expect("text").to_owned());
        }
        let kind = response.headers().get("content-type").map(|kind| kind.as_bytes().to_vec());
        if kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
            self.follow(response, drop);
        }
    }
}

/// The id of an event, and its JSON or the address that the first one names.
fn event_parts(event: &[u8]) -> (Option<String>, Option<Value>) {
    let text = std::str::from_utf8(event).expect("UTF-8");
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let data = field("data:").unwrap_or_default();
    let message = if text.contains("event: endpoint") {
        Some(json!({ "endpoint": data }))
    } else {
        serde_json::from_str(&data).ok()
    };
    (field("id:"), message)
}
