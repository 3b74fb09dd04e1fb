//! Parts that the decoders share: [`FrameProgress`], texts and errors.

use serde_json::Value;

use crate::gateway::provider::error::{ProviderError, ProviderErrorClass};
use crate::gateway::provider::fault;
use crate::gateway::provider::frame::ProviderEvent;
use crate::gateway::provider::request::WireFormat;

/// The progress that a frame shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameProgress {
    /// No part of the answer, such as a ping, which must not end the wait for one.
    Idle,
    /// A part of the answer.
    Data,
    /// The answer is complete, but its usage may follow.
    Finishing,
    /// The last frame.
    Ended,
}

pub(super) fn no_answer() -> ProviderError {
    ProviderError::new(ProviderErrorClass::Transient, "The provider sent no answer.")
}

pub(super) fn no_json() -> ProviderError {
    ProviderError::new(ProviderErrorClass::Truncated, "The provider sent a broken event.")
}

/// Returns the error that an event of a stream, or a body, holds.
pub(super) fn error_in(format: WireFormat, value: &Value) -> Option<ProviderError> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let is_error = error.as_object().is_none_or(|error| !error.is_empty());
    is_error.then(|| fault::classify(format, None, value, None))
}

pub(super) fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Adds a text to the events, unless it is empty.
pub(super) fn push_text(
    events: &mut Vec<ProviderEvent>,
    value: Option<&Value>,
    event: fn(String) -> ProviderEvent,
) {
    events.extend(text(value).map(|text| event(text.to_owned())));
}
