//! The demonstrations of `random-connect demo`: each plays a script with a server of this process, and ends.
//!
//! - [`gateway`] is the script of `demo gateway`, with its settings.
//! - `provider.rs` is a provider of language models in place of a real one, with an invoice.
//! - `story.rs` prints remarks and messages.
//!
//! `main` starts the server. A demonstration reads no setting, connects to loopback only, and leaves no file. To add
//! one, add a script here and a variant to `DemoCommand` in `cli/demo.rs`.

pub mod gateway;
mod provider;
mod story;

use std::io;

use thiserror::Error;
use tokio_tungstenite::tungstenite;

/// Why a demonstration ended early.
#[derive(Debug, Error)]
pub enum DemoError {
    #[error("can't start the demonstration: {0}")]
    Start(#[source] io::Error),
    #[error("the connection to the server failed: {0}")]
    Connection(#[source] Box<tungstenite::Error>),
    #[error("the server did not answer in time")]
    TimedOut,
    #[error("the server sent an answer that is not in the script: {0}")]
    Unexpected(String),
    #[error("the sums differ: {0}")]
    WrongSum(String),
    #[error("can't print: {0}")]
    Output(#[source] io::Error),
}
