//! An agent that stays connected, in any of the three ways, and what it hears.

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

/// How an agent stays connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    Http,
    WebSocket,
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

/// What all agents share: how they answer, and when what arrived.
pub struct SharedStats {
    posts: PostQueue,
    stopwatch: Stopwatch,
    arrived: AtomicU64,
    latencies: Mutex<Latencies>,
}

impl SharedStats {
    pub fn new(target: &Arc<LoadTarget>) -> Arc<Self> {
        Arc::new(Self {
            posts: PostQueue::begin(target),
            stopwatch: Stopwatch::start(),
            arrived: AtomicU64::new(0),
            latencies: Mutex::new(latencies()),
        })
    }

    /// How many messages have arrived, repeats not counted.
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    pub fn latencies(&self) -> Latencies {
        self.latencies.lock().clone()
    }
}

/// What an agent has heard.
struct AgentInbox {
    stats: Arc<SharedStats>,
    link: AgentLink,
    answers: Mutex<Option<oneshot::Sender<String>>>,
    room: Mutex<Option<String>>,
    /// When the messages to this agent were sent that have not arrived.
    underway: Mutex<VecDeque<Duration>>,
    /// The last one that arrived: after a lost answer to a ping it may come again.
    last: Mutex<String>,
}

/// Where an agent's own messages go.
enum AgentLink {
    Http { session: String },
    Sse { address: String },
    WebSocket(mpsc::UnboundedSender<Message>),
}

/// A message of the protocol.
#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a str>,
    params: Option<Value>,
}

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
    /// Opens a session and introduces itself. `abrupt` ones leave with a reset of their connection.
    pub async fn open(
        hall: &Arc<SharedStats>,
        connection: &mut HttpConnection,
        way: TransportKind,
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
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
        let ears = |link| {
            Arc::new(AgentInbox {
                stats: Arc::clone(hall),
                link,
                answers: Mutex::default(),
                room: Mutex::default(),
                underway: Mutex::default(),
                last: Mutex::default(),
            })
        };
        let (ears, reader) = match way {
            TransportKind::Http => {
                let answer = connection.send("POST", "/mcp/session", None, &initialize).await?;
                let session = answer.session.ok_or("no session")?;
                connection.send("POST", "/mcp/session", Some(&session), &ready).await?;
                let events =
                    EventReader::open(&target, "/mcp/session", Some(&session), abrupt).await?;
                let ears = ears(AgentLink::Http { session });
                let reader = tokio::spawn(read(Arc::clone(&ears), events));
                (ears, reader.abort_handle())
            }
            TransportKind::Sse => {
                let mut events = EventReader::open(&target, "/mcp/sse", None, abrupt).await?;
                let address = events.next().await.ok_or("no address")?;
                let ears = ears(AgentLink::Sse { address });
                let reader = tokio::spawn(read(Arc::clone(&ears), events));
                ears.request(connection, &initialize).await?;
                ears.notify(connection, &ready).await?;
                (ears, reader.abort_handle())
            }
            TransportKind::WebSocket => {
                let mut request = format!("ws://{}/mcp/ws", target.at).into_client_request()?;
                let token = format!("Bearer {}", target.token).parse()?;
                request.headers_mut().insert("authorization", token);
                let config = Some(WebSocketConfig::default().read_buffer_size(4096));
                let stream = target.stream(abrupt).await?;
                let (socket, _) = client_async_with_config(request, stream, config).await?;
                let (link, outgoing) = mpsc::unbounded_channel();
                let ears = ears(AgentLink::WebSocket(link));
                let reader = tokio::spawn(run(Arc::clone(&ears), socket, outgoing));
                ears.request(connection, &initialize).await?;
                ears.notify(connection, &ready).await?;
                (ears, reader.abort_handle())
            }
        };
        Ok(Self { inbox: ears, reader, user_id: String::new() })
    }

    /// Looks for a partner, as `user_id` or as somebody new.
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

    /// Where it chats, if it does.
    pub fn room(&self) -> Option<String> {
        self.inbox.room.lock().clone()
    }

    /// Sends a message to `other`, its partner.
    pub async fn write_to(&self, other: &Self, connection: &mut HttpConnection) -> BenchResult<()> {
        let room = self.room().ok_or("no partner")?;
        other.inbox.underway.lock().push_back(self.inbox.stats.stopwatch.elapsed());
        self.write(&room, connection).await
    }

    /// Sends a message to whoever is in this room.
    pub async fn write(&self, room: &str, connection: &mut HttpConnection) -> BenchResult<()> {
        let message =
            json!({ "room_id": room, "message": "Hello! How are you?", "user_id": self.user_id });
        self.call(connection, "send_message", &message).await.map(drop)
    }

    /// Calls a tool and waits for its answer.
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
        let answer = self.inbox.request(connection, &call.to_string()).await?;
        let mut answer: Value = serde_json::from_str(&answer)?;
        match answer["result"]["structuredContent"].take() {
            Value::Null => Err(format!("{tool} was refused: {answer}").into()),
            content => Ok(content),
        }
    }

    /// Ends the session as the protocol has it; the older SSE knows nothing but hanging up.
    pub async fn close(self, connection: &mut HttpConnection) -> BenchResult<()> {
        match &self.inbox.link {
            AgentLink::Http { session } => {
                connection.send("DELETE", "/mcp/session", Some(session), "").await?;
            }
            AgentLink::WebSocket(link) => {
                // Whoever is not connected any more does not need to be told.
                let _ = link.send(Message::Close(None));
                timeout(LOSS_TIMEOUT, link.closed()).await?;
            }
            AgentLink::Sse { .. } => {}
        }
        Ok(())
    }
}

impl AgentInbox {
    /// Sends a message that needs no answer.
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

    /// Sends a request and waits for the answer.
    async fn request(&self, connection: &mut HttpConnection, message: &str) -> BenchResult<String> {
        if let AgentLink::Http { session } = &self.link {
            let answer = connection.send("POST", "/mcp/session", Some(session), message).await?;
            return Ok(answer.message);
        }
        let (tell, told) = oneshot::channel();
        *self.answers.lock() = Some(tell);
        self.notify(connection, message).await?;
        Ok(timeout(LOSS_TIMEOUT, told).await??)
    }

    /// Takes note of a message, and says what is to be answered.
    fn on_message(&self, message: &str) -> Option<String> {
        let Ok(WireMessage { id, method, params }) = serde_json::from_str(message) else {
            return None;
        };
        match (method, id) {
            (None, _) => {
                let waiting = self.answers.lock().take();
                // Whoever asked may have given up.
                waiting.map(|waiting| waiting.send(message.to_owned()));
            }
            (Some("message.received"), _) => {
                let params = params.unwrap_or_default();
                let number = params["message_id"].as_str().unwrap_or_default();
                let mut last = self.last.lock();
                if *last == number {
                    return None;
                }
                number.clone_into(&mut last);
                self.stats.arrived.fetch_add(1, Ordering::Relaxed);
                if let Some(sent) = self.underway.lock().pop_front() {
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

async fn read(ears: Arc<AgentInbox>, mut events: EventReader) {
    while let Some(event) = events.next().await {
        let Some(answer) = ears.on_message(&event) else { continue };
        match &ears.link {
            AgentLink::Http { session } => {
                ears.stats.posts.send("/mcp/session".into(), Some(session.clone()), answer);
            }
            AgentLink::Sse { address } => ears.stats.posts.send(address.clone(), None, answer),
            AgentLink::WebSocket(_) => {}
        }
    }
}

async fn run(
    ears: Arc<AgentInbox>,
    mut socket: WebSocketStream<TcpStream>,
    mut outgoing: mpsc::UnboundedReceiver<Message>,
) {
    loop {
        let answer = tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => ears.on_message(&text).map(Message::text),
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
