//! [`beside_server`]: runs a demonstration with a temporary server.

use std::ffi::OsString;
use std::net::SocketAddr;

use tokio::sync::oneshot;

use super::serve::{Listening, serve};
use super::toolsets::TOOLSETS;
use crate::config::Config;
use crate::kernel::token::AuthTokens;

/// Plays a demonstration beside a server with these settings, and none from the environment. `play` gets the address of
/// the server and its generated token. A signal to stop ends both.
///
/// # Errors
/// Returns the error of `play`, or why the server can't start.
pub async fn beside_server(
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
    tokio::select! {
        biased;
        // The server would first complete its answers.
        _ = tokio::signal::ctrl_c() => Ok(()),
        served = Box::pin(serve(config, announce)) => served.map_err(|error| error.to_string()),
        played = Box::pin(played) => played,
    }
}
