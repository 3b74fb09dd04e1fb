//! [`tool_input`]: the arguments of a call of a tool as an object, which messages require.

use serde_json::{Value, json};

/// The field that holds arguments that are no JSON object, such as those that the limit of tokens has cut. Anthropic
/// recommends it for invalid JSON (platform.claude.com, fine-grained tool streaming).
const INVALID_JSON: &str = "INVALID_JSON";

/// `arguments` is the text that the model has written; empty means none.
pub(super) fn tool_input(arguments: &str) -> Value {
    if arguments.is_empty() {
        return json!({});
    }
    match serde_json::from_str(arguments) {
        Ok(input @ Value::Object(_)) => input,
        _ => json!({ INVALID_JSON: arguments }),
    }
}
