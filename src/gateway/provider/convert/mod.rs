//! Conversions of a request's body from one format to the other. They are pure.
//!
//! A field that changes the meaning of the answer, and that the other format does not have, is an error: the caller
//! must know. A field that only tunes the answer, such as a seed, is dropped. Unknown fields stay as they are.

pub mod to_chat;
pub mod to_messages;

use serde_json::{Map, Value};

use crate::gateway::provider::error::ProviderError;

type JsonObject = Map<String, Value>;

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn text_of<'a>(fields: &'a JsonObject, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

fn unsupported(feature: &str) -> ProviderError {
    ProviderError::invalid(&format!("The chosen model does not support {feature}."))
}

/// Takes a list of objects out of a body.
fn take_list(body: &mut JsonObject, name: &str) -> Result<Option<Vec<JsonObject>>, ProviderError> {
    let no_list = || ProviderError::invalid(&format!("{name} must be a list of objects."));
    match body.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let objects = items.into_iter().map(|item| match item {
                Value::Object(fields) => Ok(fields),
                _ => Err(no_list()),
            });
            objects.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(no_list()),
    }
}
