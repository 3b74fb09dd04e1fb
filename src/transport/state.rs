//! What every route works with, and the limits a caller is held to.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;

use super::channels::whatsapp::WhatsApp;
use super::http::client_ip::client_network;
use super::http::server::ConnectionInfo;
use super::mcp::server::McpServer;
use super::mcp::session_pipe::SessionPipes;
use super::mcp::stateless::StatelessCalls;
use super::ops::drain::Drain;
use super::ops::metrics::Metrics;
use super::pages::Pages;
use crate::connect::delivery::courier::Couriers;
use crate::connect::moderated::ModeratedLobby;
use crate::connect::new_user_limit::NewUserLimiter;
use crate::connect::service::ConnectService;
use crate::kernel::client_network::{ClientNetwork, TrustedProxy};
use crate::kernel::clock::Clock;
use crate::kernel::session::SessionLimit;

/// Files beside connections: the listener, standard streams, the runtime's own.
const SPARE_FDS: u64 = 32;

/// How much of a connection one caller may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections open at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// To send a request's head, also from one request to the next on a kept-alive connection.
    pub head_timeout: Duration,
    /// To send a whole body.
    pub body_timeout: Duration,
    /// To take in any part of an answer.
    pub write_timeout: Duration,
    /// Without a word from a client in a live session.
    pub session_idle: Duration,
    /// For calls in flight to finish once the server is told to stop.
    pub shutdown_grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            session_idle: Duration::from_secs(300),
            shutdown_grace: Duration::from_secs(8),
        }
    }
}

impl ConnectionLimits {
    /// The usual limits, with room for so many clients who stay connected.
    #[must_use]
    pub fn with_sessions(sessions: usize) -> Self {
        let usual = Self::default();
        Self { max_connections: usual.max_connections + sessions, ..usual }
    }

    /// Raises the number of files the process may open to what the connections need, and settles for
    /// fewer connections where the system grants less.
    #[must_use]
    pub fn within_fd_limit(self) -> Self {
        let wanted = self.max_connections as u64 + SPARE_FDS;
        let granted = rlimit::increase_nofile_limit(wanted).unwrap_or(wanted);
        let connections =
            usize::try_from(granted.saturating_sub(SPARE_FDS)).unwrap_or(self.max_connections);
        Self { max_connections: connections.clamp(1, self.max_connections), ..self }
    }
}

impl HttpState {
    /// Where a request comes from, if that matters.
    pub(super) fn client_network(
        &self,
        connection: &ConnectionInfo,
        headers: &HeaderMap,
    ) -> Option<ClientNetwork> {
        self.new_user_limiter
            .as_ref()
            .map(|_| client_network(connection.peer, headers, self.trusted_proxy))
    }
}

/// What the routes work with.
pub struct HttpState {
    pub connect: Arc<ConnectService>,
    /// What `/ready` looks at.
    pub lobby: Arc<ModeratedLobby>,
    pub clock: Arc<dyn Clock>,
    pub mcp: StreamableHttpService<McpServer, NeverSessionManager>,
    /// The short way past it.
    pub stateless: StatelessCalls,
    /// The same for clients who stay connected.
    pub sessions: StreamableHttpService<McpServer, LocalSessionManager>,
    /// And for those of them who come over a WebSocket or in the way of protocol 2024-11-05.
    pub session_pipes: SessionPipes,
    pub couriers: Arc<Couriers>,
    pub session_limit: SessionLimit,
    pub drain: Drain,
    /// Counts new people, where they are limited.
    pub new_user_limiter: Option<Arc<NewUserLimiter>>,
    /// Who says where requests come from.
    pub trusted_proxy: TrustedProxy,
    pub metrics: Arc<Metrics>,
    pub limits: ConnectionLimits,
    /// Where people on WhatsApp come in, if that is configured.
    pub whatsapp: Option<Arc<WhatsApp>>,
    pub pages: Pages,
}
