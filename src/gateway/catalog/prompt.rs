//! [`PromptSize`]: the size of a request's input, estimated before a provider counts it.
//!
//! The estimate is meant as a bound: text is counted with the tokenizer of OpenAI's current models and a margin,
//! and a model's images with the largest number of tokens that its provider documents. The text for a model with an
//! unknown tokenizer is counted in bytes, which no tokenizer exceeds. The time is linear in the size of the body. For a large body it is milliseconds of computing, so that a caller may want another thread.

use serde_json::{Map, Value};

use super::model::{CatalogModel, ModelTokenizer};
use super::provider::ProviderFormat;

/// Tokens of a text for Anthropic's models, in percent of those in o200k. Anthropic publishes no tokenizer: an estimate
/// without a margin.
pub const MESSAGES_PERCENT: u64 = 115;

/// Tokens that frame a message: its beginning, role and end.
const MESSAGE_TOKENS: u64 = 4;

/// Tokens that frame a request: the beginning of the answer. OpenAI's guide to counting tokens has 3.
const REQUEST_TOKENS: u64 = 8;

/// The same for a model with an unknown template. Templates write a system message if a request has none: that of
/// SmolLM2 has 18 tokens, that of gpt-oss about 80.
const UNKNOWN_REQUEST_TOKENS: u64 = 128;

/// Tokens that frame a message of a model with an unknown template.
const UNKNOWN_MESSAGE_TOKENS: u64 = 16;

/// Bytes that frame a field of data, which a template may indent.
const FIELD_BYTES: u64 = 8;

/// Tokens that frame the declaration of a tool, beyond its text.
const TOOL_TOKENS: u64 = 16;

/// Tokens of the instructions that a provider adds if a request has tools. Anthropic's page on tool use has up to
/// 530 for a model.
const TOOLS_PROMPT_TOKENS: u64 = 700;

/// Fields of a body whose texts are a conversation; those of all others are data.
const CONVERSATION: [&str; 2] = ["messages", "system"];

/// Types of a content block that is an image.
const IMAGES: [&str; 3] = ["image", "image_url", "input_image"];

/// Types of a content block that is a file.
const FILES: [&str; 6] =
    ["document", "file", "input_file", "container_upload", "input_audio", "video_url"];

/// Size of the texts of a large body, in bytes.
const LARGE_BYTES: usize = 64 * 1024;

/// The size of a request's input, before the model is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptSize {
    /// Tokens of all text in o200k, the encoding of OpenAI's current models.
    text_tokens: u64,
    /// Bytes of all text, with [`FIELD_BYTES`].
    text_bytes: u64,
    messages: u64,
    /// Tokens that frame tools.
    tool_tokens: u64,
    images: u64,
    /// Characters of files in Base64. Each counts as a token.
    file_characters: u64,
    /// A part has a size that only the provider knows, such as a file that it stores.
    is_unknown: bool,
    /// The number of answers that the request asks for.
    answers: u32,
    long_cache_writes: bool,
}

impl PromptSize {
    /// Measures the body of a request in either format.
    #[must_use]
    pub fn of(body: &Map<String, Value>) -> Self {
        let answers = body.get("n").and_then(Value::as_u64).unwrap_or(1).max(1);
        let mut size = Self {
            answers: u32::try_from(answers).unwrap_or(u32::MAX),
            long_cache_writes: body.contains_key("prompt_cache_retention"),
            ..Self::default()
        };
        size.find_cache_control(body);
        for (field, value) in body {
            if CONVERSATION.contains(&field.as_str()) {
                size.add_content(value);
            } else if field != "model" {
                size.add_text(field);
                size.add_data(value);
            }
        }
        let count = |field: &str| body.get(field).and_then(Value::as_array).map_or(0, Vec::len);
        size.messages = (count("messages") + usize::from(body.contains_key("system"))) as u64;
        let tools = count("tools") + count("functions");
        if tools > 0 {
            size.tool_tokens = tools as u64 * TOOL_TOKENS + TOOLS_PROMPT_TOKENS;
        }
        size
    }

    /// The number of answers that the request asks for, at least 1.
    #[must_use]
    pub const fn answers(&self) -> u32 {
        self.answers
    }

    /// Whether the provider may be asked to cache the input for an hour or longer.
    #[must_use]
    pub const fn long_cache_writes(&self) -> bool {
        self.long_cache_writes
    }

    /// Whether the input has neither tools nor images or files.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        let has_media = self.images > 0 || self.file_characters > 0 || self.is_unknown;
        self.tool_tokens == 0 && !has_media
    }

    /// The input in tokens of this model, at most. Never more than the model accepts.
    #[must_use]
    pub fn input_tokens(&self, model: &CatalogModel) -> u64 {
        let bound = match self.estimate(model) {
            None => u64::MAX,
            Some(tokens) if model.tokenizer == ModelTokenizer::Vendor => {
                tokens.saturating_add(REQUEST_TOKENS)
            }
            Some(_) => {
                let frames = self.messages.saturating_mul(UNKNOWN_MESSAGE_TOKENS);
                let frames = frames.saturating_add(UNKNOWN_REQUEST_TOKENS);
                self.with_media(model, self.text_bytes).saturating_add(frames)
            }
        };
        bound.min(model.max_input_tokens)
    }

    /// Whether the model accepts the input, by this estimate.
    #[must_use]
    pub fn fits(&self, model: &CatalogModel) -> bool {
        self.estimate(model).is_none_or(|tokens| tokens <= model.max_input_tokens)
    }

    /// The input in tokens of this model as far as it can be known, without a margin: for a provider that does not count
    /// it.
    #[must_use]
    pub fn likely_input_tokens(&self, model: &CatalogModel) -> u64 {
        let percent = match model.format {
            ProviderFormat::Chat => 100,
            ProviderFormat::Messages => MESSAGES_PERCENT,
        };
        self.tokens(model, percent).min(model.max_input_tokens)
    }

    /// An upper estimate. `None` if only the provider knows the size.
    fn estimate(&self, model: &CatalogModel) -> Option<u64> {
        // Anthropic publishes no tokenizer.
        let percent = match model.format {
            ProviderFormat::Chat => 110,
            ProviderFormat::Messages => 125,
        };
        (!self.is_unknown).then(|| self.tokens(model, percent))
    }

    fn tokens(&self, model: &CatalogModel, percent: u64) -> u64 {
        let text = self.text_tokens.saturating_mul(percent).div_ceil(100);
        let frames = self.messages.saturating_mul(MESSAGE_TOKENS);
        self.with_media(model, text).saturating_add(frames)
    }

    /// The tokens of this text, and of all that is no text.
    fn with_media(&self, model: &CatalogModel, text: u64) -> u64 {
        let images = self.images.saturating_mul(model.image_tokens);
        let parts = [text, images, self.tool_tokens, self.file_characters];
        parts.into_iter().fold(0, u64::saturating_add)
    }

    fn add_text(&mut self, text: &str) {
        self.text_tokens += text_tokens(text);
        self.text_bytes += text.len() as u64;
    }

    /// Adds a part of a conversation. Names of fields are no input.
    fn add_content(&mut self, value: &Value) {
        match value {
            Value::Array(parts) => parts.iter().for_each(|part| self.add_content(part)),
            Value::Object(part) => self.add_block(part),
            other => self.add_data(other),
        }
    }

    fn add_block(&mut self, block: &Map<String, Value>) {
        let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
        if IMAGES.contains(&kind) {
            self.images += 1;
            self.find_cache_control(block);
            return;
        }
        if FILES.contains(&kind) {
            self.find_cache_control(block);
            self.add_file(block);
            return;
        }
        for (field, value) in block {
            match field.as_str() {
                // The arguments of a tool's call may have any form.
                "input" | "arguments" => self.add_data(value),
                "cache_control" => self.find_cache_control(block),
                _ => self.add_content(value),
            }
        }
    }

    /// Adds a file: its text, or the length of its Base64. The provider decides what a page costs, but no format
    /// has more tokens than characters.
    fn add_file(&mut self, block: &Map<String, Value>) {
        let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
        let source = ["source", kind].into_iter().find_map(|field| block.get(field)?.as_object());
        let Some(source) = source else {
            self.is_unknown = true;
            return;
        };
        let text = |field: &str| source.get(field).and_then(Value::as_str);
        match (text("type"), text("data").or_else(|| text("file_data"))) {
            (Some("text"), Some(data)) => self.add_text(data),
            (_, Some(data)) => self.file_characters += data.len() as u64,
            (Some("content"), None) => source.values().for_each(|part| self.add_content(part)),
            _ => self.is_unknown = true,
        }
        for field in ["title", "context"] {
            if let Some(text) = block.get(field) {
                self.add_data(text);
            }
        }
    }

    /// Adds data in JSON, with the names of its fields.
    fn add_data(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) => {
                self.text_tokens += 1;
                self.text_bytes += FIELD_BYTES;
            }
            Value::Number(number) => self.add_text(&number.to_string()),
            Value::String(text) => self.add_text(text),
            Value::Array(items) => {
                self.text_bytes += items.len() as u64 * FIELD_BYTES;
                items.iter().for_each(|item| self.add_data(item));
            }
            Value::Object(fields) => {
                self.find_cache_control(fields);
                self.text_bytes += fields.len() as u64 * FIELD_BYTES;
                for (field, value) in fields {
                    self.add_text(field);
                    self.add_data(value);
                }
            }
        }
    }

    fn find_cache_control(&mut self, fields: &Map<String, Value>) {
        let ttl = fields.get("cache_control").and_then(|control| control.get("ttl"));
        self.long_cache_writes |= ttl.is_some_and(|ttl| ttl != "5m");
    }
}

/// Whether a body has so much text that [`PromptSize::of`] takes milliseconds.
#[must_use]
pub fn is_large(body: &Map<String, Value>) -> bool {
    /// Takes the size of the texts from `left`. Returns `false` if it is used up.
    fn take(value: &Value, left: &mut usize) -> bool {
        let size = match value {
            Value::String(text) => text.len(),
            Value::Array(items) => return items.iter().all(|item| take(item, left)),
            Value::Object(fields) => return fields.values().all(|field| take(field, left)),
            _ => 1,
        };
        left.checked_sub(size).map(|rest| *left = rest).is_some()
    }
    let mut left = LARGE_BYTES;
    !body.values().all(|value| take(value, &mut left))
}

/// Loads the encoding now, so that the first request does not wait for it.
pub fn warm_up() {
    bpe_openai::o200k_base();
}

/// Tokens of a text in o200k, the encoding of OpenAI's current models, without a margin.
#[must_use]
pub fn text_tokens(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}
