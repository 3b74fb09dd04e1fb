//! What every route works with, and the limits a caller is held to.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;

use super::channels::whatsapp::WhatsApp;
use super::http::client_ip::origin;
use super::http::server::Connection;
use super::mcp::server::McpServer;
use super::mcp::session_pipe::Pipes;
use super::mcp::stateless::Direct;
use super::ops::drain::Drain;
use super::ops::metrics::Metrics;
use super::pages::Pages;
use crate::connect::delivery::courier::Couriers;
use crate::connect::moderated::GuardedLobby;
use crate::connect::new_user_limit::Newcomers;
use crate::connect::service::ConnectService;
use crate::kernel::client_network::{Origin, Proxy};
use crate::kernel::clock::Clock;
use crate::kernel::session::Places;

/// Files beside connections: the listener, standard streams, the runtime's own.
const SPARE_DESCRIPTORS: u64 = 32;

/// How much of a connection one caller may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once; further ones wait to be accepted.
    pub connections: usize,
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

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            session_idle: Duration::from_secs(300),
            shutdown_grace: Duration::from_secs(8),
        }
    }
}

impl Limits {
    /// The usual limits, with room for so many clients who stay connected.
    #[must_use]
    pub fn with_sessions(sessions: usize) -> Self {
        let usual = Self::default();
        Self { connections: usual.connections + sessions, ..usual }
    }

    /// Raises the number of files the process may open to what the connections need, and settles for
    /// fewer connections where the system grants less.
    #[must_use]
    pub fn within_descriptors(self) -> Self {
        let wanted = self.connections as u64 + SPARE_DESCRIPTORS;
        let granted = rlimit::increase_nofile_limit(wanted).unwrap_or(wanted);
        let connections =
            usize::try_from(granted.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(self.connections);
        Self { connections: connections.clamp(1, self.connections), ..self }
    }
}

impl Core {
    /// Where a request comes from, if that matters.
    pub(super) fn origin(&self, connection: &Connection, headers: &HeaderMap) -> Option<Origin> {
        self.newcomers.as_ref().map(|_| origin(connection.peer, headers, self.proxy))
    }
}

/// What the routes work with.
pub struct Core {
    pub connect: Arc<ConnectService>,
    /// What `/ready` looks at.
    pub lobby: Arc<GuardedLobby>,
    pub clock: Arc<dyn Clock>,
    pub mcp: StreamableHttpService<McpServer, NeverSessionManager>,
    /// The short way past it.
    pub direct: Direct,
    /// The same for clients who stay connected.
    pub sessions: StreamableHttpService<McpServer, LocalSessionManager>,
    /// And for those of them who come over a WebSocket or in the way of protocol 2024-11-05.
    pub pipes: Pipes,
    pub couriers: Arc<Couriers>,
    pub places: Places,
    pub drain: Drain,
    /// Counts new people, where they are limited.
    pub newcomers: Option<Arc<Newcomers>>,
    /// Who says where requests come from.
    pub proxy: Proxy,
    pub metrics: Arc<Metrics>,
    pub limits: Limits,
    /// Where people on WhatsApp come in, if that is configured.
    pub whatsapp: Option<Arc<WhatsApp>>,
    pub pages: Pages,
}
