//! [`to_chat`]: a body of messages to one of chat completions.

use serde_json::{Map, Value, json};

use crate::gateway::provider::convert::{JsonObject, take_list, text_of, unsupported};
use crate::gateway::provider::error::ProviderError;

/// Fields that tune an answer, and that chat completions do not have.
const DROPPED: &[&str] = &[
    "cache_control",
    "context_management",
    "inference_geo",
    "max_tokens",
    "metadata",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "system",
    "thinking",
    "tool_choice",
    "top_k",
];

/// The name of a schema of the answer, which chat completions require.
const SCHEMA_NAME: &str = "answer";

/// Converts a body of messages to one of chat completions.
///
/// # Errors
/// Returns an error for a body that is not valid, and for these, which have no counterpart: tools of the provider,
/// containers, and content other than text, images and calls of tools. The reasoning of earlier answers is dropped.
pub fn to_chat(mut body: JsonObject) -> Result<JsonObject, ProviderError> {
    for name in ["mcp_servers", "container"] {
        if body.get(name).is_some_and(|value| !value.is_null()) {
            return Err(unsupported(name));
        }
    }
    let messages = take_list(&mut body, "messages")?
        .ok_or_else(|| ProviderError::invalid("messages is missing."))?;
    let mut converted = Vec::new();
    if let Some(system) = body.get("system").filter(|system| !system.is_null()) {
        converted.push(json!({ "role": "system", "content": system_text(system)? }));
    }
    for message in &messages {
        match text_of(message, "role") {
            Some("user") => user(message.get("content"), &mut converted)?,
            Some("assistant") => converted.push(assistant(message.get("content"))?),
            Some("system") => {
                let system = message.get("content").unwrap_or(&Value::Null);
                converted.push(json!({ "role": "system", "content": system_text(system)? }));
            }
            _ => return Err(unsupported("a role of a message")),
        }
    }
    let mut result = Map::new();
    result.insert("messages".into(), json!(converted));
    if let Some(tools) = take_list(&mut body, "tools")? {
        let tools = tools.iter().map(tool).collect::<Result<Vec<_>, _>>()?;
        result.insert("tools".into(), json!(tools));
    }
    tool_choice(&body, &mut result)?;
    if let Some(stop) = body.get("stop_sequences").filter(|stop| stop.is_array()) {
        result.insert("stop".into(), stop.clone());
    }
    if let Some(user) = body.get("metadata").and_then(|metadata| metadata.get("user_id"))
        && user.is_string()
    {
        result.insert("user".into(), user.clone());
    }
    output_config(&body, &mut result)?;
    DROPPED.iter().for_each(|name| drop(body.remove(*name)));
    body.retain(|_, value| !value.is_null());
    // The converted fields win over fields of the same name.
    body.extend(result);
    Ok(body)
}

fn kind(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn text_in<'a>(block: &'a Value, name: &str) -> &'a str {
    block.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list(content: &Value) -> &[Value] {
    content.as_array().map_or(&[], Vec::as_slice)
}

/// The texts of a system prompt, as a text or as parts, as they came.
fn system_text(system: &Value) -> Result<Value, ProviderError> {
    if system.is_string() {
        return Ok(system.clone());
    }
    let parts = list(system).iter().map(|block| match kind(block) {
        "text" => Ok(text_part(text_in(block, "text"))),
        _ => Err(unsupported("a system prompt other than text")),
    });
    parts.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn text_part(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// Converts a message of the user. Each result of a tool becomes a message, before the rest.
fn user(content: Option<&Value>, messages: &mut Vec<Value>) -> Result<(), ProviderError> {
    let content = content.unwrap_or(&Value::Null);
    if content.is_string() {
        messages.push(json!({ "role": "user", "content": content }));
        return Ok(());
    }
    let (mut results, mut parts) = (Vec::new(), Vec::new());
    for block in list(content) {
        if kind(block) == "tool_result" {
            results.push(tool_result(block, &mut parts)?);
        } else {
            parts.push(part(block)?);
        }
    }
    messages.append(&mut results);
    if !parts.is_empty() {
        messages.push(json!({ "role": "user", "content": parts }));
    }
    Ok(())
}

/// Converts the result of a tool. Its images go to `parts`, because such a message has only text.
fn tool_result(block: &Value, parts: &mut Vec<Value>) -> Result<Value, ProviderError> {
    let content = match block.get("content") {
        None | Some(Value::Null) => json!(""),
        Some(Value::String(text)) => json!(text),
        Some(content) => {
            let mut texts = Vec::new();
            for block in list(content) {
                match kind(block) {
                    "text" => texts.push(text_part(text_in(block, "text"))),
                    _ => parts.push(part(block)?),
                }
            }
            json!(texts)
        }
    };
    let id = text_in(block, "tool_use_id");
    Ok(json!({ "role": "tool", "tool_call_id": id, "content": content }))
}

fn part(block: &Value) -> Result<Value, ProviderError> {
    let source = block.get("source").unwrap_or(&Value::Null);
    match (kind(block), kind(source)) {
        ("text", _) => Ok(text_part(text_in(block, "text"))),
        ("image", "base64") => {
            let (media_type, data) = (text_in(source, "media_type"), text_in(source, "data"));
            let url = format!("data:{media_type};base64,{data}");
            Ok(json!({ "type": "image_url", "image_url": { "url": url } }))
        }
        ("image", "url") => {
            Ok(json!({ "type": "image_url", "image_url": { "url": text_in(source, "url") } }))
        }
        ("document", "text") => Ok(text_part(text_in(source, "data"))),
        _ => Err(unsupported("a kind of content other than text and images")),
    }
}

fn assistant(content: Option<&Value>) -> Result<Value, ProviderError> {
    let content = content.unwrap_or(&Value::Null);
    if content.is_string() {
        return Ok(json!({ "role": "assistant", "content": content }));
    }
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for block in list(content) {
        match kind(block) {
            "text" => parts.push(text_part(text_in(block, "text"))),
            "tool_use" => {
                let input = block.get("input").unwrap_or(&Value::Null);
                let function =
                    json!({ "name": text_in(block, "name"), "arguments": input.to_string() });
                let id = text_in(block, "id");
                calls.push(json!({ "id": id, "type": "function", "function": function }));
            }
            // Signed by the other provider, and of no use to this one.
            "thinking" | "redacted_thinking" => {}
            _ => return Err(unsupported("a kind of content other than text and images")),
        }
    }
    let mut message = Map::new();
    message.insert("role".into(), json!("assistant"));
    let content = if parts.is_empty() { Value::Null } else { json!(parts) };
    message.insert("content".into(), content);
    if !calls.is_empty() {
        message.insert("tool_calls".into(), json!(calls));
    }
    Ok(Value::Object(message))
}

fn tool(tool: &JsonObject) -> Result<Value, ProviderError> {
    let is_own = matches!(text_of(tool, "type"), None | Some("custom"));
    if !is_own || !tool.contains_key("input_schema") {
        return Err(unsupported("tools of the provider"));
    }
    let mut function = Map::new();
    for (from, to) in [
        ("name", "name"),
        ("description", "description"),
        ("input_schema", "parameters"),
        ("strict", "strict"),
    ] {
        if let Some(value) = tool.get(from).filter(|value| !value.is_null()) {
            function.insert(to.into(), value.clone());
        }
    }
    Ok(json!({ "type": "function", "function": function }))
}

fn tool_choice(body: &JsonObject, result: &mut JsonObject) -> Result<(), ProviderError> {
    let Some(choice) = body.get("tool_choice").filter(|choice| !choice.is_null()) else {
        return Ok(());
    };
    let converted = match kind(choice) {
        "auto" => json!("auto"),
        "none" => json!("none"),
        "any" => json!("required"),
        "tool" => json!({ "type": "function", "function": { "name": text_in(choice, "name") } }),
        _ => return Err(ProviderError::invalid("tool_choice is not valid.")),
    };
    result.insert("tool_choice".into(), converted);
    if choice.get("disable_parallel_tool_use") == Some(&json!(true)) {
        result.insert("parallel_tool_calls".into(), json!(false));
    }
    Ok(())
}

fn output_config(body: &JsonObject, result: &mut JsonObject) -> Result<(), ProviderError> {
    let Some(config) = body.get("output_config") else { return Ok(()) };
    if let Some(format) = config.get("format").filter(|format| !format.is_null()) {
        let schema = format.get("schema").filter(|_| kind(format) == "json_schema");
        let schema = schema.ok_or_else(|| unsupported("this format of the answer"))?;
        let schema = json!({ "name": SCHEMA_NAME, "schema": schema, "strict": true });
        result.insert(
            "response_format".into(),
            json!({ "type": "json_schema", "json_schema": schema }),
        );
    }
    if let Some(effort @ ("low" | "medium" | "high")) = config.get("effort").and_then(Value::as_str)
    {
        result.insert("reasoning_effort".into(), json!(effort));
    }
    Ok(())
}
