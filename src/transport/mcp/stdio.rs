//! [`serve`] runs an [`McpServer`] over standard input and output, for clients that start the
//! process.

use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::server::McpServer;

/// Interval of the pings to the client.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(100);

/// Why a session over standard input and output failed. The causes are omitted, because they may
/// quote the client's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StdioError {
    #[error("the client did not begin with a valid MCP initialize request")]
    Initialize,
    #[error("the MCP session ended abnormally")]
    Aborted,
}

/// Serves until the input ends or `shutdown` is cancelled.
///
/// # Errors
/// Returns [`StdioError`] if the client does not speak MCP.
pub async fn serve(server: McpServer, shutdown: CancellationToken) -> Result<(), StdioError> {
    // The process has one client, which stays connected.
    let running = match server
        .for_session(HEARTBEAT_INTERVAL)
        .serve_with_ct(rmcp::transport::stdio(), shutdown)
        .await
    {
        Ok(running) => running,
        // The input ended before the first message, so no client is left to report an error to.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(_) => return Err(StdioError::Initialize),
    };
    running.waiting().await.map(|_| ()).map_err(|_| StdioError::Aborted)
}
