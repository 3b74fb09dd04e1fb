//! [`WholeAnswer`]: the events of an answer in one piece, and its JSON in either format.

use serde_json::{Value, json};

use crate::gateway::provider::decode::usage::{to_chat_usage, to_messages_usage};
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::tool_input::tool_input;
use crate::gateway::provider::write::chat::chat_finish;
use crate::gateway::provider::write::messages::stop_reason;
use crate::gateway::provider::write::options::WriterOptions;
use crate::kernel::model::ModelUsage;

/// The events of an answer so far, in one piece.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WholeAnswer {
    /// The model that answers; empty until it is known.
    pub model: String,
    pub request_id: Option<String>,
    pub text: String,
    pub reasoning: String,
    /// The calls of tools, by their index.
    pub calls: Vec<WholeToolCall>,
    pub usage: ModelUsage,
    /// `None` while the answer is incomplete.
    pub finish: Option<ProviderFinish>,
}

/// A call of a tool in one piece.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WholeToolCall {
    pub index: u32,
    pub id: String,
    pub name: String,
    /// A JSON text, as the model wrote it.
    pub arguments: String,
}

impl WholeAnswer {
    /// The size of all that the model has written, in bytes.
    #[must_use]
    pub fn written_bytes(&self) -> usize {
        let calls = self.calls.iter().map(|call| call.name.len() + call.arguments.len());
        self.reasoning.len() + self.text.len() + calls.sum::<usize>()
    }

    pub fn add(&mut self, event: &ProviderEvent) {
        match event {
            ProviderEvent::Started { model, request_id } => {
                (self.model, self.request_id) = (model.clone(), request_id.clone());
            }
            ProviderEvent::Text(text) => self.text.push_str(text),
            ProviderEvent::Reasoning(text) => self.reasoning.push_str(text),
            ProviderEvent::ToolCall { index, id, name, arguments } => {
                let call = self.call(*index);
                call.id.push_str(id.as_deref().unwrap_or_default());
                call.name.push_str(name.as_deref().unwrap_or_default());
                call.arguments.push_str(arguments);
            }
            ProviderEvent::Usage(usage) => self.usage.update(*usage),
            ProviderEvent::Finished { reason } => self.finish = Some(*reason),
        }
    }

    fn call(&mut self, index: u32) -> &mut WholeToolCall {
        let position = self.calls.iter().position(|call| call.index == index);
        let position = position.unwrap_or_else(|| {
            self.calls.push(WholeToolCall { index, ..WholeToolCall::default() });
            self.calls.len() - 1
        });
        &mut self.calls[position]
    }

    /// The JSON of the answer in a caller's format.
    #[must_use]
    pub fn to_json(&self, format: WireFormat, options: &WriterOptions) -> Value {
        match format {
            WireFormat::Chat => self.to_chat(options),
            WireFormat::Messages => self.to_messages(options),
        }
    }

    fn to_chat(&self, options: &WriterOptions) -> Value {
        let has_content = !self.text.is_empty() || self.calls.is_empty();
        let content = has_content.then_some(&self.text);
        let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = json!(self.reasoning);
        }
        if !self.calls.is_empty() {
            let calls = self.calls.iter().map(|call| {
                let function = json!({ "name": call.name, "arguments": call.arguments_or_empty() });
                json!({ "id": call.id, "type": "function", "function": function })
            });
            message["tool_calls"] = calls.collect();
        }
        let choice = json!({
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": self.finish.map(chat_finish),
        });
        json!({
            "id": format!("chatcmpl-{}", options.id),
            "object": "chat.completion",
            "created": options.created.as_millis() / 1_000,
            "model": self.model,
            "choices": [choice],
            "usage": to_chat_usage(&self.usage),
        })
    }

    fn to_messages(&self, options: &WriterOptions) -> Value {
        let mut content = Vec::new();
        if !self.reasoning.is_empty() {
            let thinking = &self.reasoning;
            content.push(json!({ "type": "thinking", "thinking": thinking, "signature": "" }));
        }
        if !self.text.is_empty() {
            content.push(json!({ "type": "text", "text": self.text }));
        }
        for call in &self.calls {
            let input = tool_input(&call.arguments);
            content.push(json!({
                "type": "tool_use", "id": call.id, "name": call.name, "input": input,
            }));
        }
        json!({
            "id": format!("msg_{}", options.id),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": self.finish.map(stop_reason),
            "stop_sequence": null,
            "usage": to_messages_usage(&self.usage),
        })
    }
}

impl WholeToolCall {
    fn arguments_or_empty(&self) -> &str {
        if self.arguments.is_empty() { "{}" } else { &self.arguments }
    }
}
