//! [`MessagesWriter`]: events to the events of messages.

use serde_json::{Value, json};

use crate::gateway::provider::decode::usage::to_messages_usage;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish, RawFrame};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::write::options::WriterOptions;
use crate::kernel::model::ModelUsage;

/// Writes events. One block is open at a time.
pub(super) struct MessagesWriter {
    options: WriterOptions,
    is_started: bool,
    usage: ModelUsage,
    open: Option<BlockKind>,
    /// Number of blocks. The open one is the last.
    blocks: usize,
    /// Each call of a tool, with its block.
    calls: Vec<(u32, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    Text,
    Thinking,
    Call(u32),
}

impl MessagesWriter {
    pub(super) fn new(options: WriterOptions) -> Self {
        let (usage, calls) = (ModelUsage::default(), Vec::new());
        Self { options, is_started: false, usage, open: None, blocks: 0, calls }
    }

    pub(super) fn write(&mut self, event: ProviderEvent, frames: &mut Vec<RawFrame>) {
        if !matches!(event, ProviderEvent::Started { .. } | ProviderEvent::Usage(_)) {
            self.start("", frames);
        }
        match event {
            ProviderEvent::Started { model, .. } => self.start(&model, frames),
            ProviderEvent::Text(text) => {
                self.open(BlockKind::Text, &json!({ "type": "text", "text": "" }), frames);
                self.delta(&json!({ "type": "text_delta", "text": text }), frames);
            }
            ProviderEvent::Reasoning(text) => {
                let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
                self.open(BlockKind::Thinking, &block, frames);
                self.delta(&json!({ "type": "thinking_delta", "thinking": text }), frames);
            }
            ProviderEvent::ToolCall { index, id, name, arguments } => {
                if self.block_of(index).is_none() {
                    let id = id.unwrap_or_else(|| format!("toolu_{}_{index}", self.options.id));
                    let name = name.unwrap_or_default();
                    let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                    self.open(BlockKind::Call(index), &block, frames);
                    self.calls.push((index, self.blocks - 1));
                }
                if !arguments.is_empty() {
                    let delta = json!({ "type": "input_json_delta", "partial_json": arguments });
                    let block = self.block_of(index).unwrap_or_default();
                    push_delta(block, &delta, frames);
                }
            }
            ProviderEvent::Usage(usage) => self.usage.update(usage),
            ProviderEvent::Finished { reason } => {
                self.close(frames);
                push(
                    &json!({
                        "type": "message_delta",
                        "delta": { "stop_reason": stop_reason(reason), "stop_sequence": null },
                        "usage": to_messages_usage(&self.usage),
                    }),
                    frames,
                );
                push(&json!({ "type": "message_stop" }), frames);
            }
        }
    }

    fn start(&mut self, model: &str, frames: &mut Vec<RawFrame>) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        let message = json!({
            "id": format!("msg_{}", self.options.id),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": to_messages_usage(&self.usage),
        });
        push(&json!({ "type": "message_start", "message": message }), frames);
    }

    fn block_of(&self, call: u32) -> Option<usize> {
        self.calls.iter().find(|(index, _)| *index == call).map(|(_, block)| *block)
    }

    /// Opens a block, unless one of its kind is open.
    fn open(&mut self, kind: BlockKind, block: &Value, frames: &mut Vec<RawFrame>) {
        if self.open == Some(kind) {
            return;
        }
        self.close(frames);
        self.open = Some(kind);
        let index = self.blocks;
        self.blocks += 1;
        push(
            &json!({ "type": "content_block_start", "index": index, "content_block": block }),
            frames,
        );
    }

    fn close(&mut self, frames: &mut Vec<RawFrame>) {
        if self.open.take().is_some() {
            push(&json!({ "type": "content_block_stop", "index": self.blocks - 1 }), frames);
        }
    }

    fn delta(&self, delta: &Value, frames: &mut Vec<RawFrame>) {
        push_delta(self.blocks - 1, delta, frames);
    }
}

fn push_delta(block: usize, delta: &Value, frames: &mut Vec<RawFrame>) {
    push(&json!({ "type": "content_block_delta", "index": block, "delta": delta }), frames);
}

fn push(event: &Value, frames: &mut Vec<RawFrame>) {
    let name = event.get("type").and_then(Value::as_str).map(str::to_owned);
    let (format, data) = (WireFormat::Messages, event.to_string());
    frames.push(RawFrame { format, event: name, data });
}

/// The reason of the end of a message.
pub(super) const fn stop_reason(finish: ProviderFinish) -> &'static str {
    match finish {
        ProviderFinish::Stop | ProviderFinish::Other => "end_turn",
        ProviderFinish::StopText => "stop_sequence",
        ProviderFinish::Length => "max_tokens",
        ProviderFinish::ToolCalls => "tool_use",
        ProviderFinish::Refused => "refusal",
    }
}
