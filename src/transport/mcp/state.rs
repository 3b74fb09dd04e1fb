//! [`McpState`]: the data that the handlers of MCP requests share.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use tokio_util::task::TaskTracker;

use super::server::McpServer;
use super::session_pipe::SessionPipes;
use super::session_streams::SessionStreams;
use super::sessions::HttpSessions;
use super::stateless::StatelessCalls;
use crate::kernel::client_network::{ClientNetwork, TrustedProxy};
use crate::transport::http::client_ip::client_network;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::ops::drain::Drain;
use crate::transport::ops::metrics::Metrics;

/// State of `/mcp` and of all transports of live sessions.
pub struct McpState {
    /// rmcp's service for requests to `/mcp`.
    pub service: StreamableHttpService<McpServer, SessionStreams>,
    /// Executes `tools/call` requests to `/mcp` without rmcp's service.
    pub stateless: StatelessCalls,
    /// rmcp's service for live sessions at `/mcp/session`.
    pub sessions: StreamableHttpService<McpServer, SessionStreams>,
    /// The same sessions, to find and close their streams.
    pub http_sessions: HttpSessions,
    /// Live sessions over a WebSocket or the SSE transport of protocol 2024-11-05.
    pub session_pipes: SessionPipes,
    /// The tasks of all WebSockets, which send a close frame when the instance stops.
    pub sockets: TaskTracker,
    pub drain: Drain,
    /// Whether calls are admitted by their network.
    pub needs_network: bool,
    /// The proxy whose header has the caller's address.
    pub trusted_proxy: TrustedProxy,
    /// The address of the metadata by RFC 9728. `None` if there are none.
    pub resource_metadata: Option<Arc<str>>,
    pub metrics: Arc<Metrics>,
    /// Time to send a whole body.
    pub body_timeout: Duration,
}

impl McpState {
    /// The caller's network. `None` when nothing needs it.
    pub(super) fn client_network(
        &self,
        connection: &ConnectionInfo,
        headers: &HeaderMap,
    ) -> Option<ClientNetwork> {
        self.needs_network.then(|| client_network(connection.peer, headers, self.trusted_proxy))
    }
}
