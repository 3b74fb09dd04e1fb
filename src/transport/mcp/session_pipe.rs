//! A live session over a connection that carries messages both ways: what `ws.rs` and `sse.rs` share.
//!
//! The connection's own task moves messages between the socket and two bounded channels; rmcp works
//! at the other end of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rmcp::model::{GetExtensions, JsonRpcMessage, RequestId};
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

/// How many messages may wait on either side. A client who does not read fills it, and is given up.
const CHANNEL_CAPACITY: usize = 16;
/// How long a client may take to introduce itself.
const INITIALIZE_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes pipes and knows those that are addressed by name.
pub struct SessionPipes {
    server: McpServer,
    heartbeat: Duration,
    drain: Drain,
    by_name: Arc<Mutex<HashMap<String, InboundSender>>>,
    rng: Mutex<StdRng>,
}

/// The connection's end of a pipe.
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

    /// Opens a pipe with a server of its own at the other end.
    /// Its client comes from `origin`.
    pub fn open(&self, origin: Option<ClientNetwork>) -> ClientHalf {
        let (incoming, from_client) = mpsc::channel(CHANNEL_CAPACITY);
        let (to_client, outgoing) = mpsc::channel(CHANNEL_CAPACITY);
        let token = self.drain.session_token();
        let (server, stop) = (self.server.for_session(self.heartbeat), token.clone());
        tokio::spawn(async move {
            let pipe = ServerHalf { from_client, to_client };
            let served = timeout(INITIALIZE_TIMEOUT, server.serve_with_ct(pipe, stop)).await;
            // What went wrong is the client's, and may quote what it sent.
            if let Ok(Ok(running)) = served {
                let _ = running.waiting().await;
            }
        });
        let inlet = InboundSender { incoming, slots: Arc::default(), origin };
        ClientHalf { inbound: inlet, outbound: outgoing, guard: token.drop_guard() }
    }

    /// Gives an inlet a name that nobody can guess, until dropped.
    pub fn register(&self, inlet: InboundSender) -> PipeName {
        let name = random_hex(&mut *self.rng.lock());
        self.by_name.lock().insert(name.clone(), inlet);
        PipeName { name, named: Arc::clone(&self.by_name) }
    }

    /// The inlet of this name.
    pub fn find(&self, name: &str) -> Option<InboundSender> {
        self.by_name.lock().get(name).cloned()
    }
}

/// The name of a pipe.
pub struct PipeName {
    name: String,
    named: Arc<Mutex<HashMap<String, InboundSender>>>,
}

impl PipeName {
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl Drop for PipeName {
    fn drop(&mut self) {
        self.named.lock().remove(&self.name);
    }
}

/// Where a client's messages go in, and the receipts of the answers to them wait.
#[derive(Clone)]
pub struct InboundSender {
    incoming: mpsc::Sender<ClientMessage>,
    slots: Arc<Mutex<HashMap<RequestId, ReceiptCollector>>>,
    origin: Option<ClientNetwork>,
}

impl InboundSender {
    /// Passes a message on; the tool that answers it may leave receipts.
    pub async fn send(&self, mut message: ClientMessage) -> Result<(), ClientGone> {
        if let JsonRpcMessage::Request(request) = &mut message {
            let slot = ReceiptCollector::new();
            let extensions = request.request.extensions_mut();
            extensions.insert(slot.handle());
            self.origin.map(|origin| extensions.insert(origin));
            let before = self.slots.lock().insert(request.id.clone(), slot);
            drop(before);
        }
        self.incoming.send(message).await.map_err(|_| ClientGone)
    }

    /// The receipts of the answer that `message` is.
    pub fn take_receipts(&self, message: &ServerMessage) -> Vec<Receipt> {
        let id = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let slot = id.and_then(|id| self.slots.lock().remove(id));
        slot.map(ReceiptCollector::close).unwrap_or_default()
    }
}

/// rmcp's end.
struct ServerHalf {
    from_client: mpsc::Receiver<ClientMessage>,
    to_client: mpsc::Sender<ServerMessage>,
}

/// The other end is not there any more.
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
