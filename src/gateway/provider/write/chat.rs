//! [`ChatWriter`]: events to chunks of chat completions.

use serde_json::{Value, json};

use crate::gateway::provider::decode::usage::to_chat_usage;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish, RawFrame};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::write::options::WriterOptions;
use crate::kernel::model::ModelUsage;

/// Writes chunks. The usage comes after the finish, and only if the caller asked for it.
pub(super) struct ChatWriter {
    options: WriterOptions,
    model: String,
    has_role: bool,
    usage: ModelUsage,
}

impl ChatWriter {
    pub(super) fn new(options: WriterOptions) -> Self {
        Self { options, model: String::new(), has_role: false, usage: ModelUsage::default() }
    }

    pub(super) fn write(&mut self, event: ProviderEvent, frames: &mut Vec<RawFrame>) {
        match event {
            ProviderEvent::Started { model, .. } => {
                self.model = model;
                self.push(json!({ "content": "" }), None, frames);
            }
            ProviderEvent::Text(text) => self.push(json!({ "content": text }), None, frames),
            ProviderEvent::Reasoning(text) => {
                self.push(json!({ "reasoning_content": text }), None, frames);
            }
            ProviderEvent::ToolCall { index, id, name, arguments } => {
                let mut call = json!({ "index": index, "function": { "arguments": arguments } });
                if let Some(name) = name {
                    call["function"]["name"] = json!(name);
                }
                if let Some(id) = id {
                    call["id"] = json!(id);
                    call["type"] = json!("function");
                }
                self.push(json!({ "tool_calls": [call] }), None, frames);
            }
            ProviderEvent::Usage(usage) => self.usage.update(usage),
            ProviderEvent::Finished { reason } => {
                self.push(json!({}), Some(chat_finish(reason)), frames);
                if self.options.include_usage {
                    let usage = to_chat_usage(&self.usage);
                    frames.push(raw(self.chunk(&json!([]), usage).to_string()));
                }
                frames.push(raw("[DONE]".to_owned()));
            }
        }
    }

    fn push(&mut self, mut delta: Value, finish: Option<&str>, frames: &mut Vec<RawFrame>) {
        if !std::mem::replace(&mut self.has_role, true) {
            delta["role"] = json!("assistant");
        }
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
        frames.push(raw(self.chunk(&json!([choice]), Value::Null).to_string()));
    }

    fn chunk(&self, choices: &Value, usage: Value) -> Value {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", self.options.id),
            "object": "chat.completion.chunk",
            "created": self.options.created.as_millis() / 1_000,
            "model": self.model,
            "choices": choices,
        });
        if self.options.include_usage {
            chunk["usage"] = usage;
        }
        chunk
    }
}

fn raw(data: String) -> RawFrame {
    RawFrame { format: WireFormat::Chat, event: None, data }
}

/// The finish of a choice.
pub(super) const fn chat_finish(finish: ProviderFinish) -> &'static str {
    match finish {
        ProviderFinish::Stop | ProviderFinish::StopText | ProviderFinish::Other => "stop",
        ProviderFinish::Length => "length",
        ProviderFinish::ToolCalls => "tool_calls",
        ProviderFinish::Refused => "content_filter",
    }
}
