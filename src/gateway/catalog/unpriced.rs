//! [`unpriced_field`]: what a request may not ask for, because it would cost more than the catalog's prices.

use serde_json::{Map, Value};

/// Fields that change the price of a request, each with the values that do not.
const PRICE_FIELDS: &[(&str, &[&str])] = &[
    ("service_tier", &["auto", "default", "flex", "standard_only"]),
    ("speed", &["standard"]),
    ("inference_geo", &["global"]),
];

/// Fields of features that the provider bills apart from tokens, or at the prices of other models.
const BILLED_FIELDS: &[&str] =
    &["web_search_options", "mcp_servers", "container", "audio", "fallbacks", "best_of"];

/// Beginnings of the types of tools that run at the provider, which bills them per use.
const BILLED_TOOLS: &[&str] = &[
    "web_search",
    "web_fetch",
    "code_execution",
    "code_interpreter",
    "file_search",
    "image_generation",
    "mcp",
    "advisor",
];

/// The first field of a body that makes the request cost more than its tokens at list price. `None` if it has none.
///
/// A body with such a field must be refused: neither its hold nor its charge would cover it.
#[must_use]
pub fn unpriced_field(body: &Map<String, Value>) -> Option<&'static str> {
    let changes_price = |(field, harmless): &(&'static str, &[&str])| {
        let value = body.get(*field).filter(|value| !value.is_null())?;
        let is_harmless = value.as_str().is_some_and(|value| harmless.contains(&value));
        (!is_harmless).then_some(*field)
    };
    let is_billed = |field: &&&str| body.get(**field).is_some_and(|value| !value.is_null());
    let is_billed_tool = |tool: &Value| {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        BILLED_TOOLS.iter().any(|billed| kind.starts_with(billed))
    };
    let tools = body.get("tools").and_then(Value::as_array);
    let modalities = body.get("modalities").and_then(Value::as_array);
    PRICE_FIELDS
        .iter()
        .find_map(changes_price)
        .or_else(|| BILLED_FIELDS.iter().find(is_billed).copied())
        .or_else(|| tools.is_some_and(|tools| tools.iter().any(is_billed_tool)).then_some("tools"))
        .or_else(|| {
            modalities.is_some_and(|all| all.iter().any(|m| m != "text")).then_some("modalities")
        })
}
