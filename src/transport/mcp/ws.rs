//! [`connect`] serves a live session over a WebSocket, with one MCP message per text frame.
//!
//! Frames, pings and the close of the connection belong to [`socket`](crate::transport::socket).

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use super::endpoint::draining_response;
use super::rpc_error::RpcError;
use super::session_pipe::ClientHalf;
use super::state::McpState;
use crate::kernel::principal::Principal;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;
use crate::transport::socket::handshake::SocketUpgrade;
use crate::transport::socket::{SocketClose, SocketMessage, SocketSession};

/// The subprotocol that the server selects if the client offers it.
const SUBPROTOCOL: &str = "mcp";

/// Answers a request to `/mcp/ws`.
pub async fn connect(
    State(state): State<Arc<McpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    Extension(principal): Extension<Arc<Principal>>,
    mut request: Request,
) -> Response {
    if let Some(rejection) = draining_response(&state, request.headers()) {
        return rejection;
    }
    let (upgrade, response) = match SocketUpgrade::accept(&mut request, &[SUBPROTOCOL]) {
        Ok(accepted) => accepted,
        Err(rejection) => return rejection.into_response(),
    };
    let network = state.client_network(&connection, request.headers());
    let sockets = state.sockets.clone();
    sockets.spawn(async move {
        let Some(socket) = upgrade.open(MAX_BODY_BYTES).await else { return };
        socket.serve(state.session_pipes.open(network, principal)).await;
    });
    response
}

/// A message of the socket is one of MCP.
impl SocketSession for ClientHalf {
    async fn receive(&mut self, text: &str) -> Result<Vec<String>, SocketClose> {
        // The socket writes the errors, because only it empties the pipe.
        let errors = self.inbound.receive(text.as_bytes()).await;
        let errors = errors.map_err(|_| self.close())?;
        Ok(errors.iter().map(RpcError::to_text).collect())
    }

    async fn next(&mut self) -> Result<SocketMessage, SocketClose> {
        let Some(message) = self.outbound.recv().await else { return Err(self.close()) };
        let receipts = self.inbound.pending().take_receipts(&message);
        let text = serde_json::to_string(&message).map_err(|_| SocketClose::ERROR)?;
        Ok(SocketMessage { text, receipts })
    }

    fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl ClientHalf {
    /// The close after the end of the session.
    fn close(&self) -> SocketClose {
        // The instance stops or drains, or the session did not begin.
        if self.ending.is_cancelled() { SocketClose::AWAY } else { SocketClose::NORMAL }
    }
}
