//! [`GatewayState`]: the data that the gateway's routes work with.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::session::SessionParts;
use crate::transport::http::auth::Gate;

/// The data of the gateway's routes.
pub struct GatewayState {
    pub session: Arc<SessionParts>,
    /// The open sockets, which shutdown waits for.
    pub sockets: TaskTracker,
    /// `GATEWAY_QUERY_TOKEN`: whether a socket's token may be in its URL.
    pub takes_query_token: bool,
    /// Admits users of the gateway and operators.
    pub stats_gate: Arc<Gate>,
    /// Time to send a whole body.
    pub body_timeout: Duration,
}
