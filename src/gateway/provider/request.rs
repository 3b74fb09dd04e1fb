//! [`ProviderRequest`]: a question to one model of one provider.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::gateway::catalog::provider::ProviderTimeLimits;

/// The format of a provider's or a caller's requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// OpenAI's `POST /v1/chat/completions`.
    Chat,
    /// Anthropic's `POST /v1/messages`.
    Messages,
}

/// The place that a request goes to. Its `Debug` has no credential.
#[derive(Clone, Debug)]
pub struct ProviderTarget {
    /// The address without the name of the operation: `https://api.openai.com/v1`, `https://api.anthropic.com`.
    /// For [`WireFormat::Messages`] a trailing `/v1` is optional.
    pub base_url: String,
    pub format: WireFormat,
    /// `None` for a server that needs none.
    pub credential: Option<SecretString>,
    /// The provider's name of the model.
    pub model: String,
}

/// The JSON object of a caller, in the caller's format. Its `Debug` has no content.
#[derive(Clone, PartialEq)]
pub enum RequestBody {
    Chat(Map<String, Value>),
    Messages(Map<String, Value>),
}

impl RequestBody {
    #[must_use]
    pub const fn format(&self) -> WireFormat {
        match self {
            Self::Chat(_) => WireFormat::Chat,
            Self::Messages(_) => WireFormat::Messages,
        }
    }
}

/// Headers of a caller that change the meaning of a body in [`WireFormat::Messages`]. They are ignored if the body has
/// the other format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessagesHeaders {
    /// `anthropic-version`. `None` lets the adapter choose.
    pub version: Option<String>,
    /// `anthropic-beta`.
    pub beta: Option<String>,
}

/// A question to one model of one provider.
///
/// The model, the maximum of tokens and the mode of the answer replace those in the body. All other fields reach a
/// provider of the same format unchanged; for another format they are converted.
#[derive(Clone, Debug)]
pub struct ProviderRequest {
    pub target: ProviderTarget,
    pub body: RequestBody,
    pub headers: MessagesHeaders,
    /// Maximum number of tokens of the answer, with the reasoning before it. Always sent.
    pub max_output_tokens: u32,
    /// Whether the answer comes in pieces. Otherwise it is one frame.
    pub stream: bool,
    pub time_limits: ProviderTimeLimits,
}

/// Shows the format and the number of fields, but never the content.
impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Chat(fields) | Self::Messages(fields)) = self;
        f.debug_struct("RequestBody")
            .field("format", &self.format())
            .field("fields", &fields.len())
            .finish()
    }
}
