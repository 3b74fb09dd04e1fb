//! JSON Schemas of tools, [`input_schema`] and [`output_schema`], and results with the latter: [`structured_result`].
//!
//! Validators with their default settings must accept them. schemars writes the Rust type of a number
//! as `format`, such as `uint64`, which JSON Schema does not define, and Ajv refuses every format that it
//! was not given: formats are removed. So is `$schema`, because validators of another draft refuse it; MCP
//! schemas without it are of draft 2020-12.

use std::any::Any;
use std::sync::Arc;

use rmcp::handler::server::common::{schema_for_input, schema_for_output};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// Returns the schema of a tool's arguments.
///
/// # Panics
/// Panics if `T` is not an object, which a test of the toolset finds.
#[must_use]
pub fn input_schema<T: JsonSchema + Any>() -> Arc<JsonObject> {
    let mut schema = schema_for_input::<T>().expect("the schema of a struct is an object");
    // Some clients refuse a tool without this member.
    Arc::make_mut(&mut schema).entry("properties").or_insert_with(|| json!({}));
    portable(schema)
}

/// Returns the schema of a tool's structured result.
#[must_use]
pub fn output_schema<T: JsonSchema + Any>() -> Arc<JsonObject> {
    portable(schema_for_output::<T>())
}

/// Returns a result as structured JSON, and as text for clients that read only text.
#[must_use]
pub fn structured_result(output: &impl Serialize) -> CallToolResult {
    let value = serde_json::to_value(output).unwrap_or_default();
    let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
    result.structured_content = Some(value);
    result
}

/// Removes `$schema` and all formats.
fn portable(schema: Arc<JsonObject>) -> Arc<JsonObject> {
    let mut schema = Arc::unwrap_or_clone(schema);
    schema.remove("$schema");
    remove_formats(&mut schema);
    Arc::new(schema)
}

fn remove_formats(schema: &mut JsonObject) {
    // A property of this name has a schema, not a string.
    if schema.get("format").is_some_and(Value::is_string) {
        schema.remove("format");
    }
    schema.values_mut().for_each(remove_nested_formats);
}

fn remove_nested_formats(value: &mut Value) {
    match value {
        Value::Object(object) => remove_formats(object),
        Value::Array(items) => items.iter_mut().for_each(remove_nested_formats),
        _ => {}
    }
}
