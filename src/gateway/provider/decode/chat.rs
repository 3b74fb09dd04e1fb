//! [`ChatDecoder`]: answers of OpenAI's chat completions, and of servers that are compatible with them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::gateway::provider::decode::part::{
    FrameProgress, error_in, no_answer, no_json, push_text, text,
};
use crate::gateway::provider::decode::usage::chat_usage;
use crate::gateway::provider::error::{ProviderError, ProviderErrorClass};
use crate::gateway::provider::fault;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame, RawFrame};
use crate::gateway::provider::request::WireFormat;

/// The data of the last event.
const DONE: &str = "[DONE]";

/// Decodes one answer.
///
/// The finish of a choice is not the end, because the usage follows in a later event. The end is `[DONE]`, or the end
/// of the bytes of servers that do not send it.
pub struct ChatDecoder {
    request_id: Option<String>,
    is_started: bool,
    /// The choices that have begun, each with whether it has its finish.
    choices: BTreeMap<u64, bool>,
    calls: Vec<StartedCall>,
    finish: Option<ProviderFinish>,
    is_refused: bool,
}

/// A call of a tool that has begun.
struct StartedCall {
    /// The indexes of its choice and of the call.
    place: (u64, u64),
    id: Option<String>,
    has_name: bool,
}

impl ChatDecoder {
    #[must_use]
    pub const fn new(request_id: Option<String>) -> Self {
        let choices = BTreeMap::new();
        let calls = Vec::new();
        Self { request_id, is_started: false, choices, calls, finish: None, is_refused: false }
    }

    /// Decodes the data of the next event.
    ///
    /// # Errors
    /// See [`AnswerDecoder::decode`](super::AnswerDecoder::decode).
    pub fn decode(
        &mut self,
        data: String,
    ) -> Result<(ProviderFrame, FrameProgress), ProviderError> {
        if data.trim() == DONE {
            let end = self.end().ok_or_else(|| {
                let message = "The provider ended its answer without a finish.";
                ProviderError::new(ProviderErrorClass::Truncated, message)
            })?;
            return Ok((end, FrameProgress::Ended));
        }
        let chunk: Value = serde_json::from_str(&data).map_err(|_| no_json())?;
        if let Some(error) = error_in(WireFormat::Chat, &chunk) {
            return Err(error);
        }
        let mut events = Vec::new();
        self.start(&chunk, &mut events);
        // Null in the chunk with the usage of some servers.
        let choices = chunk.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for choice in choices {
            let part = choice.get("delta").unwrap_or(&Value::Null);
            self.decode_choice(choice, part, &mut events);
        }
        let usage = chunk.get("usage").filter(|usage| usage.is_object());
        events.extend(usage.map(|usage| ProviderEvent::Usage(chat_usage(usage))));
        let progress = if self.complete().is_some() {
            FrameProgress::Finishing
        } else if usage.is_none() && choices.iter().all(is_empty) {
            FrameProgress::Idle
        } else {
            FrameProgress::Data
        };
        let is_usage_only = choices.is_empty() && usage.is_some();
        let raw = Some(RawFrame { format: WireFormat::Chat, event: None, data });
        Ok((ProviderFrame { events, raw, is_usage_only }, progress))
    }

    /// Returns the last frame if all choices have their finish.
    pub fn end(&mut self) -> Option<ProviderFrame> {
        let reason = self.complete()?;
        let raw = RawFrame { format: WireFormat::Chat, event: None, data: DONE.to_owned() };
        let events = vec![ProviderEvent::Finished { reason: self.with_refusal(reason) }];
        Some(ProviderFrame { events, raw: Some(raw), is_usage_only: false })
    }

    /// Decodes a whole answer.
    ///
    /// # Errors
    /// See [`AnswerDecoder::decode_whole`](super::AnswerDecoder::decode_whole).
    pub fn decode_whole(&mut self, answer: &Value) -> Result<Vec<ProviderEvent>, ProviderError> {
        if let Some(error) = error_in(WireFormat::Chat, answer) {
            return Err(error);
        }
        let choices = answer.get("choices").and_then(Value::as_array).ok_or_else(no_answer)?;
        let mut events = Vec::new();
        self.start(answer, &mut events);
        for choice in choices {
            let part = choice.get("message").unwrap_or(&Value::Null);
            self.decode_choice(choice, part, &mut events);
        }
        let usage = answer.get("usage").filter(|usage| usage.is_object());
        events.extend(usage.map(|usage| ProviderEvent::Usage(chat_usage(usage))));
        let reason = self.with_refusal(self.finish.ok_or_else(no_answer)?);
        events.push(ProviderEvent::Finished { reason });
        Ok(events)
    }

    fn start(&mut self, chunk: &Value, events: &mut Vec<ProviderEvent>) {
        // The first chunk of some servers has no model.
        let Some(model) = text(chunk.get("model")).filter(|_| !self.is_started) else { return };
        self.is_started = true;
        let id = || text(chunk.get("id")).and_then(fault::request_id);
        let request_id = self.request_id.take().or_else(id);
        events.push(ProviderEvent::Started { model: model.to_owned(), request_id });
    }

    /// Decodes a part (`delta` or `message`) of a choice.
    fn decode_choice(&mut self, choice: &Value, part: &Value, events: &mut Vec<ProviderEvent>) {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
        let reasoning = text(part.get("reasoning_content")).or_else(|| text(part.get("reasoning")));
        events.extend(reasoning.map(|text| ProviderEvent::Reasoning(text.to_owned())));
        push_text(events, part.get("content"), ProviderEvent::Text);
        self.is_refused |= text(part.get("refusal")).is_some();
        push_text(events, part.get("refusal"), ProviderEvent::Text);
        let calls = part.get("tool_calls").and_then(Value::as_array);
        for (position, call) in calls.into_iter().flatten().enumerate() {
            events.push(self.decode_call(index, position, call));
        }
        let has_finish = self.choices.entry(index).or_insert(false);
        if let Some(reason) = text(choice.get("finish_reason")) {
            *has_finish = true;
            self.finish = self.finish.or(Some(finish_of(reason)));
        }
    }

    /// Decodes a piece of a call. `position` is the index of a call in a whole answer, which has no `index`.
    ///
    /// Some servers repeat the id and the name in each piece, and some give each call the same index.
    fn decode_call(&mut self, choice: u64, position: usize, call: &Value) -> ProviderEvent {
        let place = call.get("index").and_then(Value::as_u64);
        let place = (choice, place.unwrap_or_else(|| u64::try_from(position).unwrap_or(u64::MAX)));
        let function = call.get("function").unwrap_or(&Value::Null);
        let (id, name) = (text(call.get("id")), text(function.get("name")));
        let continued = self.calls.iter().rposition(|call| {
            call.place == place
                && id.is_none_or(|id| call.id.as_deref().is_none_or(|known| known == id))
        });
        let index = continued.unwrap_or_else(|| {
            self.calls.push(StartedCall { place, id: None, has_name: false });
            self.calls.len() - 1
        });
        let known = &mut self.calls[index];
        let id = id.filter(|_| known.id.is_none()).map(str::to_owned);
        known.id = known.id.take().or_else(|| id.clone());
        let name = name.filter(|_| !known.has_name).map(str::to_owned);
        known.has_name |= name.is_some();
        let arguments = match function.get("arguments") {
            Some(Value::String(arguments)) => arguments.clone(),
            // Some servers send the arguments as an object.
            Some(arguments @ Value::Object(_)) => arguments.to_string(),
            _ => String::new(),
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        ProviderEvent::ToolCall { index, id, name, arguments }
    }

    /// The finish, if each choice has one.
    fn complete(&self) -> Option<ProviderFinish> {
        self.finish.filter(|_| self.choices.values().all(|has_finish| *has_finish))
    }

    fn with_refusal(&self, reason: ProviderFinish) -> ProviderFinish {
        match reason {
            ProviderFinish::Stop if self.is_refused => ProviderFinish::Refused,
            reason => reason,
        }
    }
}

/// Whether a choice has no part of the answer.
fn is_empty(choice: &Value) -> bool {
    let delta = choice.get("delta").and_then(Value::as_object);
    let is_empty = |value: &Value| value.is_null() || value.as_str().is_some_and(str::is_empty);
    choice.get("finish_reason").is_none_or(Value::is_null)
        && delta
            .is_none_or(|delta| delta.iter().all(|(name, value)| name == "role" || is_empty(value)))
}

fn finish_of(reason: &str) -> ProviderFinish {
    match reason {
        "stop" => ProviderFinish::Stop,
        "length" => ProviderFinish::Length,
        "tool_calls" | "function_call" => ProviderFinish::ToolCalls,
        "content_filter" => ProviderFinish::Refused,
        _ => ProviderFinish::Other,
    }
}
