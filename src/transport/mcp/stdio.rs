//! The same tools over standard input and output, for clients that start the server themselves.

use std::time::Duration;

use rmcp::ServiceExt;
use tokio_util::sync::CancellationToken;

use super::server::McpServer;

/// How often the client is asked whether it is still there.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(100);

/// Serves until the input ends or `shutdown` is cancelled.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn serve(server: McpServer, shutdown: CancellationToken) -> Result<(), String> {
    // The one client there is stays connected.
    let running = match server
        .for_session(HEARTBEAT_INTERVAL)
        .serve_with_ct(rmcp::transport::stdio(), shutdown)
        .await
    {
        Ok(running) => running,
        // The input ended before a client said anything: nobody is there to complain to.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        // What the client sent may be in the error, so it is not passed on.
        Err(_) => {
            return Err("the client did not begin with a valid MCP initialize request".to_owned());
        }
    };
    running.waiting().await.map(|_| ()).map_err(|_| "the MCP session ended abnormally".to_owned())
}
