//! [`CatalogProvider`]: a provider, as the configuration has it.

use secrecy::SecretString;
use serde::Deserialize;

use super::address::ServiceUrl;

/// The protocol of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderFormat {
    /// OpenAI's `POST /chat/completions`.
    Chat,
    /// Anthropic's `POST /v1/messages`.
    Messages,
}

/// The charge for an answer whose client left before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbandonPolicy {
    /// The answer is read to its end, which has its usage, and charged in full.
    Drain,
    /// The answer is cut off, and its usage until then charged, as counted or estimated.
    Estimate,
    /// The answer is cut off, and not charged.
    Forgive,
}

/// A key of a provider.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// The environment variable that has it, which may be logged.
    pub variable: String,
    pub secret: SecretString,
}

/// A provider. Without a key, its models can't be used.
#[derive(Clone, Debug)]
pub struct CatalogProvider {
    pub name: String,
    pub format: ProviderFormat,
    pub base_url: ServiceUrl,
    pub abandoned: AbandonPolicy,
    /// The environment variables of the keys, in the order of the configuration.
    pub variables: Vec<String>,
    /// The keys of those variables that are set.
    pub keys: Vec<ProviderKey>,
}
