//! [`Arguments`] and [`parse_arguments`]: the arguments of a tool, or an error by which the
//! model can correct them.
//!
//! No error quotes a value, because that may be a message or a raw id. Unknown arguments are ignored,
//! unless the type denies them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess};
use serde_json::Value;
use serde_json::map::IntoIter;

use super::schema::input_schema;

/// A tool's arguments. One that is `null` counts as omitted, because many models write optional
/// arguments that way.
pub struct Arguments<T>(pub T);

/// A tool's arguments, for tools of operators: `null` is an invalid value unless the type accepts it,
/// because the default of an omitted argument may not be what the operator meant.
pub struct StrictArguments<T>(pub T);

impl<S, T: DeserializeOwned + JsonSchema + Any> FromContextPart<ToolCallContext<'_, S>>
    for Arguments<T>
{
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        from_object(context.arguments.take().unwrap_or_default(), Null::Omits).map(Self)
    }
}

impl<S, T: DeserializeOwned + JsonSchema + Any> FromContextPart<ToolCallContext<'_, S>>
    for StrictArguments<T>
{
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        from_object(context.arguments.take().unwrap_or_default(), Null::IsValue).map(Self)
    }
}

/// The meaning of an argument that is `null`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    Omits,
    IsValue,
}

/// Parses a tool's arguments from JSON text without surrounding whitespace.
///
/// # Errors
/// Returns JSON-RPC error -32602, which names the first invalid argument and the expected type.
pub fn parse_arguments<T: DeserializeOwned + JsonSchema + Any>(
    arguments: &str,
) -> Result<T, ErrorData> {
    // serde would accept an array as the fields in order.
    if !arguments.starts_with('{') {
        return Err(invalid("Invalid arguments: expected an object.".to_owned()));
    }
    serde_json::from_str(arguments).or_else(|_| {
        let object = serde_json::from_str(arguments);
        let not_json = |_| invalid("Invalid arguments: not valid JSON.".to_owned());
        from_object(object.map_err(not_json)?, Null::IsValue)
    })
}

fn from_object<T: DeserializeOwned + JsonSchema + Any>(
    arguments: JsonObject,
    null: Null,
) -> Result<T, ErrorData> {
    let mut access = ArgumentAccess {
        arguments: arguments.into_iter(),
        null,
        value: None,
        name: String::new(),
        is_in_value: false,
    };
    T::deserialize(MapAccessDeserializer::new(&mut access)).map_err(|error| {
        let invalid_name = access.is_in_value.then_some(access.name.as_str());
        invalid(describe::<T>(&error.to_string(), invalid_name))
    })
}

fn invalid(message: String) -> ErrorData {
    ErrorData::invalid_params(message, None)
}

/// Describes a deserialization error. `wrong_type` is the argument whose value was refused.
fn describe<T: JsonSchema + Any>(error: &str, wrong_type: Option<&str>) -> String {
    if let Some(name) = wrong_type {
        return format!("Invalid arguments: {name} must be {}.", Expected::of::<T>(name));
    }
    // Only these messages of serde quote no value.
    let quoted = error.split('`').nth(1);
    match quoted {
        Some(name) if error.starts_with("missing field") => {
            let expected = Expected::of::<T>(name);
            format!("Invalid arguments: {name} is missing, it must be {expected}.")
        }
        Some(_) if error.starts_with("unknown field") => format!("Invalid arguments: {error}."),
        _ => "Invalid arguments: see the tool's input schema.".to_owned(),
    }
}

/// The type of an argument, in words.
struct Expected(Value);

impl Expected {
    fn of<T: JsonSchema + Any>(name: &str) -> Self {
        let schema = input_schema::<T>();
        let schema = Value::Object(Arc::unwrap_or_clone(schema));
        let mut property = &schema["properties"][name];
        // An enumeration is defined beside the properties; an optional one is an alternative to null.
        let reference = property["$ref"].as_str().or(property["anyOf"][0]["$ref"].as_str());
        if let Some(reference) = reference.and_then(|reference| reference.strip_prefix('#')) {
            property = schema.pointer(reference).unwrap_or(property);
        }
        Self(property.clone())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of an enumeration, which may have descriptions.
        let names = |schema: &Value| -> Vec<String> {
            let listed = schema["enum"].as_array().into_iter().flatten();
            let texts = listed.chain([&schema["const"]]).filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        let described = self.0["oneOf"].as_array().into_iter().flatten();
        let values: Vec<_> = [&self.0].into_iter().chain(described).flat_map(names).collect();
        if !values.is_empty() {
            return write!(f, "one of {}", values.join(", "));
        }
        // An optional argument has the types [T, "null"].
        let kind = match &self.0["type"] {
            Value::Array(kinds) => kinds.first().and_then(Value::as_str),
            kind => kind.as_str(),
        };
        f.write_str(match kind {
            Some("string") => "a string",
            Some("integer") if self.0["minimum"] == 0 => "a whole number, not negative",
            Some("integer") => "a whole number",
            Some("number") => "a number",
            Some("boolean") => "true or false",
            Some("array") if self.0["items"]["type"] == "string" => "an array of strings",
            Some("array") => "an array",
            Some("object") => "an object",
            _ => "as in the tool's input schema",
        })
    }
}

/// Hands out arguments without copying them, and remembers the name of the last one.
struct ArgumentAccess {
    arguments: IntoIter,
    null: Null,
    value: Option<Value>,
    name: String,
    /// Whether the value of `name` is being read.
    is_in_value: bool,
}

impl<'de> MapAccess<'de> for &mut ArgumentAccess {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let omits_null = self.null == Null::Omits;
        let arguments = self.arguments.by_ref();
        let Some((name, value)) = arguments.find(|(_, value)| !(omits_null && value.is_null()))
        else {
            return Ok(None);
        };
        (self.name, self.value) = (name, Some(value));
        seed.deserialize(StrDeserializer::new(&self.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        self.is_in_value = true;
        let value = seed.deserialize(self.value.take().unwrap_or_default())?;
        self.is_in_value = false;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        text: String,
        count: Option<u64>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        flag: bool,
    }

    fn parse(arguments: &Value, null: Null) -> Result<Sample, String> {
        let object = arguments.as_object().cloned().expect("an object");
        from_object(object, null).map_err(|error| error.message.into_owned())
    }

    #[test]
    fn arguments_error_names_the_argument_and_the_expected_type() {
        for (arguments, error) in [
            (json!({}), "text is missing, it must be a string."),
            (json!({ "text": 9_876 }), "text must be a string."),
            (json!({ "text": ["9876"] }), "text must be a string."),
            (json!({ "text": "a", "count": -1 }), "count must be a whole number, not negative."),
            (
                json!({ "text": "a", "count": "9876" }),
                "count must be a whole number, not negative.",
            ),
            (json!({ "text": "a", "tags": "9876" }), "tags must be an array of strings."),
            (json!({ "text": "a", "tags": [9_876] }), "tags must be an array of strings."),
            (json!({ "text": "a", "flag": "9876" }), "flag must be true or false."),
        ] {
            let error = Err(format!("Invalid arguments: {error}"));
            assert_eq!(parse(&arguments, Null::Omits), error);
            assert_eq!(parse(&arguments, Null::IsValue), error);
            let from_text = parse_arguments::<Sample>(&arguments.to_string());
            assert_eq!(from_text.map_err(|error| error.message.into_owned()), error);
        }
        let unknown = parse(&json!({ "text": "a", "other": 9_876 }), Null::Omits);
        let unknown = unknown.expect_err("unknown");
        assert!(unknown.contains("unknown field `other`") && !unknown.contains("9876"));
    }

    #[test]
    fn arguments_that_are_null_count_as_omitted_unless_strict() {
        let arguments = json!({ "text": "a", "count": null, "tags": null, "flag": null });
        let omitted = Sample { text: "a".into(), count: None, tags: Vec::new(), flag: false };
        assert_eq!(parse(&arguments, Null::Omits), Ok(omitted));
        let missing = "Invalid arguments: text is missing, it must be a string.".to_owned();
        assert_eq!(parse(&json!({ "text": null }), Null::Omits), Err(missing));
        let refused = "Invalid arguments: flag must be true or false.".to_owned();
        let arguments = json!({ "text": "a", "flag": null });
        assert_eq!(parse(&arguments, Null::IsValue), Err(refused.clone()));
        let from_text = parse_arguments::<Sample>(&arguments.to_string());
        assert_eq!(from_text.map_err(|error| error.message.into_owned()), Err(refused));
    }
}
