//! [`CatalogProvider`]: a provider, as the configuration has it.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

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

/// Time limits of the answers of a provider. `None` is the default of the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderTimeLimits {
    /// From the request to the first content of a stream.
    #[serde(deserialize_with = "seconds")]
    pub first_content: Option<Duration>,
    /// Between two events of a stream.
    #[serde(deserialize_with = "seconds")]
    pub silence: Option<Duration>,
    /// From the request to the end of its answer.
    #[serde(deserialize_with = "seconds")]
    pub total: Option<Duration>,
}

/// The longest limit, in seconds: that of a request with all its attempts.
const MAX_SECONDS: u64 = 600;

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = u64::deserialize(deserializer).ok();
    let seconds = seconds.filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
    let expected = "expected a whole number of seconds from 1 to 600";
    seconds
        .map(|seconds| Some(Duration::from_secs(seconds)))
        .ok_or_else(|| serde::de::Error::custom(expected))
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
    pub time_limits: ProviderTimeLimits,
    /// The environment variables of the keys, in the order of the configuration.
    pub variables: Vec<String>,
    /// The keys of those variables that are set.
    pub keys: Vec<ProviderKey>,
}
