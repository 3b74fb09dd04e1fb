//! [`CatalogFile`]: the format of `gateway.toml` and of the table that ships with the server.
//!
//! Every field of an entry is optional, because an entry of `gateway.toml` changes the one of the same name that
//! ships with the server. [`merge`](super::merge) checks that the entries are complete together.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer};
use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::address::ServiceUrl;
use super::model::ModelTokenizer;
use super::price::TokenPrice;
use super::provider::{AbandonPolicy, ProviderFormat, ProviderTimeLimits};
use super::roles::ROLES;

/// The ending of a variable that may have the key of a provider. No other setting has it, so that a mistake in the
/// file sends no other secret to a provider.
const KEY_SUFFIX: &str = "_API_KEY";

/// A file that can't be used: the place, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{}{expected}", show_line(*line), show_key(key))]
pub struct CatalogFileError {
    /// From 1. `None` if the place is in no line of the file.
    pub line: Option<usize>,
    /// The names of the tables and of the key. Empty if the file is no TOML.
    pub key: Vec<String>,
    /// Has no value of a field that may be secret.
    pub expected: String,
}

fn show_line(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}, ")).unwrap_or_default()
}

fn show_key(key: &[String]) -> String {
    if key.is_empty() { String::new() } else { format!("{}: ", key.join(".")) }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CatalogFile {
    /// The date of the prices, for the table that ships with the server.
    pub as_of: Option<String>,
    pub providers: BTreeMap<ProviderName, ProviderEntry>,
    pub models: BTreeMap<ModelName, ModelEntry>,
    pub aliases: BTreeMap<ModelName, ModelName>,
    pub roles: BTreeMap<RoleName, RoleEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProviderEntry {
    pub format: Option<ProviderFormat>,
    pub base_url: Option<ServiceUrl>,
    #[serde(deserialize_with = "key_variables")]
    pub credentials: Option<Vec<String>>,
    pub abandoned: Option<AbandonPolicy>,
    pub time_limits: Option<ProviderTimeLimits>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ModelEntry {
    pub provider: Option<String>,
    /// The provider's name of the model, if it is another one.
    pub name: Option<ModelName>,
    pub max_input_tokens: Option<NonZeroU32>,
    pub max_output_tokens: Option<NonZeroU32>,
    pub image_tokens: Option<u32>,
    pub tokenizer: Option<ModelTokenizer>,
    pub equivalents: Option<Vec<ModelName>>,
    pub price: Option<PriceEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceEntry {
    pub input: TokenPrice,
    pub cached: Option<TokenPrice>,
    pub cache_write: Option<TokenPrice>,
    pub long_cache_write: Option<TokenPrice>,
    pub output: TokenPrice,
    #[serde(default)]
    pub tiers: Vec<TierEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TierEntry {
    pub above: u64,
    pub input: TokenPrice,
    pub cached: Option<TokenPrice>,
    pub cache_write: Option<TokenPrice>,
    pub long_cache_write: Option<TokenPrice>,
    pub output: TokenPrice,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RoleEntry {
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
    pub max_output_tokens: Option<NonZeroU32>,
    pub concurrent_requests: Option<NonZeroU32>,
    pub sockets: Option<NonZeroU32>,
    pub models: Option<Vec<ModelName>>,
}

/// A text that is checked as it is read.
macro_rules! checked_name {
    ($(#[$meta:meta])* $name:ident, $check:expr, $expected:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer).ok().filter($check);
                text.map(Self).ok_or_else(|| serde::de::Error::custom($expected))
            }
        }
    };
}

checked_name!(
    /// The name of a provider, which answers and metrics have.
    ProviderName,
    |name: &String| {
        let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=32).contains(&name.len()) && name.bytes().all(is_part) && name != "auto"
    },
    "expected a name of up to 32 lower-case letters, digits and hyphens, other than auto"
);

checked_name!(
    /// The name of a model, or an alias.
    ModelName,
    |name: &String| {
        (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
    },
    "expected the name of a model: up to 128 ASCII characters without spaces"
);

checked_name!(
    /// The name of a role.
    RoleName,
    |name: &String| ROLES.iter().any(|(_, role)| role == name),
    "expected superadmin, admin, premium, pro, user or trial"
);

/// Reads names of environment variables. An error never has the value, which may be the key itself.
fn key_variables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer).ok();
    let names =
        names.filter(|names| !names.is_empty() && names.iter().all(|name| is_variable(name)));
    let expected = "expected a list of names of environment variables that end with _API_KEY, such as [\"OPENAI_API_KEY\"]";
    names.map(Some).ok_or_else(|| serde::de::Error::custom(expected))
}

fn is_variable(name: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.ends_with(KEY_SUFFIX) && name.bytes().all(is_part)
}

impl CatalogFile {
    /// Parses a file.
    ///
    /// # Errors
    /// Returns the first [`CatalogFileError`].
    pub(super) fn parse(text: &str) -> Result<Self, CatalogFileError> {
        let at = |error: &toml::de::Error| error.span().map(|span| line_of(text, span.start));
        let deserializer = toml::Deserializer::parse(text).map_err(|error| {
            let (line, expected) = (at(&error), format!("expected TOML: {}", error.message()));
            CatalogFileError { line, key: Vec::new(), expected }
        })?;
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let key = path_of(error.path());
            let error = error.into_inner();
            let line = at(&error).or_else(|| find_line(text, &key));
            CatalogFileError { line, key, expected: error.message().to_owned() }
        })
    }
}

/// The names in the path of an error. A dot in a name separates nothing.
fn path_of(path: &serde_path_to_error::Path) -> Vec<String> {
    use serde_path_to_error::Segment;
    let name = |segment: &Segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(name).collect()
}

/// The number of the line with this byte, from 1.
fn line_of(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|b| *b == b'\n').count()
}

/// The line of a key, or of the last table above it that the file has. `None` if it has none, as a table such as
/// `providers` may hold other entries only.
pub(super) fn find_line(text: &str, key: &[String]) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut table = document.get_ref();
    for (depth, name) in key.iter().enumerate() {
        let Some((name, value)) = table.iter().find(|(other, _)| other.get_ref() == name) else {
            break;
        };
        if depth > 0 || key.len() == 1 {
            found = Some(line_of(text, name.span().start));
        }
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    found
}
