//! [`to_messages`]: a body of chat completions to one of messages.

use serde_json::{Map, Value, json};

use crate::gateway::provider::convert::{JsonObject, object, take_list, text_of, unsupported};
use crate::gateway::provider::error::ProviderError;
use crate::gateway::provider::tool_input::tool_input;

/// Fields that tune an answer, and that messages do not have.
const DROPPED: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "metadata",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "stream_options",
    "tool_choice",
    "user",
    "verbosity",
];

/// Converts a body of chat completions to one of messages.
///
/// # Errors
/// Returns an error for a body that is not valid, and for these, which have no counterpart: several choices, audio,
/// files, the old functions, log probabilities, a JSON object without a schema, and a conversation without content.
pub fn to_messages(mut body: JsonObject) -> Result<JsonObject, ProviderError> {
    check(&body)?;
    let messages = take_list(&mut body, "messages")?
        .ok_or_else(|| ProviderError::invalid("messages is missing."))?;
    let mut turns = Turns::default();
    for message in &messages {
        turns.add(message)?;
    }
    if turns.messages.is_empty() {
        return Err(unsupported("a conversation without content"));
    }
    let mut result = Map::new();
    if !turns.system.is_empty() {
        result.insert("system".into(), json!(turns.system));
    }
    result.insert("messages".into(), json!(turns.messages));
    let choice = tool_choice(&body)?;
    if let Some(tools) = take_list(&mut body, "tools")? {
        let tools = tools.iter().map(tool).collect::<Result<Vec<_>, _>>()?;
        result.insert("tools".into(), json!(tools));
    }
    if let Some(choice) = choice {
        result.insert("tool_choice".into(), choice);
    }
    match body.remove("stop") {
        Some(Value::String(stop)) => drop(result.insert("stop_sequences".into(), json!([stop]))),
        Some(stop @ Value::Array(_)) => drop(result.insert("stop_sequences".into(), stop)),
        _ => {}
    }
    // From 0 to 2 there, from 0 to 1 here.
    if let Some(temperature) = body.remove("temperature").and_then(|value| value.as_f64()) {
        let number = if temperature > 1.0 { json!(1) } else { json!(temperature) };
        result.insert("temperature".into(), number);
    }
    if let Some(user) = text_of(&body, "user") {
        result.insert("metadata".into(), json!({ "user_id": user }));
    }
    if let Some(config) = output_config(&body)? {
        result.insert("output_config".into(), config);
    }
    DROPPED.iter().for_each(|name| drop(body.remove(*name)));
    body.retain(|_, value| !value.is_null());
    // The converted fields win over fields of the same name.
    body.extend(result);
    Ok(body)
}

/// Refuses features that messages do not have.
fn check(body: &JsonObject) -> Result<(), ProviderError> {
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    if body.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1) {
        return Err(unsupported("several choices (n)"));
    }
    if body.get("logprobs") == Some(&json!(true)) || has("top_logprobs") {
        return Err(unsupported("log probabilities (logprobs)"));
    }
    for name in ["audio", "functions", "function_call", "web_search_options"] {
        if has(name) {
            return Err(unsupported(name));
        }
    }
    let modalities = body.get("modalities").and_then(Value::as_array).into_iter().flatten();
    if modalities.into_iter().any(|modality| modality != &json!("text")) {
        return Err(unsupported("modalities other than text"));
    }
    Ok(())
}

/// The messages so far. Consecutive messages of one role become one, because roles must alternate.
#[derive(Default)]
struct Turns {
    system: Vec<Value>,
    messages: Vec<Value>,
}

impl Turns {
    fn add(&mut self, message: &JsonObject) -> Result<(), ProviderError> {
        let role = text_of(message, "role").unwrap_or_default().to_owned();
        match role.as_str() {
            "system" | "developer" => self.system.extend(blocks(message.get("content"))?),
            "user" => self.push("user", blocks(message.get("content"))?),
            "assistant" => self.push("assistant", assistant(message)?),
            "tool" => {
                let id = text_of(message, "tool_call_id")
                    .ok_or_else(|| ProviderError::invalid("A tool message has no tool_call_id."))?;
                let content = match message.get("content") {
                    Some(Value::String(text)) => json!(text),
                    content => json!(blocks(content)?),
                };
                let result =
                    json!({ "type": "tool_result", "tool_use_id": id, "content": content });
                self.push("user", vec![result]);
            }
            _ => return Err(unsupported("a role of a message")),
        }
        Ok(())
    }

    fn push(&mut self, role: &str, blocks: Vec<Value>) {
        let last = self.messages.last_mut().filter(|last| last.get("role") == Some(&json!(role)));
        match last.and_then(|last| last.get_mut("content")).and_then(Value::as_array_mut) {
            Some(content) => content.extend(blocks),
            None if blocks.is_empty() => {}
            None => self.messages.push(json!({ "role": role, "content": blocks })),
        }
    }
}

/// Converts a content: a text, or a list of parts. Empty texts are refused by messages, and dropped.
fn blocks(content: Option<&Value>) -> Result<Vec<Value>, ProviderError> {
    let text = |text: &str| (!text.is_empty()).then(|| json!({ "type": "text", "text": text }));
    match content {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(content)) => Ok(text(content).into_iter().collect()),
        Some(Value::Array(parts)) => {
            let mut blocks = Vec::new();
            for part in parts {
                match part.get("type").and_then(Value::as_str) {
                    Some(kind @ ("text" | "refusal")) => {
                        let part = part.get(kind).and_then(Value::as_str).unwrap_or_default();
                        blocks.extend(text(part));
                    }
                    Some("image_url") => blocks.push(image(part)?),
                    _ => return Err(unsupported("a kind of content other than text and images")),
                }
            }
            Ok(blocks)
        }
        Some(_) => Err(ProviderError::invalid("content must be a text or a list.")),
    }
}

fn image(part: &Value) -> Result<Value, ProviderError> {
    let url = part.get("image_url").and_then(|image| image.get("url")).and_then(Value::as_str);
    let url = url.ok_or_else(|| ProviderError::invalid("An image has no url."))?;
    let source = match url.strip_prefix("data:") {
        Some(data) => {
            let (media_type, data) = data
                .split_once(";base64,")
                .ok_or_else(|| ProviderError::invalid("The data of an image must be base64."))?;
            json!({ "type": "base64", "media_type": media_type, "data": data })
        }
        None => json!({ "type": "url", "url": url }),
    };
    Ok(json!({ "type": "image", "source": source }))
}

fn assistant(message: &JsonObject) -> Result<Vec<Value>, ProviderError> {
    if message.get("function_call").is_some_and(|call| !call.is_null()) {
        return Err(unsupported("function_call"));
    }
    let mut content = blocks(message.get("content"))?;
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    for call in calls {
        let invalid = || ProviderError::invalid("A tool call is not valid.");
        let function = call.get("function").ok_or_else(invalid)?;
        let text =
            |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let (id, name) = (text(call, "id"), text(function, "name"));
        let (id, name) = (id.ok_or_else(invalid)?, name.ok_or_else(invalid)?);
        let input = tool_input(&text(function, "arguments").unwrap_or_default());
        content.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
    }
    Ok(content)
}

fn tool(tool: &JsonObject) -> Result<Value, ProviderError> {
    let function = match tool.get("function") {
        Some(Value::Object(function)) if text_of(tool, "type") == Some("function") => function,
        _ => return Err(unsupported("tools other than functions")),
    };
    let mut converted = Map::new();
    for (from, to) in [
        ("name", "name"),
        ("description", "description"),
        ("parameters", "input_schema"),
        ("strict", "strict"),
    ] {
        if let Some(value) = function.get(from).filter(|value| !value.is_null()) {
            converted.insert(to.into(), value.clone());
        }
    }
    converted.entry("input_schema").or_insert_with(|| json!({ "type": "object" }));
    Ok(Value::Object(converted))
}

fn tool_choice(body: &JsonObject) -> Result<Option<Value>, ProviderError> {
    let choice = match body.get("tool_choice") {
        None | Some(Value::Null) => None,
        Some(Value::String(mode)) => Some(match mode.as_str() {
            "auto" => json!({ "type": "auto" }),
            "none" => json!({ "type": "none" }),
            "required" => json!({ "type": "any" }),
            _ => return Err(ProviderError::invalid("tool_choice is not valid.")),
        }),
        Some(choice) => {
            let name = choice.get("function").and_then(|function| function.get("name"));
            let name = name.ok_or_else(|| unsupported("this kind of tool_choice"))?;
            Some(json!({ "type": "tool", "name": name }))
        }
    };
    let has_tools = body.get("tools").is_some_and(Value::is_array);
    if body.get("parallel_tool_calls") != Some(&json!(false)) || !has_tools {
        return Ok(choice);
    }
    let mut choice = object(choice.unwrap_or_else(|| json!({ "type": "auto" })));
    if text_of(&choice, "type") != Some("none") {
        choice.insert("disable_parallel_tool_use".into(), json!(true));
    }
    Ok(Some(Value::Object(choice)))
}

/// The schema of the answer and the effort of the reasoning, beside the caller's own settings.
fn output_config(body: &JsonObject) -> Result<Option<Value>, ProviderError> {
    let mut config = match body.get("output_config") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    if let Some(format) = body.get("response_format").filter(|format| !format.is_null()) {
        match format.get("type").and_then(Value::as_str) {
            Some("text") => {}
            Some("json_schema") => {
                let schema = format.get("json_schema").and_then(|format| format.get("schema"));
                let schema = schema
                    .ok_or_else(|| ProviderError::invalid("response_format has no schema."))?;
                let format = json!({ "type": "json_schema", "schema": schema });
                config.insert("format".into(), format);
            }
            _ => return Err(unsupported("a response_format without a JSON schema")),
        }
    }
    match text_of(body, "reasoning_effort") {
        Some(effort @ ("low" | "medium" | "high")) => {
            config.insert("effort".into(), json!(effort));
        }
        Some("minimal") => drop(config.insert("effort".into(), json!("low"))),
        _ => {}
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}
