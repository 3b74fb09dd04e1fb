//! [`ConnectionInfo`]: the data of a connection that the handlers of its requests need.

use std::net::IpAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body_budget::BodyBudget;
use super::connection_table::ConnectionState;
use super::limits::UNREAD_GRACE;
use super::receipts::ConnectionReceipts;
use super::timer::SharedTimer;

/// The connection that a request arrived on. The router passes it on as a request extension.
#[derive(Clone)]
pub struct ConnectionInfo {
    /// Address of the socket's other end, which may be a proxy.
    pub peer: IpAddr,
    /// Confirms the receipts of answers that are written to this connection.
    pub(in crate::transport) receipts: ConnectionReceipts,
    /// The calls in flight that shutdown waits for before it closes this connection.
    pub(in crate::transport) calls: TaskTracker,
    /// Deadlines of the requests on this connection.
    pub(in crate::transport) timer: SharedTimer,
    /// Cancelled when the server begins to stop, and when the connection is evicted.
    pub(super) shutdown: CancellationToken,
    /// Whether the connection waits for a request or is busy with one.
    pub(super) state: Arc<ConnectionState>,
    /// The memory for large bodies of all connections.
    pub(super) bodies: Arc<BodyBudget>,
}

impl ConnectionInfo {
    /// Completes when shutdown has left an unfinished request enough time to arrive.
    pub(super) async fn unread_deadline(&self) {
        self.shutdown.cancelled().await;
        tokio::time::sleep(UNREAD_GRACE).await;
    }
}
