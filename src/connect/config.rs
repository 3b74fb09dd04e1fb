//! The settings of the toolset `connect`: `MY_NUMBER`.
//!
//! The settings of the chat itself are the server's, because the channels and other toolsets offer the
//! chat without this toolset.

use std::sync::Arc;

use secrecy::SecretString;

use super::chat_parts::ChatParts;
use super::tools::ConnectTools;
use crate::kernel::settings::{EchoValue, Setting, SettingsReader};
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{BuiltToolset, ToolsetPlan};

pub const SETTINGS: &[Setting] = &[Setting {
    name: "MY_NUMBER",
    default: "none",
    meaning: "Phone number that `validate` returns to Puch: 7 to 15 digits, country code first.",
}];

#[derive(Debug)]
struct ConnectPlan {
    /// The phone number that `validate` returns.
    my_number: Option<SecretString>,
}

/// Reads the settings.
pub fn read(reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
    let my_number = reader.read("MY_NUMBER", EchoValue::Redacted, phone_number);
    if !reader.is_set("MY_NUMBER") {
        reader.warn("MY_NUMBER is not set: Puch AI can't validate this server");
    }
    Arc::new(ConnectPlan { my_number })
}

/// Parses a phone number: country code first, 7 to 15 digits (E.164), no `+`, no separators.
fn phone_number(text: &str) -> Result<SecretString, &'static str> {
    let valid = (7..=15).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('0');
    if valid {
        Ok(SecretString::from(text))
    } else {
        Err("7 to 15 digits, country code first, such as 919876543210")
    }
}

impl ToolsetPlan for ConnectPlan {
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let chat = parts.service::<ChatParts>()?;
        let tools = ConnectTools::new(Arc::clone(&chat.connect), self.my_number.clone());
        Ok(BuiltToolset::new(Arc::new(tools)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems and warnings with this value.
    fn read_with(value: &str) -> (Vec<String>, Vec<String>, String) {
        let lookup = |_: &str| Some(value.into());
        let mut reader = SettingsReader::new(&lookup);
        let plan = format!("{:?}", read(&mut reader));
        let (warnings, shown) = (reader.take_warnings(), reader.shown(&SETTINGS[0]));
        let problems = reader.finish(()).err().unwrap_or_default();
        (problems.iter().map(ToString::to_string).collect(), warnings, format!("{plan} {shown}"))
    }

    #[test]
    fn config_my_number_is_digits_and_never_shown() {
        let (problems, warnings, shown) = read_with("919876543210");
        assert!(problems.is_empty() && warnings.is_empty() && !shown.contains("9876"), "{shown}");
        for wrong in ["+91 91234 56780", "091234567", "123456", "1234567890123456"] {
            let (problems, ..) = read_with(wrong);
            assert!(problems[0].starts_with("MY_NUMBER=(not shown): expected 7 to 15 digits"));
        }
        assert_eq!(read_with(" ").1, ["MY_NUMBER is not set: Puch AI can't validate this server"]);
    }
}
