//! The commands that serve: [`serve`] over HTTP, [`serve_stdio`] over standard input and output. Each runs an
//! [`App`] until a signal to stop.
//!
//! Parts are built and connected in [`App`] and must not be here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::config::Config;
use crate::kernel::clock::{Clock, SystemClock, seeded_rng};
use crate::kernel::token::AuthTokens;
use crate::transport::http::limits::ConnectionLimits;
use crate::transport::mcp::stdio;

/// Error at startup, while the operator can still correct the setting.
const STORE_UNAVAILABLE: &str = "the moderation store can't be opened: check STATE_DB";

/// A server that has bound its address.
pub struct Listening {
    pub address: SocketAddr,
    /// Whether `/` serves the playground.
    pub playground: bool,
    /// The token that was generated for this run. `None` if `AUTH_TOKEN` is set.
    pub generated_token: Option<AuthTokens>,
}

/// Runs the `serve` command: HTTP until a signal to stop. `announce` is called once the address is bound.
///
/// # Errors
/// Returns an error if the address can't be bound, signals can't be received, the file of the moderation
/// store can't be opened, or [`App::new`] fails.
pub async fn serve(config: Config, announce: impl FnOnce(&Listening)) -> io::Result<()> {
    let shutdown = shutdown_on_signal()?;
    let limits = ConnectionLimits::with_sessions(config.max_sessions).within_fd_limit();
    let listener = TcpListener::bind(config.address).await?;
    let address = listener.local_addr()?;
    let configured = config.auth_tokens.clone();
    let tokens = configured.clone().unwrap_or_else(|| AuthTokens::generate(&mut seeded_rng()));
    let generated_token = configured.is_none().then(|| tokens.clone());
    announce(&Listening { address, playground: config.playground, generated_token });
    if tokens.is_weak() {
        tracing::warn!(
            "AUTH_TOKEN is too short to be safe: generate one with `random-connect token`"
        );
    }
    if config.my_number.is_none() {
        tracing::warn!("MY_NUMBER is not set: Puch AI can't validate this server");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))
        .map_err(io::Error::other)?;
    // Redis may start later; a file that can't be opened now stays so.
    if app.config.redis.is_none() {
        app.admin.audit_log().await.map_err(|_| io::Error::other(STORE_UNAVAILABLE))?;
    }
    app.serve_http(listener, tokens, limits, shutdown).await;
    tracing::info!("stopped");
    Ok(())
}

/// Runs the `stdio` command: MCP over standard input and output until either ends.
///
/// # Errors
/// Returns an error if the client does not speak the protocol, signals can't be received, or [`App::new`]
/// fails.
pub async fn serve_stdio(config: Config) -> Result<(), String> {
    let config = Config { playground: false, ..config };
    let shutdown = shutdown_on_signal().map_err(|error| error.to_string())?;
    let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))
        .map_err(|error| error.to_string())?;
    tokio::select! {
        result = stdio::serve(app.mcp.clone(), shutdown.clone()) => result,
        // A blocking read of standard input can't be cancelled, so this does not wait for it.
        () = shutdown.cancelled() => Ok(()),
    }
}

/// Returns a token that SIGTERM and Ctrl-C cancel.
fn shutdown_on_signal() -> io::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let signalled = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        signalled.cancel();
    });
    Ok(shutdown)
}
