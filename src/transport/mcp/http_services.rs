//! rmcp's services for streamable HTTP: `/mcp` without sessions, and `/mcp/session` with live ones.

use std::sync::Arc;
use std::time::Duration;

use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::server::McpServer;
use super::session_streams::SessionStreams;
use super::sessions::HttpSessions;
use crate::kernel::principal::Principal;
use crate::transport::http::limits::MAX_BODY_BYTES;

tokio::task_local! {
    /// The principal of the request that rmcp handles. rmcp creates the server of a request without passing
    /// the request on.
    pub(super) static REQUEST_PRINCIPAL: Arc<Principal>;
}

/// The principal of the request that rmcp handles now.
fn request_principal() -> Option<Arc<Principal>> {
    REQUEST_PRINCIPAL.try_with(Arc::clone).ok()
}

impl McpServer {
    /// A stateless HTTP service with JSON answers. It answers no request after `shutdown`.
    ///
    /// The service checks neither tokens nor hosts nor sizes: its caller must. Its session manager stays
    /// empty; it has the same type as in [`Self::session_service`], because rmcp is compiled again for
    /// each type.
    #[must_use]
    pub fn stateless_service(
        self,
        shutdown: CancellationToken,
    ) -> StreamableHttpService<Self, SessionStreams> {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts()
            .with_cancellation_token(shutdown);
        StreamableHttpService::new(
            move || Ok(self.clone().with_principal(request_principal())),
            Arc::new(SessionStreams::default()),
            config,
        )
    }

    /// An HTTP service with live sessions, which end after `idle` without a message from the
    /// client.
    ///
    /// Clients of protocol 2026-07-28 have no sessions, and are served statelessly.
    #[must_use]
    pub fn session_service(
        self,
        idle: Duration,
        sessions: &HttpSessions,
        shutdown: CancellationToken,
    ) -> StreamableHttpService<Self, SessionStreams> {
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            // The sessions prime their streams.
            .with_sse_retry(None)
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_cancellation_token(shutdown);
        StreamableHttpService::new(
            // An open stream does not count as activity, but the answer to a ping does.
            move || Ok(self.for_session(idle / 3).with_principal(request_principal())),
            Arc::clone(&sessions.manager),
            config,
        )
    }
}
