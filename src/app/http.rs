//! Serves an [`App`] over HTTP: its gates, its routes, and the order of their end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::connect::new_user_limit::NewUserLimiter;
use crate::kernel::admission::Admission;
use crate::kernel::clock::{Stopwatch, seeded_rng};
use crate::kernel::health::StoreHealth;
use crate::kernel::principal::Principal;
use crate::kernel::token::AuthTokens;
use crate::kernel::toolset::Toolset;
use crate::transport::dispatcher::Dispatcher;
use crate::transport::http::auth::Gate;
use crate::transport::http::limits::ConnectionLimits;
use crate::transport::http::origin::OriginPolicy;
use crate::transport::http::protected_resource::ProtectedResource;
use crate::transport::http::server;
use crate::transport::mcp::endpoint;
use crate::transport::mcp::server::McpServer;
use crate::transport::mcp::session_pipe::SessionPipes;
use crate::transport::mcp::sessions::HttpSessions;
use crate::transport::mcp::state::McpState;
use crate::transport::mcp::stateless::StatelessCalls;
use crate::transport::ops::admin;
use crate::transport::ops::admin::{AccountTools, AdminApi, AdminTools};
use crate::transport::ops::drain::{Drain, DrainTarget};
use crate::transport::ops::metrics::GateName;
use crate::transport::pages::Pages;
use crate::transport::routes;
use crate::transport::routes::Gates;
use crate::transport::state::HttpState;

use super::{App, principals, stores};

impl App {
    /// Serves HTTP on `listener` to callers with one of `tokens`, until `shutdown`.
    pub async fn serve_http(
        &self,
        listener: TcpListener,
        tokens: AuthTokens,
        limits: ConnectionLimits,
        shutdown: CancellationToken,
    ) {
        // rmcp is cancelled after the listener, so that calls in flight at shutdown finish.
        let mcp_shutdown = CancellationToken::new();
        let _stop_mcp = mcp_shutdown.clone().drop_guard();
        let drain = Drain::new(shutdown.clone());
        let _watch = self.api_keys.as_ref().map(principals::watch_keys);
        let sessions = HttpSessions::new(limits.session_idle, limits.shutdown_grace);
        let admin = self.admin_routes(&sessions, &drain, &limits, &mcp_shutdown);
        let (admission, sockets) = (self.admission(), TaskTracker::new());
        let mcp = self.mcp.clone().with_drain(drain.clone()).with_admission(admission.clone());
        let resource = self.protected_resource();
        let mcp = McpState {
            stateless: StatelessCalls::new(mcp.clone()),
            service: mcp.clone().stateless_service(mcp_shutdown.clone()),
            sessions: mcp.clone().session_service(limits.session_idle, &sessions, mcp_shutdown),
            http_sessions: sessions.clone(),
            session_pipes: SessionPipes::new(
                mcp,
                limits.session_idle / 3,
                drain.clone(),
                limits.shutdown_grace,
                seeded_rng(),
            ),
            sockets: sockets.clone(),
            drain: drain.clone(),
            needs_network: admission.is_some() || self.config.auth_tokens.is_none(),
            trusted_proxy: self.config.trusted_proxy,
            resource_metadata: resource.as_ref().map(ProtectedResource::metadata_url),
            metrics: Arc::clone(&self.metrics),
            body_timeout: limits.body_timeout,
        };
        let pages = Pages {
            playground: self.config.playground,
            dashboard: Arc::clone(&self.dashboard),
            shutdown: shutdown.clone(),
        };
        let Config { admin_tokens, monitor_tokens, .. } = &self.config;
        let monitors = tokens.clone().and(admin_tokens.as_ref()).and(monitor_tokens.as_ref());
        let monitors = vec![(monitors, Principal::operator())];
        let monitoring = Arc::new(self.gate(monitors, GateName::Monitoring));
        let (mcp, gate) = (Arc::new(mcp), Arc::new(self.callers_gate(tokens)));
        let gates = Gates { callers: Arc::clone(&gate), monitoring };
        let gateway = self.gateway(&gates, &drain, &sockets, &limits);
        let state = HttpState {
            connect: Arc::clone(&self.connect),
            stores: Arc::new(self.store_health()),
            couriers: Arc::clone(&self.couriers),
            session_limit: self.session_limit.clone(),
            drain,
            metrics: Arc::clone(&self.metrics),
            refusals: Arc::clone(self.lobby.refusals()),
            body_timeout: limits.body_timeout,
            whatsapp: self.whatsapp.clone(),
            mcp: Arc::clone(&mcp),
            pages: Arc::new(pages),
        };
        let own_port = self.serve_gateway(gateway.clone(), limits, shutdown.clone());
        let routes = routes::routes(Arc::new(state), gates, resource.as_ref(), admin, gateway);
        let Config { allowed_origins, allowed_hosts, .. } = &self.config;
        let origins = OriginPolicy::new(allowed_origins, allowed_hosts.clone());
        let handler = Arc::new(Dispatcher { mcp, gate, origins, routes });
        let stopped = async {
            shutdown.cancelled().await;
            self.stopping.cancel();
            let stopped = Stopwatch::start();
            // Live sessions end at shutdown, because a stream never ends by itself.
            sessions.close_all().await;
            stopped
        };
        let serving = server::serve(listener, handler, limits, shutdown.clone());
        let (stopped, (), ()) = tokio::join!(stopped, serving, own_port);
        sockets.close();
        let remaining = (limits.shutdown_grace + SOCKET_GRACE).saturating_sub(stopped.elapsed());
        if timeout(remaining, sockets.wait()).await.is_err() {
            tracing::warn!("shutdown timed out with WebSockets still open");
        }
        // Meta does not send an accepted message again, so pending messages are handled before the end.
        let remaining = (limits.shutdown_grace + CHANNEL_GRACE).saturating_sub(stopped.elapsed());
        if let Some(whatsapp) = &self.whatsapp
            && timeout(remaining, whatsapp.wait_idle()).await.is_err()
        {
            tracing::warn!("shutdown timed out with WhatsApp messages still pending");
        }
    }

    /// Returns the operator's routes. `None` without `ADMIN_TOKEN`.
    fn admin_routes(
        &self,
        sessions: &HttpSessions,
        drain: &Drain,
        limits: &ConnectionLimits,
        mcp_shutdown: &CancellationToken,
    ) -> Option<Router> {
        self.config.admin_tokens.clone().map(|tokens| {
            let api = Arc::new(AdminApi {
                admin: self.admin.clone(),
                lobby: Arc::clone(&self.lobby),
                directory: Arc::clone(&self.directory),
                clock: Arc::clone(&self.clock),
                ids: self.ids.clone(),
                drain: drain.clone(),
                keys: self.api_keys.clone(),
                sessions: Arc::new(sessions.clone()),
                broadcast_lock: Arc::default(),
            });
            let accounts = self.account_admin();
            let mut tools: Vec<Arc<dyn Toolset>> =
                vec![Arc::new(AdminTools::new(Arc::clone(&api)))];
            if let Some(accounts) = &accounts {
                tools.push(Arc::new(AccountTools::new(Arc::clone(accounts))));
            }
            let mcp = McpServer::new(tools, Arc::clone(&self.metrics), self.session_limit.clone());
            let mcp = mcp.stateless_service(mcp_shutdown.clone());
            let gate = self.gate(vec![(tokens, Principal::operator())], GateName::Admin);
            let tools = endpoint::stateless_route(mcp, limits.body_timeout);
            admin::routes(api, tools, Arc::new(gate), limits.body_timeout, accounts.as_ref())
        })
    }

    /// Returns the gate of callers, who have one of the `auth_tokens` or another credential.
    fn callers_gate(&self, auth_tokens: AuthTokens) -> Gate {
        let callers = principals::of_tokens(&self.config.credentials, auth_tokens, &self.ids);
        let resource_metadata = self.protected_resource().map(|own| own.metadata_url());
        let verifier = self.verifier.clone();
        Gate { verifier, resource_metadata, ..self.gate(callers, GateName::Callers) }
    }

    /// Returns this server as a resource of OAuth. `None` without a provider.
    fn protected_resource(&self) -> Option<ProtectedResource> {
        let openid = self.config.credentials.signed_tokens.openid.as_ref()?;
        let (public_url, issuer) = (openid.public_url.clone(), openid.issuer.clone());
        Some(ProtectedResource { public_url, issuer, scopes: self.mcp.scopes() })
    }

    /// Returns a gate that admits requests with one of `tokens` to an allowed host.
    fn gate(&self, tokens: Vec<(AuthTokens, Principal)>, name: GateName) -> Gate {
        Gate {
            tokens: tokens.into_iter().map(|(tokens, who)| (tokens, Arc::new(who))).collect(),
            verifier: None,
            allowed_hosts: self.config.allowed_hosts.clone(),
            resource_metadata: None,
            refused_logins: self.metrics.refused_logins(name),
        }
    }

    /// Returns the limiter of new users. `None` if they are not limited.
    fn admission(&self) -> Option<Arc<dyn Admission>> {
        self.config.rate_limits.filter(|limits| limits.new_users > 0)?;
        let directory = Arc::clone(&self.directory);
        let (moderation, clock) = (Arc::clone(&self.admin.0), Arc::clone(&self.clock));
        let (ids, refusals) = (self.ids.clone(), Arc::clone(self.lobby.refusals()));
        Some(Arc::new(NewUserLimiter::new(directory, moderation, clock, ids, refusals)))
    }

    fn store_health(&self) -> StoreHealth {
        let mut checks = stores::checks(&self.directory, &self.admin.0);
        checks.extend(self.api_keys.as_ref().map(stores::credentials_check));
        checks.extend(self.toolset_checks.iter().cloned());
        StoreHealth::new(checks, Arc::clone(&self.clock)).with_eviction_watch(self.eviction.clone())
    }
}

/// Time at shutdown for the closing handshakes of WebSockets, beyond that for calls in flight.
const SOCKET_GRACE: Duration = Duration::from_millis(1_500);

/// Time at shutdown for accepted WhatsApp messages, beyond that for calls in flight. Docker kills a container
/// ten seconds after it asked it to stop.
const CHANNEL_GRACE: Duration = Duration::from_secs(1);
