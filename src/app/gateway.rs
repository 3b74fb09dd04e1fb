//! The edges of the gateway, if the toolset is enabled.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::App;
use crate::gateway::config::GatewayEdges;
use crate::gateway::service::GatewayService;
use crate::kernel::access::AccessPolicy;
use crate::transport::gateway::caller::GatewayGate;
use crate::transport::gateway::resume::ResumableAnswers;
use crate::transport::gateway::session::SessionParts;
use crate::transport::gateway::state::GatewayState;
use crate::transport::http::auth::Gate;
use crate::transport::http::limits::ConnectionLimits;
use crate::transport::ops::drain::Drain;

impl App {
    /// Returns the data of the gateway's routes. `None` if the toolset is not enabled.
    pub(super) fn gateway(
        &self,
        gate: &Arc<Gate>,
        drain: &Drain,
        sockets: &TaskTracker,
        limits: &ConnectionLimits,
    ) -> Option<Arc<GatewayState>> {
        let service = Arc::clone(self.services.get::<Arc<GatewayService>>()?);
        let edges = self.services.get::<GatewayEdges>()?;
        let gate = GatewayGate {
            gate: Arc::clone(gate),
            policy: AccessPolicy { read_only: self.config.read_only },
            ids: self.ids.clone(),
        };
        let session = SessionParts {
            service,
            gate,
            answers: ResumableAnswers::default(),
            drain: drain.clone(),
            drain_time: limits.shutdown_grace.saturating_sub(DRAIN_MARGIN),
        };
        Some(Arc::new(GatewayState {
            session: Arc::new(session),
            sockets: sockets.clone(),
            takes_query_token: edges.query_token,
            body_timeout: limits.body_timeout,
        }))
    }
}

/// Time between the end of the answers and that of the server.
const DRAIN_MARGIN: Duration = Duration::from_secs(1);
