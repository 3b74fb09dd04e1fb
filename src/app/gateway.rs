//! The edges of the gateway, if the toolset is enabled.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::App;
use crate::config::Config;
use crate::gateway::accounts::GatewayAccounts;
use crate::gateway::config::GatewayEdges;
use crate::gateway::service::GatewayService;
use crate::kernel::access::AccessPolicy;
use crate::transport::gateway::caller::GatewayGate;
use crate::transport::gateway::listener::GatewayHandler;
use crate::transport::gateway::resume::ResumableAnswers;
use crate::transport::gateway::session::SessionParts;
use crate::transport::gateway::state::GatewayState;
use crate::transport::http::auth::Gate;
use crate::transport::http::limits::ConnectionLimits;
use crate::transport::http::origin::OriginPolicy;
use crate::transport::http::server;
use crate::transport::ops::admin::AccountAdmin;
use crate::transport::ops::drain::Drain;
use crate::transport::routes::Gates;

impl App {
    /// Returns the data of the gateway's routes. `None` if the toolset is not enabled.
    pub(super) fn gateway(
        &self,
        gates: &Gates,
        drain: &Drain,
        sockets: &TaskTracker,
        limits: &ConnectionLimits,
    ) -> Option<Arc<GatewayState>> {
        let service = Arc::clone(self.services.get::<Arc<GatewayService>>()?);
        let edges = self.services.get::<GatewayEdges>()?;
        let Gates { callers, monitoring } = gates;
        let tokens = [callers.tokens.as_slice(), monitoring.tokens.as_slice()].concat();
        let stats_gate = Arc::new(Gate { tokens, ..Gate::clone(callers) });
        let gate = GatewayGate {
            gate: Arc::clone(callers),
            policy: AccessPolicy { read_only: self.config.read_only },
            ids: self.ids.clone(),
        };
        let drain_time = limits.shutdown_grace.saturating_sub(DRAIN_MARGIN);
        let (stopping, cut) = (self.stopping.clone(), Arc::clone(&service));
        tokio::spawn(async move {
            stopping.cancelled().await;
            sleep(drain_time).await;
            cut.cut_answers();
        });
        let session = SessionParts {
            service,
            gate,
            answers: ResumableAnswers::default(),
            drain: drain.clone(),
            drain_time,
        };
        Some(Arc::new(GatewayState {
            session: Arc::new(session),
            sockets: sockets.clone(),
            takes_query_token: edges.query_token,
            stats_gate,
            body_timeout: limits.body_timeout,
        }))
    }

    /// Listens on the gateway's own port, if the configuration has one, on the interface of the server. Returns the
    /// address.
    ///
    /// # Errors
    /// Returns the address and the error if it can't be bound.
    pub(super) fn listen_gateway(&self) -> Result<Option<SocketAddr>, (SocketAddr, io::Error)> {
        let port = self.services.get::<GatewayEdges>().and_then(|edges| edges.port);
        let Some(port) = port else { return Ok(None) };
        let address = SocketAddr::new(self.config.address.ip(), port);
        let failed = |error| (address, error);
        let listener = server::listen(address).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        *self.gateway_listener.lock() = Some(listener);
        Ok(Some(bound))
    }

    /// Serves the gateway's own port, if it is bound, until `shutdown`.
    pub(super) async fn serve_gateway(
        &self,
        state: Option<Arc<GatewayState>>,
        limits: ConnectionLimits,
        shutdown: CancellationToken,
    ) {
        let listener = self.gateway_listener.lock().take();
        if let Some((listener, state)) = listener.zip(state) {
            let Config { allowed_origins, allowed_hosts, .. } = &self.config;
            let origins = OriginPolicy::new(allowed_origins, allowed_hosts.clone());
            let handler = Arc::new(GatewayHandler::new(state, origins));
            server::serve(listener, handler, limits, shutdown).await;
        }
    }

    /// Returns the operator's actions on credits. `None` if the toolset is not enabled.
    pub(super) fn account_admin(&self) -> Option<Arc<AccountAdmin>> {
        let accounts = Arc::clone(self.services.get::<Arc<GatewayAccounts>>()?);
        Some(Arc::new(AccountAdmin { admin: self.admin.clone(), accounts }))
    }
}

/// Time between the end of the answers and that of the server, in which their charges are stored and sent.
const DRAIN_MARGIN: Duration = Duration::from_secs(1);
