//! [`ServerLink`]: an MCP session over the server's WebSocket.
//!
//! Events are forwarded in the order of reading, before the ping behind them, because the answer to that ping
//! acknowledges them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rmcp::model::{CallToolRequestParams, ClientConfig, JsonRpcMessage, ServerNotification};
use rmcp::service::{
    ClientInitializeError, RunningService, RxJsonRpcMessage, ServiceError, TxJsonRpcMessage,
};
use rmcp::transport::Transport;
use rmcp::{Peer, RoleClient, ServiceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::{Error, Message, http};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::error::ChatError;
use super::target::ServerTarget;
use super::wire::WireEvent;

/// Timeout of a connection attempt, and of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// The server pings every 30 seconds; a connection without a frame for this long is lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A session and the events that arrive on it.
pub struct ServerLink {
    session: RunningService<RoleClient, ClientConfig>,
    /// Closed with the connection.
    pub events: mpsc::UnboundedReceiver<WireEvent>,
}

/// Why a call failed.
#[derive(Debug, Error)]
pub enum CallError {
    /// The server rejected the call; the text says why.
    #[error("{0}")]
    Refused(String),
    #[error("the connection was lost")]
    Lost,
}

impl ServerLink {
    /// Connects, and checks that the server has the penpal tools.
    ///
    /// # Errors
    /// Returns a [`ChatError`] whose text says what to do.
    pub async fn open(server: &ServerTarget) -> Result<Self, ChatError> {
        let unreachable = || ChatError::Unreachable(server.to_string());
        let uri = server.ws_url().parse::<http::Uri>();
        let uri = uri.map_err(|_| ChatError::InvalidUrl(server.to_string()))?;
        let request = ClientRequestBuilder::new(uri).with_header("Authorization", server.bearer());
        let connected = timeout(CALL_TIMEOUT, connect_async(request)).await;
        let (socket, _) = connected
            .map_err(|_| unreachable())?
            .map_err(|error| handshake_error(&error, server))?;
        let (sink, stream) = socket.split();
        let (sender, events) = mpsc::unbounded_channel();
        let transport = WsTransport { sink: Arc::new(Mutex::new(sink)), stream, events: sender };
        let introduced = timeout(CALL_TIMEOUT, ClientConfig::default().serve(transport)).await;
        let session = introduced.map_err(|_| unreachable())?.map_err(|error| match error {
            ClientInitializeError::JsonRpcError(error) => {
                ChatError::Refused(server.to_string(), error.message.into_owned())
            }
            _ => ChatError::NotRandomConnect(server.to_string()),
        })?;
        let tools = timeout(CALL_TIMEOUT, session.list_all_tools()).await;
        let tools = tools.map_err(|_| unreachable())?.map_err(|_| unreachable())?;
        if !["say", "rejoin"].iter().all(|name| tools.iter().any(|tool| tool.name == *name)) {
            return Err(ChatError::PenPalDisabled(server.to_string()));
        }
        Ok(Self { session, events })
    }

    /// Returns a handle for calls.
    #[must_use]
    pub fn tool_caller(&self) -> ToolCaller {
        ToolCaller(self.session.peer().clone())
    }

    /// Closes the session.
    pub async fn close(mut self) {
        // A server that is gone needs no close message.
        let _ = self.session.close_with_timeout(Duration::from_secs(1)).await;
    }
}

/// Calls tools over a [`ServerLink`].
#[derive(Clone)]
pub struct ToolCaller(Peer<RoleClient>);

impl ToolCaller {
    /// Calls a tool and returns its structured content.
    ///
    /// # Errors
    /// Returns [`CallError`] if the tool rejects the call or the connection is lost.
    pub async fn call<T: DeserializeOwned>(
        self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<T, CallError> {
        let structured = self.result(tool, arguments).await?.0;
        serde_json::from_value(structured).map_err(|_| invalid_response())
    }

    /// Calls a tool without arguments and returns its text.
    ///
    /// # Errors
    /// See [`ToolCaller::call`].
    pub async fn call_text(self, tool: &'static str) -> Result<String, CallError> {
        Ok(self.result(tool, json!({})).await?.1)
    }

    async fn result(
        self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<(Value, String), CallError> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let answer = timeout(CALL_TIMEOUT, self.0.call_tool(request)).await;
        let result = match answer {
            Ok(Ok(result)) => result,
            Ok(Err(ServiceError::McpError(error))) => {
                return Err(CallError::Refused(error.message.into_owned()));
            }
            Ok(Err(_)) | Err(_) => return Err(CallError::Lost),
        };
        let blocks = result.content.iter().filter_map(|block| block.as_text());
        let text = blocks.map(|block| block.text.as_str()).collect::<String>();
        if result.is_error == Some(true) {
            return Err(CallError::Refused(text));
        }
        Ok((result.structured_content.unwrap_or_default(), text))
    }
}

fn invalid_response() -> CallError {
    CallError::Refused("The server's response is invalid: is it a different version?".into())
}

/// Returns the error for a failed handshake.
fn handshake_error(error: &Error, server: &ServerTarget) -> ChatError {
    let server = server.to_string();
    match error {
        Error::Http(response) => match response.status().as_u16() {
            401 => ChatError::WrongToken(server),
            403 => ChatError::WrongHost(server),
            502..=504 => ChatError::Unreachable(server),
            _ => ChatError::NotRandomConnect(server),
        },
        Error::Io(_) => ChatError::Unreachable(server),
        _ => ChatError::NotRandomConnect(server),
    }
}

/// The WebSocket as a transport of rmcp: one MCP message per text frame.
struct WsTransport {
    sink: Arc<Mutex<SplitSink<Socket, Message>>>,
    stream: SplitStream<Socket>,
    events: mpsc::UnboundedSender<WireEvent>,
}

impl WsTransport {
    /// Forwards the event of a notification here, because rmcp runs notifications in no particular order.
    fn forward_event(&self, message: &RxJsonRpcMessage<RoleClient>) {
        let JsonRpcMessage::Notification(notification) = message else { return };
        let ServerNotification::CustomNotification(custom) = &notification.notification else {
            return;
        };
        if let Some(event) = WireEvent::parse(&custom.method, custom.params.clone()) {
            // The receiver is gone only if the client has left.
            let _ = self.events.send(event);
        }
    }
}

impl Transport<RoleClient> for WsTransport {
    type Error = Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let sink = Arc::clone(&self.sink);
        async move {
            let text = serde_json::to_string(&message).map_err(std::io::Error::from)?;
            sink.lock().await.send(Message::text(text)).await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            // tungstenite answers pings and other control frames.
            let Message::Text(text) =
                timeout(IDLE_TIMEOUT, self.stream.next()).await.ok()??.ok()?
            else {
                continue;
            };
            let Ok(message) = serde_json::from_str(&text) else { continue };
            self.forward_event(&message);
            return Some(message);
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.sink.lock().await.close().await
    }
}
