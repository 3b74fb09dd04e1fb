//! What can keep a chat from going on, in a line that says what to do about it.

use thiserror::Error;

/// Why there is no chat (any more). None of them shows a token.
#[derive(Debug, Error)]
pub enum ChatError {
    #[error("{0:?} is no address of a server: write it like http://127.0.0.1:8086")]
    InvalidUrl(String),
    #[error("there is no token that could be sent: set AUTH_TOKEN or pass --token")]
    MissingToken,
    #[error(
        "no server answers at {0}: start one with `random-connect`, or name another with --url"
    )]
    Unreachable(String),
    #[error("the server at {0} does not take this token: pass its own with --token or AUTH_TOKEN")]
    WrongToken(String),
    #[error("the server at {0} does not answer under this name: see its ALLOWED_HOSTS")]
    WrongHost(String),
    #[error("what answers at {0} is no Random Connect server")]
    NotRandomConnect(String),
    #[error("the server at {0} has no pen pals: start it with TOOLSETS=connect,penpal")]
    PenPalDisabled(String),
    #[error("the server at {0} refuses: {1}")]
    Refused(String, String),
    #[error("the connection was lost before {0} of what you wrote was answered")]
    Unanswered(usize),
    #[error("the demonstration did not come to its end: {0}")]
    DemoFailed(String),
    #[error("the terminal can't be used: {0}")]
    Terminal(String),
}

impl ChatError {
    /// Whether trying again later can't help.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::NotRandomConnect(_) | Self::Refused(..))
    }
}
