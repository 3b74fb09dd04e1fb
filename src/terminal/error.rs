//! [`ChatError`]: errors of the client, each in one line that says what to do.

use thiserror::Error;

/// Why the chat can't start or go on. No text contains a token.
#[derive(Debug, Error)]
pub enum ChatError {
    #[error("{0:?} is not a server URL: use the form http://127.0.0.1:8086")]
    InvalidUrl(String),
    #[error("no usable token: set AUTH_TOKEN or pass --token")]
    MissingToken,
    #[error(
        "no server is listening at {0}: start one with `random-connect`, or pass another with --url"
    )]
    Unreachable(String),
    #[error("the server at {0} rejected this token: pass the right one with --token or AUTH_TOKEN")]
    WrongToken(String),
    #[error("the server at {0} does not accept this host name: check its ALLOWED_HOSTS")]
    WrongHost(String),
    #[error("{0} is not a Random Connect server")]
    NotRandomConnect(String),
    #[error("the server at {0} has no penpal tools: start it with TOOLSETS=connect,penpal")]
    PenPalDisabled(String),
    #[error("the server at {0} rejected the request: {1}")]
    Refused(String, String),
    #[error("the connection was lost with {0} of your messages unanswered")]
    Unanswered(usize),
    #[error("the demo failed: {0}")]
    DemoFailed(String),
    #[error("the terminal can't be used: {0}")]
    Terminal(String),
}

impl ChatError {
    /// Returns `true` if another attempt can't succeed.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::NotRandomConnect(_) | Self::Refused(..))
    }
}
