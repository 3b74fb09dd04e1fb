//! [`LoadAgent`]: an agent in a live session over any transport, with what it has received.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use random_connect::kernel::clock::Stopwatch;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::common::{Latencies, latencies, record};
use crate::http::{EventReader, HttpConnection, LoadTarget, PostQueue};
use crate::{BenchResult, LOSS_TIMEOUT};

/// A transport of live sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// Streamable HTTP with a session.
    Http,
    WebSocket,
    /// HTTP with SSE of protocol 2024-11-05.
    Sse,
}

impl TransportKind {
    pub const ALL: [Self; 3] = [Self::Http, Self::WebSocket, Self::Sse];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "streamable HTTP",
            Self::WebSocket => "WebSocket",
            Self::Sse => "SSE of 2024-11-05",
        }
    }
}

/// State that all agents share: the queue for their answers and the latencies of their messages.
pub struct SharedStats {
    posts: PostQueue,
    /// The clock of all latencies.
    stopwatch: Stopwatch,
    arrived: AtomicU64,
    latencies: Mutex<Latencies>,
}

impl SharedStats {
    pub fn new(target: &Arc<LoadTarget>) -> Arc<Self> {
        Arc::new(Self {
            posts: PostQueue::start(target),
            stopwatch: Stopwatch::start(),
            arrived: AtomicU64::new(0),
            latencies: Mutex::new(latencies()),
        })
    }

    /// Returns the number of messages that have arrived, without redeliveries.
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Returns the latencies of all messages that have arrived.
    pub fn latencies(&self) -> Latencies {
        self.latencies.lock().clone()
    }
}

/// The receiving side of an agent.
struct AgentInbox {
    stats: Arc<SharedStats>,
    link: AgentLink,
    /// The request that waits for its response.
    pending: Mutex<Option<oneshot::Sender<String>>>,
    /// The room of the chat; `None` before a match.
    room: Mutex<Option<String>>,
    /// The send times of messages to this agent that have not arrived.
    in_flight: Mutex<VecDeque<Duration>>,
    /// The id of the last message that arrived: after a lost answer to a ping it is redelivered.
    last_id: Mutex<String>,
}

/// The sending side of an agent.
enum AgentLink {
    Http { session: String },
    Sse { address: String },
    WebSocket(mpsc::UnboundedSender<Message>),
}

/// A JSON-RPC message from the server.
#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a str>,
    params: Option<Value>,
}

/// An agent in a live session. Dropping it closes its connection.
pub struct LoadAgent {
    inbox: Arc<AgentInbox>,
    reader: AbortHandle,
    pub user_id: String,
}

impl Drop for LoadAgent {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl LoadAgent {
    /// Opens and initializes a session. An `abrupt` agent resets its connection when it is dropped.
    pub async fn open(
        stats: &Arc<SharedStats>,
        connection: &mut HttpConnection,
        transport: TransportKind,
        abrupt: bool,
    ) -> BenchResult<Self> {
        let target = Arc::clone(connection.target());
        let initialize = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "load", "version": "1" },
            },
        });
        let initialize = initialize.to_string();
        let initialized =
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
        let new_inbox = |link| {
            Arc::new(AgentInbox {
                stats: Arc::clone(stats),
                link,
                pending: Mutex::default(),
                room: Mutex::default(),
                in_flight: Mutex::default(),
                last_id: Mutex::default(),
            })
        };
        let (inbox, reader) = match transport {
            TransportKind::Http => {
                let response = connection.send("POST", "/mcp/session", None, &initialize).await?;
                let session = response.session.ok_or("no session")?;
                connection.send("POST", "/mcp/session", Some(&session), &initialized).await?;
                let events =
                    EventReader::open(&target, "/mcp/session", Some(&session), abrupt).await?;
                let inbox = new_inbox(AgentLink::Http { session });
                let reader = tokio::spawn(read_events(Arc::clone(&inbox), events));
                (inbox, reader.abort_handle())
            }
            TransportKind::Sse => {
                let mut events = EventReader::open(&target, "/mcp/sse", None, abrupt).await?;
                let address = events.next().await.ok_or("no address")?;
                let inbox = new_inbox(AgentLink::Sse { address });
                let reader = tokio::spawn(read_events(Arc::clone(&inbox), events));
                inbox.request(connection, &initialize).await?;
                inbox.notify(connection, &initialized).await?;
                (inbox, reader.abort_handle())
            }
            TransportKind::WebSocket => {
                let mut request =
                    format!("ws://{}/mcp/ws", target.address).into_client_request()?;
                let token = format!("Bearer {}", target.token).parse()?;
                request.headers_mut().insert("authorization", token);
                let config = Some(WebSocketConfig::default().read_buffer_size(4096));
                let stream = target.stream(abrupt).await?;
                let (socket, _) = client_async_with_config(request, stream, config).await?;
                let (link, outgoing) = mpsc::unbounded_channel();
                let inbox = new_inbox(AgentLink::WebSocket(link));
                let reader = tokio::spawn(run_socket(Arc::clone(&inbox), socket, outgoing));
                inbox.request(connection, &initialize).await?;
                inbox.notify(connection, &initialized).await?;
                (inbox, reader.abort_handle())
            }
        };
        Ok(Self { inbox, reader, user_id: String::new() })
    }

    /// Enters the queue, as `user_id` or as a new user.
    pub async fn enter(
        &mut self,
        connection: &mut HttpConnection,
        user_id: Option<&str>,
    ) -> BenchResult<()> {
        let entered = self.call(connection, "enter_queue", &json!({ "user_id": user_id })).await?;
        entered["user_id"].as_str().ok_or("no id")?.clone_into(&mut self.user_id);
        if let Some(room) = entered["room_id"].as_str() {
            *self.inbox.room.lock() = Some(room.to_owned());
        }
        Ok(())
    }

    /// Returns the room of the chat; `None` before a match.
    pub fn room(&self) -> Option<String> {
        self.inbox.room.lock().clone()
    }

    /// Sends a message to `partner` and records when.
    pub async fn send_to(
        &self,
        partner: &Self,
        connection: &mut HttpConnection,
    ) -> BenchResult<()> {
        let room = self.room().ok_or("no partner")?;
        partner.inbox.in_flight.lock().push_back(self.inbox.stats.stopwatch.elapsed());
        self.send(&room, connection).await
    }

    /// Sends a message in this room.
    pub async fn send(&self, room: &str, connection: &mut HttpConnection) -> BenchResult<()> {
        let message =
            json!({ "room_id": room, "message": "Hello! How are you?", "user_id": self.user_id });
        self.call(connection, "send_message", &message).await.map(drop)
    }

    /// Calls a tool; returns its structured content.
    pub async fn call(
        &self,
        connection: &mut HttpConnection,
        tool: &str,
        arguments: &Value,
    ) -> BenchResult<Value> {
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments },
        });
        let response = self.inbox.request(connection, &call.to_string()).await?;
        let mut response: Value = serde_json::from_str(&response)?;
        match response["result"]["structuredContent"].take() {
            Value::Null => Err(format!("{tool} was rejected: {response}").into()),
            content => Ok(content),
        }
    }

    /// Closes the session as its transport specifies; with SSE, the agent only disconnects.
    pub async fn close(self, connection: &mut HttpConnection) -> BenchResult<()> {
        match &self.inbox.link {
            AgentLink::Http { session } => {
                connection.send("DELETE", "/mcp/session", Some(session), "").await?;
            }
            AgentLink::WebSocket(link) => {
                // The connection may be closed already.
                let _ = link.send(Message::Close(None));
                timeout(LOSS_TIMEOUT, link.closed()).await?;
            }
            AgentLink::Sse { .. } => {}
        }
        Ok(())
    }
}

impl AgentInbox {
    /// Sends a notification.
    async fn notify(&self, connection: &mut HttpConnection, message: &str) -> BenchResult<()> {
        match &self.link {
            AgentLink::Http { session } => {
                connection.send("POST", "/mcp/session", Some(session), message).await?;
            }
            AgentLink::Sse { address } => {
                connection.send("POST", address, None, message).await?;
            }
            AgentLink::WebSocket(link) => link.send(Message::text(message))?,
        }
        Ok(())
    }

    /// Sends a request and waits for the response.
    async fn request(&self, connection: &mut HttpConnection, message: &str) -> BenchResult<String> {
        if let AgentLink::Http { session } = &self.link {
            let response = connection.send("POST", "/mcp/session", Some(session), message).await?;
            return Ok(response.message);
        }
        let (sender, receiver) = oneshot::channel();
        *self.pending.lock() = Some(sender);
        self.notify(connection, message).await?;
        Ok(timeout(LOSS_TIMEOUT, receiver).await??)
    }

    /// Handles a message from the server; returns the answer that it needs.
    fn on_message(&self, message: &str) -> Option<String> {
        let Ok(WireMessage { id, method, params }) = serde_json::from_str(message) else {
            return None;
        };
        match (method, id) {
            (None, _) => {
                let pending = self.pending.lock().take();
                // The request may have timed out.
                pending.map(|pending| pending.send(message.to_owned()));
            }
            (Some("message.received"), _) => {
                let params = params.unwrap_or_default();
                let id = params["message_id"].as_str().unwrap_or_default();
                let mut last_id = self.last_id.lock();
                if *last_id == id {
                    return None;
                }
                id.clone_into(&mut last_id);
                self.stats.arrived.fetch_add(1, Ordering::Relaxed);
                if let Some(sent) = self.in_flight.lock().pop_front() {
                    let took = self.stats.stopwatch.elapsed().saturating_sub(sent);
                    record(&mut self.stats.latencies.lock(), took);
                }
            }
            (Some("chatroom.found"), _) => {
                let params = params.unwrap_or_default();
                *self.room.lock() = params["room_id"].as_str().map(str::to_owned);
            }
            (Some(_), Some(id)) => {
                return Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
            }
            (Some(_), None) => {}
        }
        None
    }
}

/// Reads events until the stream ends, and answers requests of the server.
async fn read_events(inbox: Arc<AgentInbox>, mut events: EventReader) {
    while let Some(event) = events.next().await {
        let Some(answer) = inbox.on_message(&event) else { continue };
        match &inbox.link {
            AgentLink::Http { session } => {
                inbox.stats.posts.send("/mcp/session".into(), Some(session.clone()), answer);
            }
            AgentLink::Sse { address } => inbox.stats.posts.send(address.clone(), None, answer),
            AgentLink::WebSocket(_) => {}
        }
    }
}

/// Reads and writes frames until the connection closes.
async fn run_socket(
    inbox: Arc<AgentInbox>,
    mut socket: WebSocketStream<TcpStream>,
    mut outgoing: mpsc::UnboundedReceiver<Message>,
) {
    loop {
        let answer = tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => inbox.on_message(&text).map(Message::text),
                Some(Ok(_)) => None,
                Some(Err(_)) | None => return,
            },
            message = outgoing.recv() => message,
        };
        if let Some(answer) = answer
            && socket.send(answer).await.is_err()
        {
            return;
        }
    }
}
