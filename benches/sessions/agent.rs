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
use crate::http::{Connection, Events, Posts, Target};
use crate::{Fallible, PATIENCE};

/// How an agent stays connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Http,
    WebSocket,
    Sse,
}

impl Way {
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
pub struct Hall {
    posts: Posts,
    stopwatch: Stopwatch,
    arrived: AtomicU64,
    latencies: Mutex<Latencies>,
}

impl Hall {
    pub fn new(target: &Arc<Target>) -> Arc<Self> {
        Arc::new(Self {
            posts: Posts::begin(target),
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
struct Ears {
    hall: Arc<Hall>,
    link: Link,
    answers: Mutex<Option<oneshot::Sender<String>>>,
    room: Mutex<Option<String>>,
    /// When the messages to this agent were sent that have not arrived.
    underway: Mutex<VecDeque<Duration>>,
    /// The last one that arrived: after a lost answer to a ping it may come again.
    last: Mutex<String>,
}

/// Where an agent's own messages go.
enum Link {
    Http { session: String },
    Sse { address: String },
    WebSocket(mpsc::UnboundedSender<Message>),
}

/// A message of the protocol.
#[derive(Deserialize)]
struct Heard<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a str>,
    params: Option<Value>,
}

pub struct Agent {
    ears: Arc<Ears>,
    reader: AbortHandle,
    pub user_id: String,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Agent {
    /// Opens a session and introduces itself. `abrupt` ones leave with a reset of their connection.
    pub async fn open(
        hall: &Arc<Hall>,
        connection: &mut Connection,
        way: Way,
        abrupt: bool,
    ) -> Fallible<Self> {
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
            Arc::new(Ears {
                hall: Arc::clone(hall),
                link,
                answers: Mutex::default(),
                room: Mutex::default(),
                underway: Mutex::default(),
                last: Mutex::default(),
            })
        };
        let (ears, reader) = match way {
            Way::Http => {
                let answer = connection.send("POST", "/mcp/session", None, &initialize).await?;
                let session = answer.session.ok_or("no session")?;
                connection.send("POST", "/mcp/session", Some(&session), &ready).await?;
                let events = Events::open(&target, "/mcp/session", Some(&session), abrupt).await?;
                let ears = ears(Link::Http { session });
                let reader = tokio::spawn(read(Arc::clone(&ears), events));
                (ears, reader.abort_handle())
            }
            Way::Sse => {
                let mut events = Events::open(&target, "/mcp/sse", None, abrupt).await?;
                let address = events.next().await.ok_or("no address")?;
                let ears = ears(Link::Sse { address });
                let reader = tokio::spawn(read(Arc::clone(&ears), events));
                ears.ask(connection, &initialize).await?;
                ears.tell(connection, &ready).await?;
                (ears, reader.abort_handle())
            }
            Way::WebSocket => {
                let mut request = format!("ws://{}/mcp/ws", target.at).into_client_request()?;
                let token = format!("Bearer {}", target.token).parse()?;
                request.headers_mut().insert("authorization", token);
                let config = Some(WebSocketConfig::default().read_buffer_size(4096));
                let stream = target.stream(abrupt).await?;
                let (socket, _) = client_async_with_config(request, stream, config).await?;
                let (link, outgoing) = mpsc::unbounded_channel();
                let ears = ears(Link::WebSocket(link));
                let reader = tokio::spawn(converse(Arc::clone(&ears), socket, outgoing));
                ears.ask(connection, &initialize).await?;
                ears.tell(connection, &ready).await?;
                (ears, reader.abort_handle())
            }
        };
        Ok(Self { ears, reader, user_id: String::new() })
    }

    /// Looks for a partner, as `user_id` or as somebody new.
    pub async fn enter(
        &mut self,
        connection: &mut Connection,
        user_id: Option<&str>,
    ) -> Fallible<()> {
        let entered = self.call(connection, "enter_queue", &json!({ "user_id": user_id })).await?;
        entered["user_id"].as_str().ok_or("no id")?.clone_into(&mut self.user_id);
        if let Some(room) = entered["room_id"].as_str() {
            *self.ears.room.lock() = Some(room.to_owned());
        }
        Ok(())
    }

    /// Where it chats, if it does.
    pub fn room(&self) -> Option<String> {
        self.ears.room.lock().clone()
    }

    /// Sends a message to `other`, its partner.
    pub async fn write_to(&self, other: &Self, connection: &mut Connection) -> Fallible<()> {
        let room = self.room().ok_or("no partner")?;
        other.ears.underway.lock().push_back(self.ears.hall.stopwatch.elapsed());
        self.write(&room, connection).await
    }

    /// Sends a message to whoever is in this room.
    pub async fn write(&self, room: &str, connection: &mut Connection) -> Fallible<()> {
        let message =
            json!({ "room_id": room, "message": "Hello! How are you?", "user_id": self.user_id });
        self.call(connection, "send_message", &message).await.map(drop)
    }

    /// Calls a tool and waits for its answer.
    pub async fn call(
        &self,
        connection: &mut Connection,
        tool: &str,
        arguments: &Value,
    ) -> Fallible<Value> {
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments },
        });
        let answer = self.ears.ask(connection, &call.to_string()).await?;
        let mut answer: Value = serde_json::from_str(&answer)?;
        match answer["result"]["structuredContent"].take() {
            Value::Null => Err(format!("{tool} was refused: {answer}").into()),
            content => Ok(content),
        }
    }

    /// Ends the session as the protocol has it; the older SSE knows nothing but hanging up.
    pub async fn close(self, connection: &mut Connection) -> Fallible<()> {
        match &self.ears.link {
            Link::Http { session } => {
                connection.send("DELETE", "/mcp/session", Some(session), "").await?;
            }
            Link::WebSocket(link) => {
                // Whoever is not connected any more does not need to be told.
                let _ = link.send(Message::Close(None));
                timeout(PATIENCE, link.closed()).await?;
            }
            Link::Sse { .. } => {}
        }
        Ok(())
    }
}

impl Ears {
    /// Sends a message that needs no answer.
    async fn tell(&self, connection: &mut Connection, message: &str) -> Fallible<()> {
        match &self.link {
            Link::Http { session } => {
                connection.send("POST", "/mcp/session", Some(session), message).await?;
            }
            Link::Sse { address } => {
                connection.send("POST", address, None, message).await?;
            }
            Link::WebSocket(link) => link.send(Message::text(message))?,
        }
        Ok(())
    }

    /// Sends a request and waits for the answer.
    async fn ask(&self, connection: &mut Connection, message: &str) -> Fallible<String> {
        if let Link::Http { session } = &self.link {
            let answer = connection.send("POST", "/mcp/session", Some(session), message).await?;
            return Ok(answer.message);
        }
        let (tell, told) = oneshot::channel();
        *self.answers.lock() = Some(tell);
        self.tell(connection, message).await?;
        Ok(timeout(PATIENCE, told).await??)
    }

    /// Takes note of a message, and says what is to be answered.
    fn hear(&self, message: &str) -> Option<String> {
        let Ok(Heard { id, method, params }) = serde_json::from_str(message) else { return None };
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
                self.hall.arrived.fetch_add(1, Ordering::Relaxed);
                if let Some(sent) = self.underway.lock().pop_front() {
                    let took = self.hall.stopwatch.elapsed().saturating_sub(sent);
                    record(&mut self.hall.latencies.lock(), took);
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

async fn read(ears: Arc<Ears>, mut events: Events) {
    while let Some(event) = events.next().await {
        let Some(answer) = ears.hear(&event) else { continue };
        match &ears.link {
            Link::Http { session } => {
                ears.hall.posts.send("/mcp/session".into(), Some(session.clone()), answer);
            }
            Link::Sse { address } => ears.hall.posts.send(address.clone(), None, answer),
            Link::WebSocket(_) => {}
        }
    }
}

async fn converse(
    ears: Arc<Ears>,
    mut socket: WebSocketStream<TcpStream>,
    mut outgoing: mpsc::UnboundedReceiver<Message>,
) {
    loop {
        let answer = tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => ears.hear(&text).map(Message::text),
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
