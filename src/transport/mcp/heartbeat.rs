//! [`run_heartbeat`] finds out that the client of a live session is gone.

use std::sync::Weak;
use std::time::Duration;

use rmcp::model::{PingRequest, ServerRequest};
use rmcp::service::PeerRequestOptions;
use rmcp::{Peer, RoleServer};

use crate::kernel::session::Session;

/// Pings a client every `interval` until it fails to answer. The pings also keep its session open.
pub(super) async fn run_heartbeat(
    session: Weak<Session>,
    peer: Peer<RoleServer>,
    interval: Duration,
) {
    loop {
        tokio::time::sleep(interval).await;
        if session.strong_count() == 0 || peer.is_transport_closed() {
            return;
        }
        let ping = ServerRequest::PingRequest(PingRequest::default());
        let options = PeerRequestOptions::with_timeout(interval);
        // After a missed answer the pings stop, because in rmcp a ping alone keeps a session open,
        // and the session's idle limit must end it.
        let Ok(pending) = peer.send_request_with_option(ping, options).await else { return };
        if pending.await_response().await.is_err() {
            return;
        }
    }
}
