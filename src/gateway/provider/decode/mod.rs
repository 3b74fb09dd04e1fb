//! Decoders: the events of a stream, or a whole answer, to [`ProviderFrame`]s. They are pure.

pub mod chat;
pub mod messages;
pub mod part;
pub mod usage;

use serde_json::Value;

use crate::gateway::provider::decode::chat::ChatDecoder;
use crate::gateway::provider::decode::messages::MessagesDecoder;
use crate::gateway::provider::decode::part::{FrameProgress, no_answer};
use crate::gateway::provider::error::ProviderError;
use crate::gateway::provider::frame::{ProviderFrame, RawFrame};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::sse::SseEvent;

/// Decodes the answer to one request.
pub enum AnswerDecoder {
    Chat(ChatDecoder),
    Messages(MessagesDecoder),
}

impl AnswerDecoder {
    /// `request_id` is that of the headers.
    #[must_use]
    pub fn new(format: WireFormat, request_id: Option<String>) -> Self {
        match format {
            WireFormat::Chat => Self::Chat(ChatDecoder::new(request_id)),
            WireFormat::Messages => Self::Messages(MessagesDecoder::new(request_id)),
        }
    }

    /// Decodes the next event of a stream.
    ///
    /// # Errors
    /// Returns the error that the event is, or [`Truncated`](super::error::ProviderErrorClass::Truncated) if it has no JSON.
    pub fn decode(
        &mut self,
        event: SseEvent,
    ) -> Result<(ProviderFrame, FrameProgress), ProviderError> {
        match self {
            Self::Chat(decoder) => decoder.decode(event.data),
            Self::Messages(decoder) => decoder.decode(event),
        }
    }

    /// Returns the last frame if the stream may end here without its own end.
    pub fn end(&mut self) -> Option<ProviderFrame> {
        match self {
            Self::Chat(decoder) => decoder.end(),
            Self::Messages(decoder) => decoder.end(),
        }
    }

    /// Decodes a whole answer.
    ///
    /// # Errors
    /// Returns the error that the answer is, or [`Transient`](super::error::ProviderErrorClass::Transient) if it is no answer.
    pub fn decode_whole(&mut self, data: String) -> Result<ProviderFrame, ProviderError> {
        let answer: Value = serde_json::from_str(&data).map_err(|_| no_answer())?;
        let (events, format) = match self {
            Self::Chat(decoder) => (decoder.decode_whole(&answer)?, WireFormat::Chat),
            Self::Messages(decoder) => (decoder.decode_whole(&answer)?, WireFormat::Messages),
        };
        let raw = Some(RawFrame { format, event: None, data });
        Ok(ProviderFrame { events, raw, is_usage_only: false })
    }
}
