//! Parsers of single values. Each returns what it expected if it rejects the text.

use tracing::level_filters::LevelFilter;

use crate::kernel::client_network::TrustedProxy;

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

pub fn log_level(text: &str) -> Result<LevelFilter, &'static str> {
    let levels = ["error", "warn", "info", "debug", "trace"];
    let level = levels
        .iter()
        .find(|level| level.eq_ignore_ascii_case(text))
        .and_then(|level| level.parse().ok());
    level.ok_or("error, warn, info, debug or trace")
}

pub fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json"),
    }
}

pub fn trusted_proxy(text: &str) -> Result<TrustedProxy, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(TrustedProxy::None),
        "on" => Ok(TrustedProxy::XForwardedFor),
        "fly" => Ok(TrustedProxy::FlyClientIp),
        _ => Err("on, fly or off"),
    }
}

pub fn host_names(text: &str) -> Result<Vec<String>, &'static str> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let plausible = |name: &String| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    };
    if names.iter().all(plausible) {
        Ok(names)
    } else {
        Err("host names separated by commas, with or without a port, such as chat.example.com")
    }
}

/// Parses origins: scheme, host and optional port. Returns them in lower case.
pub fn origins(text: &str) -> Result<Vec<String>, &'static str> {
    let origin = |origin: &str| {
        let origin = origin.trim();
        let (scheme, authority) = origin.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let is_valid = is_scheme && !authority.is_empty() && authority.chars().all(is_host);
        is_valid.then(|| origin.to_ascii_lowercase())
    };
    let origins: Option<Vec<String>> = text.split(',').map(origin).collect();
    origins.ok_or("origins separated by commas, scheme and host, such as https://app.example")
}
