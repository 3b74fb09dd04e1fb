//! [`AnswerWriter`]: frames of any provider to those of a caller's format. It is pure.

mod chat;
mod messages;
pub mod options;
pub mod whole;

use serde_json::json;

use crate::gateway::provider::frame::{ProviderFrame, RawFrame};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::write::chat::ChatWriter;
use crate::gateway::provider::write::messages::MessagesWriter;
use crate::gateway::provider::write::options::WriterOptions;

/// Writes the frames of one stream in the format of its caller.
///
/// Frames of a provider with the same format pass unchanged. Give it all frames of one attempt, and none of an attempt
/// that was given up: a second start would break the caller's stream.
pub struct AnswerWriter {
    format: WireFormat,
    include_usage: bool,
    converter: FormatWriter,
}

enum FormatWriter {
    Chat(ChatWriter),
    Messages(MessagesWriter),
}

impl AnswerWriter {
    #[must_use]
    pub fn new(format: WireFormat, options: WriterOptions) -> Self {
        let include_usage = options.include_usage;
        let converter = match format {
            WireFormat::Chat => FormatWriter::Chat(ChatWriter::new(options)),
            WireFormat::Messages => FormatWriter::Messages(MessagesWriter::new(options)),
        };
        Self { format, include_usage, converter }
    }

    /// Whether a frame does not pass unchanged.
    #[must_use]
    pub fn converts(&self, frame: &ProviderFrame) -> bool {
        frame.raw.as_ref().is_none_or(|raw| raw.format != self.format)
    }

    /// Returns the frames for the caller: none for a frame without meaning for it.
    pub fn write(&mut self, frame: ProviderFrame) -> Vec<RawFrame> {
        let ProviderFrame { events, raw, is_usage_only } = frame;
        if let Some(raw) = raw.filter(|raw| raw.format == self.format) {
            let is_hidden = is_usage_only && self.format == WireFormat::Chat && !self.include_usage;
            return if is_hidden { Vec::new() } else { vec![raw] };
        }
        let mut frames = Vec::new();
        for event in events {
            match &mut self.converter {
                FormatWriter::Chat(writer) => writer.write(event, &mut frames),
                FormatWriter::Messages(writer) => writer.write(event, &mut frames),
            }
        }
        frames
    }
}

/// The error that ends a stream. `kind` and `code` are for programs, `message` is for people.
#[must_use]
pub fn error_frame(format: WireFormat, kind: &str, code: &str, message: &str) -> RawFrame {
    let error = json!({ "type": kind, "code": code, "message": message });
    match format {
        WireFormat::Chat => {
            RawFrame { format, event: None, data: json!({ "error": error }).to_string() }
        }
        WireFormat::Messages => RawFrame {
            format,
            event: Some("error".to_owned()),
            data: json!({ "type": "error", "error": error }).to_string(),
        },
    }
}

/// The bytes of a frame in a stream of server-sent events. Data of several lines has several fields.
#[must_use]
pub fn to_sse(frame: &RawFrame) -> String {
    let mut text = String::with_capacity(frame.data.len() + 48);
    if let Some(event) = &frame.event {
        text.extend(["event: ", event, "\n"]);
    }
    for line in frame.data.split('\n') {
        text.extend(["data: ", line, "\n"]);
    }
    text.push('\n');
    text
}
