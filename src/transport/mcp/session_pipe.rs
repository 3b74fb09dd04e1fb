//! [`SessionPipes`]: live sessions over a connection that carries messages in both directions.
//!
//! The connection's task moves messages between the socket and two bounded channels, the
//! [`ClientHalf`]. rmcp serves the other end, the server half. Sockets and their framing must not
//! appear here: they belong to `ws.rs`, `sse.rs` and `stdio.rs`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rmcp::model::{ClientNotification, GetExtensions, JsonRpcMessage, RequestId, ServerResult};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::{RoleServer, ServiceExt};
use thiserror::Error;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::batch;
use super::message::{JsonRpcKind, Message};
use super::rpc_error::{INVALID_REQUEST, RpcError};
use super::server::McpServer;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::id::random_hex;
use crate::kernel::principal::Principal;
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
    /// Time for calls in flight to finish when the instance stops or drains.
    grace: Duration,
    by_name: Arc<Mutex<HashMap<String, InboundSender>>>,
    rng: Mutex<StdRng>,
}

/// The end of a pipe that the connection holds.
pub struct ClientHalf {
    pub inbound: InboundSender,
    pub outbound: mpsc::Receiver<ServerMessage>,
    /// Ends the session when dropped.
    pub guard: tokio_util::sync::DropGuard,
    /// Cancelled when the instance stops or drains. The session ends once its calls are answered.
    pub ending: CancellationToken,
    /// Cancelled when the session ends.
    pub ended: CancellationToken,
}

impl SessionPipes {
    #[must_use]
    pub fn new(
        server: McpServer,
        heartbeat: Duration,
        drain: Drain,
        grace: Duration,
        rng: StdRng,
    ) -> Self {
        let (by_name, rng) = (Arc::default(), Mutex::new(rng));
        Self { server, heartbeat, drain, grace, by_name, rng }
    }

    /// Opens a pipe to a dedicated server, for a client in `network`. It ends with the credential of
    /// `principal`.
    pub fn open(&self, network: Option<ClientNetwork>, principal: Arc<Principal>) -> ClientHalf {
        let (inbound, outbound, half) = channels(network);
        let inbound = InboundSender { opener: Some(Arc::clone(&principal)), ..inbound };
        let (ending, stop) = (self.drain.session_token(), CancellationToken::new());
        let server = self.server.for_session(self.heartbeat);
        let server = server.with_principal(Some(Arc::clone(&principal)));
        let serving = async move |stop| {
            let initialized = timeout(INITIALIZE_TIMEOUT, server.serve_with_ct(half, stop)).await;
            // The client causes these errors, and they may quote its message, so they are dropped.
            let Ok(Ok(running)) = initialized else { return };
            tokio::select! {
                _ = running.waiting() => {}
                // Ends the session, as the rest of the connection does.
                () = principal.validity().ended() => {}
            }
        };
        let ended = end_session(ending.clone(), inbound.pending.clone(), self.grace, stop.clone());
        let token = stop.clone();
        tokio::spawn(async move { tokio::join!(serving(token), ended) });
        ClientHalf { inbound, outbound, guard: stop.clone().drop_guard(), ending, ended: stop }
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

/// Cancels `stop` once `ending` is cancelled and the calls in flight are answered, or `grace` has passed.
pub(super) async fn end_session(
    ending: CancellationToken,
    pending: PendingAnswers,
    grace: Duration,
    stop: CancellationToken,
) {
    let ended = async {
        ending.cancelled().await;
        let _ = timeout(grace, pending.all_answered()).await;
    };
    stop.run_until_cancelled(ended).await;
    stop.cancel();
}

/// Returns both ends of a pipe for a client in `network`.
pub(super) fn channels(
    network: Option<ClientNetwork>,
) -> (InboundSender, mpsc::Receiver<ServerMessage>, ServerHalf) {
    let (messages, from_client) = mpsc::channel(CHANNEL_CAPACITY);
    let (to_client, outbound) = mpsc::channel(CHANNEL_CAPACITY);
    let pending = PendingAnswers::default();
    let to_client_weak = to_client.downgrade();
    let inbound =
        InboundSender { messages, to_client: to_client_weak, pending, network, opener: None };
    (inbound, outbound, ServerHalf { from_client, to_client })
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
    /// Weak, because the session ends when the server drops its sender.
    to_client: mpsc::WeakSender<ServerMessage>,
    pending: PendingAnswers,
    network: Option<ClientNetwork>,
    /// The principal that opened the session. `None` over standard input.
    opener: Option<Arc<Principal>>,
}

/// The requests of a pipe that are not answered yet. Clones share them.
#[derive(Clone, Default)]
pub struct PendingAnswers {
    requests: Arc<Mutex<HashMap<RequestId, PendingRequest>>>,
    /// Notified when no request is left.
    all_answered: Arc<Notify>,
    /// The calls that shutdown waits for before it closes the connection, if this is one of HTTP.
    calls: Option<TaskTracker>,
    /// Whether the negotiated protocol version has batches.
    has_batches: Arc<AtomicBool>,
}

/// A request without an answer.
struct PendingRequest {
    receipts: ReceiptCollector,
    _call: Option<TaskTrackerToken>,
}

impl InboundSender {
    /// Counts the requests that are not answered yet among `calls`.
    pub fn count_calls(&mut self, calls: TaskTracker) {
        self.pending.calls = Some(calls);
    }

    /// Returns `true` if `principal` may send messages of the session.
    pub fn admits(&self, principal: &Principal) -> bool {
        self.opener.as_ref().is_some_and(|opener| opener.shares_sessions_with(principal))
    }

    /// Passes the text of a message or a batch to the server. Returns the errors to answer with.
    ///
    /// The messages of a batch are answered one by one.
    pub async fn receive(&self, text: &[u8]) -> Result<Vec<RpcError>, ClientGone> {
        if !batch::is_batch(text) {
            return Ok(self.receive_message(text).await?.into_iter().collect());
        }
        if !self.pending.has_batches.load(Ordering::Relaxed) {
            return Ok(vec![batch::unsupported()]);
        }
        let mut errors = Vec::new();
        match batch::split(text) {
            Ok(messages) => {
                for message in messages {
                    errors.extend(self.receive_message(message.get().as_bytes()).await?);
                }
            }
            Err(error) => errors.push(error),
        }
        Ok(errors)
    }

    async fn receive_message(&self, text: &[u8]) -> Result<Option<RpcError>, ClientGone> {
        let kind = match Message::read(text).and_then(|message| message.check()) {
            Ok(kind) => kind,
            Err(error) => return Ok(Some(error)),
        };
        let Ok(message) = serde_json::from_slice(text) else {
            let id = if let JsonRpcKind::Request { id, .. } = kind { Some(id) } else { None };
            let message = "Invalid request: not an MCP message.";
            return Ok(Some(RpcError::framed(id, INVALID_REQUEST, message)));
        };
        self.send(message).await.map(|()| None)
    }

    /// Sends a message to the server. The tool that answers it may add receipts.
    async fn send(&self, mut message: ClientMessage) -> Result<(), ClientGone> {
        if let JsonRpcMessage::Request(request) = &mut message {
            let receipts = ReceiptCollector::new();
            let extensions = request.request.extensions_mut();
            extensions.insert(receipts.handle());
            self.network.map(|network| extensions.insert(network));
            let call = self.pending.calls.as_ref().map(TaskTracker::token);
            let pending = PendingRequest { receipts, _call: call };
            // Dropped after the lock is released, because a collector reports its receipts when
            // dropped.
            let replaced = self.pending.requests.lock().insert(request.id.clone(), pending);
            drop(replaced);
        } else if let JsonRpcMessage::Notification(notification) = &message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
        {
            // A cancelled request gets no answer, so its receipts would stay until the session ends.
            let id = cancelled.params.request_id.as_ref();
            let cancelled = id.and_then(|id| self.pending.remove(id));
            drop(cancelled);
        }
        self.messages.send(message).await.map_err(|_| ClientGone)
    }

    /// Sends an error to the client among the messages of the server.
    pub async fn refuse(&self, error: RpcError) -> Result<(), ClientGone> {
        let to_client = self.to_client.upgrade().ok_or(ClientGone)?;
        to_client.send(error.into()).await.map_err(|_| ClientGone)
    }

    /// The requests that are not answered yet.
    pub const fn pending(&self) -> &PendingAnswers {
        &self.pending
    }
}

impl PendingAnswers {
    /// Waits until all requests are answered or cancelled.
    async fn all_answered(&self) {
        let mut answered = std::pin::pin!(self.all_answered.notified());
        // Before looking, so that no answer is missed in between.
        answered.as_mut().enable();
        if !self.requests.lock().is_empty() {
            answered.await;
        }
    }

    fn remove(&self, id: &RequestId) -> Option<PendingRequest> {
        let mut requests = self.requests.lock();
        let removed = requests.remove(id);
        if requests.is_empty() {
            self.all_answered.notify_waiters();
        }
        removed
    }

    /// Takes the receipts of `message`. Empty if it is not an answer.
    pub fn take_receipts(&self, message: &ServerMessage) -> Vec<Receipt> {
        let id = match message {
            JsonRpcMessage::Response(response) => {
                if let ServerResult::InitializeResult(result) = &response.result {
                    let has_batches = batch::has_batches(result.protocol_version.as_str());
                    self.has_batches.store(has_batches, Ordering::Relaxed);
                }
                Some(&response.id)
            }
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let answered = id.and_then(|id| self.remove(id));
        answered.map(|request| request.receipts.close()).unwrap_or_default()
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
        let (inbound, _outbound, mut half) = channels(None);
        for message in [
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wait_for_message"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
        ] {
            let errors = inbound.receive(message.as_bytes()).await.expect("the pipe is open");
            assert!(errors.is_empty());
            half.receive().await.expect("passed on");
        }
        assert!(inbound.pending.requests.lock().is_empty());
    }
}
