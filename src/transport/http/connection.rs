//! [`ConnectionInfo`]: the data of a connection that the handlers of its requests need.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

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
    /// Deadlines of the requests on this connection.
    pub(in crate::transport) timer: SharedTimer,
    /// Cancelled when the server begins to stop.
    pub(super) shutdown: CancellationToken,
}

impl ConnectionInfo {
    /// Completes when shutdown has left an unfinished request enough time to arrive.
    pub(super) async fn unread_deadline(&self) {
        self.shutdown.cancelled().await;
        tokio::time::sleep(UNREAD_GRACE).await;
    }
}
