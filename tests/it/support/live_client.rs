//! [`LiveClient`]: an MCP client that stays connected over one of the three live transports.
//!
//! It implements the wire protocol itself, so that a test can stop reading or disconnect at any
//! moment.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::server::{TEST_TIMEOUT, TestServer};
use super::session_http::SessionHttp;

/// A transport that keeps a client connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveTransport {
    /// Streamable HTTP with a session, at `/mcp/session`.
    Session,
    /// A WebSocket, at `/mcp/ws`.
    WebSocket,
    /// HTTP with SSE of protocol 2024-11-05, at `/mcp/sse`.
    Sse,
}

/// All live transports.
pub const LIVE_TRANSPORTS: [LiveTransport; 3] =
    [LiveTransport::Session, LiveTransport::WebSocket, LiveTransport::Sse];

/// A client in a live session, usually an agent of one user. It answers the server's pings.
pub struct LiveClient {
    stream: EventStream,
    next_id: u64,
    /// Method and parameters of notifications that were read while waiting for something else.
    notifications: VecDeque<(String, Value)>,
    /// The message ids of all notifications.
    seen_ids: HashSet<String>,
    /// The id from `enter_queue`; empty before.
    pub user_id: String,
    /// The room of the current or last chat; empty before the first.
    pub room_id: String,
}

/// The connection that messages from the server arrive on.
enum EventStream {
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Http(SessionHttp),
}

impl LiveClient {
    /// Connects and initializes the session.
    pub async fn connect(server: &TestServer, transport: LiveTransport) -> Self {
        Self::try_connect(server, transport).await.expect("a session")
    }

    /// Connects, or returns the JSON-RPC error of the rejected `initialize`.
    pub async fn try_connect(server: &TestServer, transport: LiveTransport) -> Result<Self, Value> {
        Self::try_connect_with(server, transport, "2025-06-18").await
    }

    /// Connects a client of this protocol version.
    pub async fn try_connect_with(
        server: &TestServer,
        transport: LiveTransport,
        version: &str,
    ) -> Result<Self, Value> {
        let mut client = Self::initialize(server, transport, version).await?;
        if transport == LiveTransport::Session {
            client.listen().await;
        }
        Ok(client)
    }

    /// Connects without the event stream of a [`LiveTransport::Session`].
    pub async fn initialize(
        server: &TestServer,
        transport: LiveTransport,
        version: &str,
    ) -> Result<Self, Value> {
        let stream = match transport {
            LiveTransport::WebSocket => EventStream::WebSocket(Box::new(socket(server).await)),
            LiveTransport::Session => EventStream::Http(SessionHttp::new(server, "/mcp/session")),
            LiveTransport::Sse => EventStream::Http(SessionHttp::sse(server).await),
        };
        let mut client = Self {
            stream,
            next_id: 0,
            notifications: VecDeque::new(),
            seen_ids: HashSet::new(),
            user_id: String::new(),
            room_id: String::new(),
        };
        let client_info = json!({ "name": "agent", "version": "1" });
        let hello =
            json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client_info });
        let response = client.request("initialize", hello).await;
        if let Some(error) = response.get("error") {
            return Err(error.clone());
        }
        client.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        Ok(client)
    }

    /// Opens the event stream of an HTTP transport, beside any that is open.
    pub async fn listen(&mut self) {
        let EventStream::Http(http) = &mut self.stream else { panic!("HTTP transports only") };
        http.listen().await;
    }

    /// Ends the session over HTTP, which would otherwise outlive its connections.
    pub async fn end_session(&mut self) {
        let EventStream::Http(http) = &mut self.stream else { panic!("HTTP transports only") };
        http.end().await;
    }

    /// The id of the session over HTTP; `None` without one.
    pub fn session(&self) -> Option<&str> {
        if let EventStream::Http(http) = &self.stream { http.session.as_deref() } else { None }
    }

    /// Calls `enter_queue`; stores the user id and, if matched, the room.
    pub async fn enter(&mut self, mut arguments: Value) -> Value {
        if !self.user_id.is_empty() {
            arguments["user_id"] = json!(self.user_id);
        }
        let entered = self.call("enter_queue", arguments).await;
        self.user_id = string(&entered["user_id"]);
        self.room_id = string(&entered["room_id"]);
        entered
    }

    /// Waits for the match notification and stores its room.
    pub async fn match_notification(&mut self) -> Value {
        let found = self.notification("chatroom.found").await;
        self.room_id = string(&found["room_id"]);
        found
    }

    /// Sends a message to the partner; returns the result of `send_message`.
    pub async fn say(&mut self, message: &str) -> Value {
        let arguments =
            json!({ "room_id": self.room_id, "message": message, "user_id": self.user_id });
        self.call("send_message", arguments).await
    }

    /// Calls a tool; returns its structured content. A tool error fails the test.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.try_call(tool, arguments).await.unwrap_or_else(|error| panic!("{tool}: {error}"))
    }

    /// Calls a tool; returns its structured content, or the text of its error.
    pub async fn try_call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let params = json!({ "name": tool, "arguments": arguments });
        let response = self.request("tools/call", params).await;
        let result = &response["result"];
        if result["isError"] == true {
            return Err(result["content"][0]["text"].as_str().unwrap_or_default().to_owned());
        }
        assert!(result["structuredContent"].is_object(), "{response}");
        Ok(result["structuredContent"].clone())
    }

    /// Waits for the next notification, which must have this method; returns its parameters.
    pub async fn notification(&mut self, method: &str) -> Value {
        while self.notifications.is_empty() {
            self.next().await;
        }
        let (received, params) = self.notifications.pop_front().expect("a notification");
        assert_eq!(received, method, "{params}");
        params
    }

    /// Returns `true` if a notification arrives within this time.
    pub async fn has_notification(&mut self, within: Duration) -> bool {
        let notified = async {
            while self.notifications.is_empty() {
                self.next().await;
            }
        };
        timeout(within, notified).await.is_ok()
    }

    /// Sends a request and waits for its response.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(request).await;
        loop {
            if let Some(response) = self.next().await.filter(|response| response["id"] == id) {
                return response;
            }
        }
    }

    /// Waits for the response to a request that [`LiveClient::send`] has sent.
    pub async fn response(&mut self, id: &str) -> Value {
        loop {
            if let Some(response) = self.next().await.filter(|response| response["id"] == id) {
                return response;
            }
        }
    }

    /// Calls a tool and cancels the call, which gets no response.
    pub async fn call_and_cancel(&mut self, tool: &str, arguments: Value) {
        self.next_id += 1;
        let params = json!({ "name": tool, "arguments": arguments });
        let id = self.next_id;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }))
            .await;
        let cancelled = json!({ "requestId": id });
        let method = "notifications/cancelled";
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": cancelled })).await;
    }

    /// Reads one message: answers a ping, stores a notification, returns a response.
    pub async fn next(&mut self) -> Option<Value> {
        let message = timeout(TEST_TIMEOUT, self.stream.read()).await.expect("a message in time");
        let method = message["method"].as_str().map(str::to_owned);
        match method.as_deref() {
            Some("ping") => {
                let pong = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
                self.send(pong).await;
                None
            }
            Some(method) => {
                // A redelivered event has the same id.
                let id = message["params"]["message_id"].as_str().map(str::to_owned);
                if id.is_some_and(|id| !self.seen_ids.insert(id)) {
                    return None;
                }
                self.notifications.push_back((method.to_owned(), message["params"].clone()));
                None
            }
            None => Some(message),
        }
    }

    pub async fn send(&mut self, message: Value) {
        match &mut self.stream {
            EventStream::WebSocket(socket) => {
                socket.send(Message::text(message.to_string())).await.expect("an open socket");
            }
            EventStream::Http(http) => http.post(message).await,
        }
    }

    /// Drops the event stream, runs `meanwhile`, then resumes after the last event read.
    pub async fn resume_after<T>(&mut self, meanwhile: impl Future<Output = T>) -> T {
        let EventStream::Http(http) = &mut self.stream else { panic!("HTTP transports only") };
        http.streams.drain(..).for_each(|stream| stream.abort());
        let result = meanwhile.await;
        self.listen().await;
        result
    }

    /// Waits until the server has closed the connection.
    pub async fn ended(&mut self) {
        let stream = &mut self.stream;
        let ended = async move {
            match stream {
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
        timeout(TEST_TIMEOUT, ended).await.expect("closed in time");
    }

    /// Sends an invalid message; returns the response.
    pub async fn send_junk(&mut self, junk: &str) -> Value {
        let EventStream::WebSocket(socket) = &mut self.stream else { panic!("WebSocket only") };
        socket.send(Message::text(junk.to_owned())).await.expect("an open socket");
        timeout(TEST_TIMEOUT, self.stream.read()).await.expect("a response in time")
    }
}

/// Returns the text of a JSON string; empty for any other value.
pub fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl EventStream {
    /// Waits for the next message.
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

/// Opens a WebSocket.
async fn socket(server: &TestServer) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request =
        format!("ws://{}/mcp/ws", server.address()).into_client_request().expect("a request");
    let token = format!("Bearer {}", server.token).parse().expect("a header");
    request.headers_mut().insert("authorization", token);
    tokio_tungstenite::connect_async(request).await.expect("an upgrade").0
}
