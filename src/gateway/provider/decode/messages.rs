//! [`MessagesDecoder`]: answers of Anthropic's messages.

use serde_json::{Value, json};

use crate::gateway::provider::decode::part::{
    FrameProgress, error_in, no_answer, no_json, push_text, text,
};
use crate::gateway::provider::decode::usage::messages_usage;
use crate::gateway::provider::error::ProviderError;
use crate::gateway::provider::fault;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame, RawFrame};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::sse::SseEvent;
use crate::kernel::model::ModelUsage;

/// The last event.
const STOP: &str = "message_stop";

/// Decodes one answer. It is complete with the reason of its stop, and its end is `message_stop`, or the end of the
/// bytes.
pub struct MessagesDecoder {
    request_id: Option<String>,
    usage: ModelUsage,
    finish: Option<ProviderFinish>,
    /// The index of the block of each call of a tool.
    calls: Vec<u64>,
}

impl MessagesDecoder {
    #[must_use]
    pub fn new(request_id: Option<String>) -> Self {
        Self { request_id, usage: ModelUsage::default(), finish: None, calls: Vec::new() }
    }

    /// Decodes the next event.
    ///
    /// # Errors
    /// See [`AnswerDecoder::decode`](super::AnswerDecoder::decode).
    pub fn decode(
        &mut self,
        event: SseEvent,
    ) -> Result<(ProviderFrame, FrameProgress), ProviderError> {
        let SseEvent { event: name, data } = event;
        let value: Value = serde_json::from_str(&data).map_err(|_| no_json())?;
        // The name of the event and the type of its data are the same; either may be missing.
        let named = text(value.get("type")).map(str::to_owned).or_else(|| name.clone());
        let kind = named.as_deref().unwrap_or_default();
        let (mut events, mut progress) = (Vec::new(), FrameProgress::Data);
        match kind {
            "message_start" => {
                let message = value.get("message").unwrap_or(&Value::Null);
                self.start(message, &mut events);
                self.add_usage(message.get("usage"), &mut events);
                progress = FrameProgress::Idle;
            }
            "content_block_start" => {
                let block = value.get("content_block").unwrap_or(&Value::Null);
                self.start_block(&value, block, &mut events);
                // The first text may be far behind the start of its block.
                if events.is_empty() && matches!(text(block.get("type")), Some("text" | "thinking"))
                {
                    progress = FrameProgress::Idle;
                }
            }
            "content_block_delta" => self.decode_delta(&value, &mut events),
            "content_block_stop" => {}
            "message_delta" => {
                let delta = value.get("delta").unwrap_or(&Value::Null);
                self.finish = text(delta.get("stop_reason")).map(finish_of).or(self.finish);
                self.add_usage(value.get("usage"), &mut events);
            }
            STOP => {
                let reason = self.finish.unwrap_or(ProviderFinish::Other);
                events.push(ProviderEvent::Finished { reason });
                progress = FrameProgress::Ended;
            }
            "error" => {
                let unknown = || fault::classify(WireFormat::Messages, None, &value, None);
                return Err(error_in(WireFormat::Messages, &value).unwrap_or_else(unknown));
            }
            // Pings, and events of later versions.
            _ => progress = FrameProgress::Idle,
        }
        if self.finish.is_some() && progress == FrameProgress::Data {
            progress = FrameProgress::Finishing;
        }
        let event = name.or(named);
        let raw = Some(RawFrame { format: WireFormat::Messages, event, data });
        Ok((ProviderFrame { events, raw, is_usage_only: false }, progress))
    }

    /// Returns the last frame if the answer has its reason.
    pub fn end(&mut self) -> Option<ProviderFrame> {
        let events = vec![ProviderEvent::Finished { reason: self.finish? }];
        let (event, data) = (Some(STOP.to_owned()), json!({ "type": STOP }).to_string());
        let raw = Some(RawFrame { format: WireFormat::Messages, event, data });
        Some(ProviderFrame { events, raw, is_usage_only: false })
    }

    /// Decodes a whole answer.
    ///
    /// # Errors
    /// See [`AnswerDecoder::decode_whole`](super::AnswerDecoder::decode_whole).
    pub fn decode_whole(&mut self, answer: &Value) -> Result<Vec<ProviderEvent>, ProviderError> {
        if let Some(error) = error_in(WireFormat::Messages, answer) {
            return Err(error);
        }
        let blocks = answer.get("content").and_then(Value::as_array).ok_or_else(no_answer)?;
        let mut events = Vec::new();
        self.start(answer, &mut events);
        for block in blocks {
            self.start_block(&Value::Null, block, &mut events);
        }
        self.add_usage(answer.get("usage"), &mut events);
        let reason = text(answer.get("stop_reason")).map(finish_of).ok_or_else(no_answer)?;
        events.push(ProviderEvent::Finished { reason });
        Ok(events)
    }

    fn start(&mut self, message: &Value, events: &mut Vec<ProviderEvent>) {
        let id = || text(message.get("id")).and_then(fault::request_id);
        let request_id = self.request_id.take().or_else(id);
        let model = text(message.get("model")).unwrap_or_default().to_owned();
        events.push(ProviderEvent::Started { model, request_id });
    }

    fn add_usage(&mut self, usage: Option<&Value>, events: &mut Vec<ProviderEvent>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let usage = messages_usage(usage, &self.usage);
        self.usage.update(usage);
        events.push(ProviderEvent::Usage(usage));
    }

    /// Decodes a block, whose content is empty in a stream and whole otherwise.
    fn start_block(&mut self, event: &Value, block: &Value, events: &mut Vec<ProviderEvent>) {
        push_text(events, block.get("text"), ProviderEvent::Text);
        push_text(events, block.get("thinking"), ProviderEvent::Reasoning);
        if text(block.get("type")) == Some("tool_use") {
            let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
            self.calls.push(block_index(event));
            let input = block.get("input").filter(|input| {
                event.is_null() || input.as_object().is_some_and(|input| !input.is_empty())
            });
            events.push(ProviderEvent::ToolCall {
                index,
                id: text(block.get("id")).map(str::to_owned),
                name: text(block.get("name")).map(str::to_owned),
                arguments: input.map(Value::to_string).unwrap_or_default(),
            });
        }
    }

    fn decode_delta(&self, event: &Value, events: &mut Vec<ProviderEvent>) {
        let delta = event.get("delta").unwrap_or(&Value::Null);
        push_text(events, delta.get("text"), ProviderEvent::Text);
        push_text(events, delta.get("thinking"), ProviderEvent::Reasoning);
        let index = self.calls.iter().position(|block| *block == block_index(event));
        // Tools of the provider have arguments too, but are no calls for the caller.
        if let (Some(arguments), Some(index)) = (text(delta.get("partial_json")), index) {
            let (index, arguments) =
                (u32::try_from(index).unwrap_or(u32::MAX), arguments.to_owned());
            events.push(ProviderEvent::ToolCall { index, id: None, name: None, arguments });
        }
    }
}

fn block_index(event: &Value) -> u64 {
    event.get("index").and_then(Value::as_u64).unwrap_or(0)
}

fn finish_of(reason: &str) -> ProviderFinish {
    match reason {
        "end_turn" => ProviderFinish::Stop,
        "stop_sequence" => ProviderFinish::StopText,
        "max_tokens" | "model_context_window_exceeded" => ProviderFinish::Length,
        "tool_use" => ProviderFinish::ToolCalls,
        "refusal" => ProviderFinish::Refused,
        _ => ProviderFinish::Other,
    }
}
