//! [`SessionPipes`]: live sessions over a connection that carries messages in both directions.
//!
//! The connection's task moves messages between the socket and two bounded channels, the
//! [`ClientHalf`]. rmcp serves the other end, the server half. Sockets and their framing must not
//! appear here: they belong to `ws.rs` and `sse.rs`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rmcp::model::{ClientNotification, GetExtensions, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::{RoleServer, ServiceExt};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::server::McpServer;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::id::random_hex;
use crate::kernel::receipt::{Receipt, ReceiptCollector};
use crate::transport::ops::drain::Drain;

pub type ClientMessage = RxJsonRpcMessage<RoleServer>;
pub type ServerMessage = TxJsonRpcMessage<RoleServer>;

/// Maximum number of messages that wait in either direction. A client that does not read fills its
/// channel and is disconnected.
const CHANNEL_CAPACITY: usize = 16;
/// Time limit for the client's `initialize` request.
const INITIALIZE_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens pipes, and finds those that are registered under a name.
pub struct SessionPipes {
    server: McpServer,
    heartbeat: Duration,
    drain: Drain,
    by_name: Arc<Mutex<HashMap<String, InboundSender>>>,
    rng: Mutex<StdRng>,
}

/// The end of a pipe that the connection holds.
pub struct ClientHalf {
    pub inbound: InboundSender,
    pub outbound: mpsc::Receiver<ServerMessage>,
    /// Ends the session when dropped.
    pub guard: tokio_util::sync::DropGuard,
}

impl SessionPipes {
    #[must_use]
    pub fn new(server: McpServer, heartbeat: Duration, drain: Drain, rng: StdRng) -> Self {
        let (by_name, rng) = (Arc::default(), Mutex::new(rng));
        Self { server, heartbeat, drain, by_name, rng }
    }

    /// Opens a pipe to a dedicated server, for a client in `network`.
    pub fn open(&self, network: Option<ClientNetwork>) -> ClientHalf {
        let (messages, from_client) = mpsc::channel(CHANNEL_CAPACITY);
        let (to_client, outbound) = mpsc::channel(CHANNEL_CAPACITY);
        let token = self.drain.session_token();
        let (server, stop) = (self.server.for_session(self.heartbeat), token.clone());
        tokio::spawn(async move {
            let half = ServerHalf { from_client, to_client };
            let initialized = timeout(INITIALIZE_TIMEOUT, server.serve_with_ct(half, stop)).await;
            // The client causes these errors, and they may quote its message, so they are dropped.
            if let Ok(Ok(running)) = initialized {
                let _ = running.waiting().await;
            }
        });
        let inbound = InboundSender { messages, receipts: Arc::default(), network };
        ClientHalf { inbound, outbound, guard: token.drop_guard() }
    }

    /// Registers a sender under an unguessable name until that name is dropped.
    pub fn register(&self, inbound: InboundSender) -> PipeName {
        let name = random_hex(&mut *self.rng.lock());
        self.by_name.lock().insert(name.clone(), inbound);
        PipeName { name, by_name: Arc::clone(&self.by_name) }
    }

    /// The sender with this name. `None` if its session has ended.
    pub fn find(&self, name: &str) -> Option<InboundSender> {
        self.by_name.lock().get(name).cloned()
    }
}

/// The name of a pipe. Dropping it unregisters the pipe.
pub struct PipeName {
    name: String,
    by_name: Arc<Mutex<HashMap<String, InboundSender>>>,
}

impl PipeName {
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl Drop for PipeName {
    fn drop(&mut self) {
        self.by_name.lock().remove(&self.name);
    }
}

/// Sends a client's messages to the server, and collects the receipts of the answers.
#[derive(Clone)]
pub struct InboundSender {
    messages: mpsc::Sender<ClientMessage>,
    /// Receipts of the requests that are not answered yet.
    receipts: Arc<Mutex<HashMap<RequestId, ReceiptCollector>>>,
    network: Option<ClientNetwork>,
}

impl InboundSender {
    /// Sends a message to the server. The tool that answers it may add receipts.
    pub async fn send(&self, mut message: ClientMessage) -> Result<(), ClientGone> {
        if let JsonRpcMessage::Request(request) = &mut message {
            let collector = ReceiptCollector::new();
            let extensions = request.request.extensions_mut();
            extensions.insert(collector.handle());
            self.network.map(|network| extensions.insert(network));
            // Dropped after the lock is released, because a collector reports its receipts when
            // dropped.
            let replaced = self.receipts.lock().insert(request.id.clone(), collector);
            drop(replaced);
        } else if let JsonRpcMessage::Notification(notification) = &message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
        {
            // A cancelled request gets no answer, so its receipts would stay until the session ends.
            let id = cancelled.params.request_id.as_ref();
            let cancelled = id.and_then(|id| self.receipts.lock().remove(id));
            drop(cancelled);
        }
        self.messages.send(message).await.map_err(|_| ClientGone)
    }

    /// Takes the receipts of `message`. Empty if it is not an answer.
    pub fn take_receipts(&self, message: &ServerMessage) -> Vec<Receipt> {
        let id = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let collector = id.and_then(|id| self.receipts.lock().remove(id));
        collector.map(ReceiptCollector::close).unwrap_or_default()
    }
}

/// The end of a pipe that rmcp serves.
pub(super) struct ServerHalf {
    from_client: mpsc::Receiver<ClientMessage>,
    to_client: mpsc::Sender<ServerMessage>,
}

impl ServerHalf {
    /// The end of a pipe without a client.
    pub(super) fn closed() -> Self {
        let ((_, from_client), (to_client, _)) = (mpsc::channel(1), mpsc::channel(1));
        Self { from_client, to_client }
    }
}

/// The connection has dropped its half.
#[derive(Debug, Error)]
#[error("the client is gone")]
pub struct ClientGone;

impl Transport<RoleServer> for ServerHalf {
    type Error = ClientGone;

    fn send(
        &mut self,
        message: ServerMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let to_client = self.to_client.clone();
        async move { to_client.send(message).await.map_err(|_| ClientGone) }
    }

    async fn receive(&mut self) -> Option<ClientMessage> {
        self.from_client.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.from_client.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn session_pipe_forgets_the_receipts_of_a_cancelled_request() {
        let (messages, mut received) = mpsc::channel(CHANNEL_CAPACITY);
        let inbound = InboundSender { messages, receipts: Arc::default(), network: None };
        for message in [
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wait_for_message"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
        ] {
            let message = serde_json::from_str(message).expect("a message");
            inbound.send(message).await.expect("the pipe is open");
            received.recv().await.expect("passed on");
        }
        assert!(inbound.receipts.lock().is_empty());
    }
}
