//! [`Wiped`]: a text of a user, overwritten when it is dropped.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::zeroize::Zeroize;
use serde::Deserialize;

/// A user's id, name or message in the arguments of a call. It is overwritten, so that it does not
/// stay in freed memory. Its schema is that of a string.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Wiped(String);

impl Deref for Wiped {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Wiped {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Wiped {
    fn wipe(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl JsonSchema for Wiped {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiped_text_reads_like_a_string_and_is_overwritten() {
        let mut text: Wiped = serde_json::from_str("\"98334 12506\"").expect("a string");
        assert_eq!(&*text, "98334 12506");
        text.wipe();
        assert!(text.0.is_empty() && text.0.capacity() > 0, "emptied in place");
        assert!(serde_json::from_str::<Wiped>("[1]").is_err());
    }
}
