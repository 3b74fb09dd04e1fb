//! [`ProviderFrame`]: a piece of an answer, as events and as the provider's own data.

use std::fmt;

use crate::gateway::provider::request::WireFormat;
use crate::kernel::model::{FinishReason, ModelUsage};

/// A piece of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderFrame {
    /// The meaning of the frame. Empty for pings, and for parts that have no event.
    pub events: Vec<ProviderEvent>,
    /// The provider's data. `None` if a provider answers a request for a stream in one piece.
    pub raw: Option<RawFrame>,
    /// The frame has only the usage, which a caller in [`WireFormat::Chat`] gets only if its body asks for it.
    pub is_usage_only: bool,
}

impl ProviderFrame {
    /// Returns `true` if the frame has a part of the answer, after which no other provider may answer.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.events.iter().any(ProviderEvent::is_content)
    }
}

/// Data of a frame in the provider's format: one event of a stream, or a whole answer.
#[derive(Clone, PartialEq, Eq)]
pub struct RawFrame {
    pub format: WireFormat,
    /// The name of the event, in [`WireFormat::Messages`].
    pub event: Option<String>,
    /// The JSON, or `[DONE]`.
    pub data: String,
}

/// A part of an answer, in no provider's format.
#[derive(Clone, PartialEq, Eq)]
pub enum ProviderEvent {
    /// The model that answers, as the provider names it, and the provider's id of the request.
    Started { model: String, request_id: Option<String> },
    /// The next piece of the text. Never empty.
    Text(String),
    /// The next piece of the reasoning before the text. Never empty.
    Reasoning(String),
    /// The next piece of a call of a tool: `index` counts the calls from 0, `id` and `name` are in the first piece, and
    /// the pieces of `arguments` are one JSON text.
    ToolCall { index: u32, id: Option<String>, name: Option<String>, arguments: String },
    /// Totals so far. See [`ModelUsage::update`].
    Usage(ModelUsage),
    /// The end of a complete answer.
    Finished { reason: ProviderFinish },
}

impl ProviderEvent {
    /// Returns `true` for a part of the answer itself.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Reasoning(_) | Self::ToolCall { .. })
    }
}

/// Why an answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderFinish {
    /// The model has ended its answer.
    Stop,
    /// The model has written a stop text. [`WireFormat::Chat`] does not distinguish it from [`Self::Stop`].
    StopText,
    /// The limit of tokens, or that of the model's context.
    Length,
    ToolCalls,
    /// The provider or the model refuses to answer.
    Refused,
    Other,
}

impl From<ProviderFinish> for FinishReason {
    fn from(finish: ProviderFinish) -> Self {
        match finish {
            ProviderFinish::Stop | ProviderFinish::StopText => Self::Stop,
            ProviderFinish::Length => Self::Length,
            ProviderFinish::Refused => Self::Refused,
            ProviderFinish::ToolCalls | ProviderFinish::Other => Self::Other,
        }
    }
}

/// Shows the length, but never the data.
impl fmt::Debug for RawFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, event: _, data } = self;
        f.debug_struct("RawFrame").field("format", format).field("bytes", &data.len()).finish()
    }
}

/// Shows lengths, but never a text.
impl fmt::Debug for ProviderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { model: _, request_id: _ } => f.write_str("Started"),
            Self::Text(text) => f.debug_struct("Text").field("bytes", &text.len()).finish(),
            Self::Reasoning(text) => {
                f.debug_struct("Reasoning").field("bytes", &text.len()).finish()
            }
            Self::ToolCall { index, arguments, .. } => f
                .debug_struct("ToolCall")
                .field("index", index)
                .field("bytes", &arguments.len())
                .finish_non_exhaustive(),
            Self::Usage(usage) => f.debug_tuple("Usage").field(usage).finish(),
            Self::Finished { reason } => f.debug_tuple("Finished").field(reason).finish(),
        }
    }
}
