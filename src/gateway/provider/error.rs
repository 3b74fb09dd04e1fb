//! [`ProviderError`]: why there is no complete answer.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Why there is no complete answer. Its `Display` and `Debug` hold no text of the provider, because that may quote the
/// request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{class}")]
pub struct ProviderError {
    pub class: ProviderErrorClass,
    /// The status of the HTTP answer, if the error is that answer. `None` for an error inside a stream.
    pub status: Option<u16>,
    /// The pause that the provider asks for, within [`retry_after::BOUNDS`](super::retry_after::BOUNDS).
    pub retry_after: Option<Duration>,
    /// The provider's id of the request, for its support.
    pub request_id: Option<String>,
    /// The provider's text, for the caller of this request only.
    pub message: CallerText,
}

/// The kind of an error, which decides about retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum ProviderErrorClass {
    /// No provider accepts the request, or no repetition helps.
    #[error(transparent)]
    Caller(ProviderRefusal),
    #[error("the provider does not have the model")]
    UnknownModel,
    /// The credential, the quota or the credit of this server. No repetition helps until the operator acts.
    #[error("the account at the provider needs attention")]
    Account,
    #[error("the provider has too many requests")]
    Throttled,
    /// No connection, or a fault of the provider.
    #[error("the provider is unavailable")]
    Transient,
    /// The answer did not begin in time.
    #[error("the provider did not answer in time")]
    NoAnswer,
    /// The stream broke, or ended without a finish.
    #[error("the provider's answer was cut")]
    Truncated,
    /// The answer began, but did not go on in time.
    #[error("the provider's answer took too long")]
    TimeLimit,
}

/// Why a request is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum ProviderRefusal {
    /// This server can't write the request for the provider, which was not asked.
    #[error("the request can't be sent to the model")]
    NotSent,
    #[error("the provider rejects the request as invalid")]
    Invalid,
    #[error("the conversation is too long for the model")]
    TooLong,
    #[error("the provider refuses the content")]
    Refused,
    #[error("the request is too large for the provider")]
    TooLarge,
}

/// A text that only the caller of a request may read. Its `Debug` shows the length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CallerText(String);

impl CallerText {
    /// Maximum length in bytes. The rest is cut.
    pub const MAX_BYTES: usize = 2_048;

    #[must_use]
    pub fn new(text: &str) -> Self {
        let end = text.floor_char_boundary(Self::MAX_BYTES);
        Self(text.get(..end).unwrap_or_default().to_owned())
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerText").field("bytes", &self.0.len()).finish()
    }
}

impl ProviderError {
    /// An error whose message is a text of this server.
    #[must_use]
    pub fn new(class: ProviderErrorClass, message: &str) -> Self {
        let message = CallerText::new(message);
        Self { class, status: None, retry_after: None, request_id: None, message }
    }

    /// A request that can't be written for the provider.
    #[must_use]
    pub fn invalid(message: &str) -> Self {
        Self::new(ProviderErrorClass::Caller(ProviderRefusal::NotSent), message)
    }
}
