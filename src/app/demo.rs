//! [`beside_server`]: runs a demonstration with a temporary server.

use std::ffi::OsString;
use std::net::SocketAddr;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::serve::{Listening, serve};
use super::toolsets::TOOLSETS;
use crate::config::Config;
use crate::kernel::token::AuthTokens;

/// Ctrl-C during a demonstration.
pub struct DemoInterrupt(Signal);

impl DemoInterrupt {
    /// Receives Ctrl-C from now on. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// Returns the reason if no signal can be received.
    pub fn listen() -> Result<Self, String> {
        let interrupt = signal(SignalKind::interrupt());
        interrupt.map(Self).map_err(|error| format!("can't receive signals: {error}"))
    }
}

/// Plays a demonstration beside a server with these settings, and none from the environment. `play` gets the address of
/// the server and its generated token. Ctrl-C ends both.
///
/// # Errors
/// Returns the error of `play`, or why the server can't start.
pub async fn beside_server(
    DemoInterrupt(mut interrupt): DemoInterrupt,
    settings: impl Fn(&str) -> Option<OsString>,
    play: impl AsyncFnOnce(SocketAddr, String) -> Result<(), String>,
) -> Result<(), String> {
    let problems = |problems| format!("{problems:?}");
    let config = Config::from_lookup(TOOLSETS, settings).map_err(problems)?;
    let (sender, started) = oneshot::channel();
    let announce = |listening: &Listening| {
        let token = listening.generated_token.as_ref().map(AuthTokens::current).unwrap_or_default();
        // The receiver is gone only if the demonstration has ended.
        let _ = sender.send((listening.address, token.to_owned()));
    };
    let played = async {
        let (address, token) = started.await.map_err(|_| "the server did not start")?;
        play(address, token).await
    };
    let result = tokio::select! {
        biased;
        // The server would first complete its answers.
        _ = interrupt.recv() => return Ok(()),
        served = Box::pin(serve(config, announce)) => served.map_err(|error| error.to_string()),
        played = Box::pin(played) => played,
    };
    // The server may see the signal first, and end before the client connects.
    if interrupt.recv().now_or_never().is_some() { Ok(()) } else { result }
}
