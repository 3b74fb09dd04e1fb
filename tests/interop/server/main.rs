//! The server of `make interop`: all toolsets of the product and the [`fixtures`], on a loopback port: that of
//! `PORT`, or a free one.
//!
//! It reads the settings of the product from the environment, prints its address as one line, and serves until its
//! input ends, so that it never outlives the process that started it.

#[path = "../../fixtures/mod.rs"]
mod fixtures;

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use fixtures::ready::ready;
use random_connect::app::App;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, SystemClock};
use random_connect::transport::http::limits::ConnectionLimits;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::from_lookup(TOOLSETS, |name| std::env::var_os(name))
        .map_err(|problems| format!("{problems:?}"))?;
    let tokens = config.auth_tokens.clone().ok_or("AUTH_TOKEN is not set")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    config.toolsets.enabled.push(ready(Arc::new(fixtures::Fixtures::new())));
    let app = App::new(config, &clock)?;
    let port = std::env::var("PORT").map_or(Ok(0), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("http://{}", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    let serving = app.serve_http(listener, tokens, ConnectionLimits::default(), shutdown.clone());
    let input_end = async {
        let _ = tokio::io::stdin().read(&mut [0]).await;
        shutdown.cancel();
    };
    tokio::join!(serving, input_end);
    Ok(())
}
