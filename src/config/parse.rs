//! Parsers of single values. Each returns what it expected if it rejects the text.

use secrecy::SecretString;
use tracing::level_filters::LevelFilter;

use crate::kernel::client_network::TrustedProxy;

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// A toolset that can be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolsetName {
    Connect,
    PenPal,
}

/// Parses a phone number: country code first, 7 to 15 digits (E.164), no `+`, no separators.
pub fn phone_number(text: &str) -> Result<SecretString, &'static str> {
    let valid = (7..=15).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('0');
    if valid {
        Ok(SecretString::from(text))
    } else {
        Err("7 to 15 digits, country code first, such as 919876543210")
    }
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

pub fn switch(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off"),
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

pub fn toolset_names(text: &str) -> Result<Vec<ToolsetName>, &'static str> {
    let name = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
        "connect" => Ok(ToolsetName::Connect),
        "penpal" => Ok(ToolsetName::PenPal),
        _ => Err("connect, penpal, or both separated by a comma"),
    };
    text.split(',').map(name).collect()
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
