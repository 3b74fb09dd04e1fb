//! A connection to the server: the Model Context Protocol over its WebSocket.
//!
//! News are handed on in the order in which they were read, before the ping behind them is: the
//! answer to that ping tells the server that they have arrived.

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

/// How long a connection may take, and an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// The server asks every half minute whether somebody is there. Without a word for this long, it is not.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection, and what comes over it unasked.
pub struct ServerLink {
    session: RunningService<RoleClient, ClientConfig>,
    /// Ends when the connection does.
    pub events: mpsc::UnboundedReceiver<WireEvent>,
}

/// Why a call was not answered.
#[derive(Debug, Error)]
pub enum CallError {
    /// It was answered, with a refusal in words.
    #[error("{0}")]
    Refused(String),
    #[error("the connection was lost")]
    Lost,
}

impl ServerLink {
    /// Connects, and looks whether the server has the tools.
    ///
    /// # Errors
    /// A [`Problem`] that says what to do.
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
        let (tell, news) = mpsc::unbounded_channel();
        let transport = WsTransport { sink: Arc::new(Mutex::new(sink)), stream, events: tell };
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
        Ok(Self { session, events: news })
    }

    /// A handle for calls.
    #[must_use]
    pub fn tool_caller(&self) -> ToolCaller {
        ToolCaller(self.session.peer().clone())
    }

    /// Ends the connection in order.
    pub async fn close(mut self) {
        // Whoever is gone needs no goodbye.
        let _ = self.session.close_with_timeout(Duration::from_secs(1)).await;
    }
}

/// Calls tools over a [`Link`].
#[derive(Clone)]
pub struct ToolCaller(Peer<RoleClient>);

impl ToolCaller {
    /// What a tool answers, as structured content.
    ///
    /// # Errors
    /// When it refuses, or does not answer.
    pub async fn call<T: DeserializeOwned>(
        self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<T, CallError> {
        let structured = self.result(tool, arguments).await?.0;
        serde_json::from_value(structured).map_err(|_| invalid_response())
    }

    /// What a tool answers, as text.
    ///
    /// # Errors
    /// As above.
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

/// What a failed handshake means.
fn handshake_error(error: &Error, server: &ServerTarget) -> ChatError {
    let at = server.to_string();
    match error {
        Error::Http(response) => match response.status().as_u16() {
            401 => ChatError::WrongToken(at),
            403 => ChatError::WrongHost(at),
            502..=504 => ChatError::Unreachable(at),
            _ => ChatError::NotRandomConnect(at),
        },
        Error::Io(_) => ChatError::Unreachable(at),
        _ => ChatError::NotRandomConnect(at),
    }
}

/// The WebSocket as rmcp wants it: a message of the protocol per text frame.
struct WsTransport {
    sink: Arc<Mutex<SplitSink<Socket, Message>>>,
    stream: SplitStream<Socket>,
    events: mpsc::UnboundedSender<WireEvent>,
}

impl WsTransport {
    /// Hands on what a notification tells, which rmcp would do in no particular order.
    fn forward_event(&self, message: &RxJsonRpcMessage<RoleClient>) {
        let JsonRpcMessage::Notification(notification) = message else { return };
        let ServerNotification::CustomNotification(told) = &notification.notification else {
            return;
        };
        if let Some(news) = WireEvent::parse(&told.method, told.params.clone()) {
            // Whoever no longer listens has left.
            let _ = self.events.send(news);
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
            // Frames of the WebSocket itself, pings among them, are answered in passing.
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
