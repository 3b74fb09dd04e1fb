//! The commands that serve: [`serve`] over HTTP, [`serve_stdio`] over standard input and output. Each runs an
//! [`App`] until a signal to stop.
//!
//! Parts are built and connected in [`App`] and must not be here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::stores::StoreSetupError;
use super::{App, AppError, principals, stores};
use crate::config::Config;
use crate::credentials::signed_tokens::SignedTokenSettings;
use crate::kernel::clock::{Clock, SystemClock, seeded_rng};
use crate::kernel::sql::Database;
use crate::kernel::token::AuthTokens;
use crate::transport::channels::outbound::{MAX_OUTBOUND_SOCKETS, SendPolicy};
use crate::transport::http::limits::ConnectionLimits;
use crate::transport::http::server;
use crate::transport::mcp::stdio;
use crate::transport::mcp::stdio::StdioError;

/// Why a command that serves can't start, or ended.
#[derive(Debug, Error)]
pub enum ServeError {
    #[error("can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("can't receive signals: {0}")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    StoreSetup(#[from] StoreSetupError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Stdio(#[from] StdioError),
}

impl ServeError {
    /// Returns `true` if the operator has to correct a setting.
    #[must_use]
    pub const fn is_bad_setting(&self) -> bool {
        match self {
            Self::StoreSetup(error) => error.is_bad_setting(),
            _ => false,
        }
    }
}

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
/// Returns [`ServeError`] if the server can't start.
pub async fn serve(
    mut config: Config,
    announce: impl FnOnce(&Listening),
) -> Result<(), ServeError> {
    let shutdown = shutdown_on_signal().map_err(ServeError::Signals)?;
    let database = stores::open(&mut config).await?;
    let has_channel = config.whatsapp.is_some() || config.bridge.is_some();
    let limits = ConnectionLimits::with_sessions(config.max_sessions)
        .within_fd_limit(if has_channel { MAX_OUTBOUND_SOCKETS } else { 0 });
    let cannot_listen = |source| ServeError::Listen { address: config.address, source };
    let listener = server::listen(config.address).map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let configured = config.auth_tokens.clone();
    let tokens = configured.clone().unwrap_or_else(|| AuthTokens::generate(&mut seeded_rng()));
    let generated_token = configured.is_none().then(|| tokens.clone());
    announce(&Listening { address, playground: config.playground, generated_token });
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let app = build(config, database)?;
    let own_port = app.listen_gateway();
    let own_port = own_port.map_err(|(address, source)| ServeError::Listen { address, source })?;
    if let Some(address) = own_port {
        tracing::info!(%address, "the gateway is listening");
    }
    app.serve_http(listener, tokens, limits, shutdown).await;
    app.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Runs the `stdio` command: MCP over standard input and output until either ends, or a signal to stop.
///
/// # Errors
/// Returns [`ServeError`] if the server can't start, or the client does not speak the protocol.
pub async fn serve_stdio(mut config: Config) -> Result<(), ServeError> {
    config.playground = false;
    // A client over standard streams has the credentials of the process.
    config.credentials.signed_tokens = SignedTokenSettings::default();
    if config.redis.is_none() {
        tracing::warn!(
            "REDIS_URL is not set: users of this process meet no users of other processes, so two stdio processes never meet"
        );
    }
    let shutdown = shutdown_on_signal().map_err(ServeError::Signals)?;
    let database = stores::open(&mut config).await?;
    let client = principals::of_environment(&config.credentials);
    let app = build(config, database)?;
    let grace = ConnectionLimits::default().shutdown_grace;
    let is_stopped = async {
        shutdown.cancelled().await;
        app.stopping.cancel();
        sleep(grace).await;
    };
    let served = tokio::select! {
        result = stdio::serve(app.mcp.clone(), client, &shutdown, app.stopping.clone(), grace) => result,
        () = is_stopped => Ok(()),
    };
    app.close().await;
    Ok(served?)
}

/// Builds the server with the clock of the machine.
fn build(config: Config, database: Option<Database>) -> Result<App, AppError> {
    let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    App::with_database(config, &clock, SendPolicy::default(), database)
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
