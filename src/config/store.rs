//! The section of storage: `REDIS_URL`, `STATE_DB` and the secrets that both need.

use std::ffi::OsString;
use std::path::PathBuf;

use redis::IntoConnectionInfo;
use secrecy::SecretString;

use super::reader::{EchoValue, EnvReader};
use crate::kernel::keyring::SealKey;

/// Settings of a lobby on Redis. All of them are secret.
#[derive(Clone)]
pub struct RedisConfig {
    /// `REDIS_URL`, which may contain a password.
    pub url: SecretString,
    /// `ID_SALT`.
    pub salt: SecretString,
    /// `INBOX_KEY`: the current key first, then the previous one while rotating.
    pub keys: Vec<SealKey>,
}

impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis(..)")
    }
}

/// Settings of a moderation store in a file.
#[derive(Clone)]
pub struct StateDbConfig {
    /// `STATE_DB` without `sqlite:`.
    pub file: PathBuf,
    /// `ID_SALT`. With another one, every user is a new user after a restart.
    pub salt: SecretString,
    /// `INBOX_KEY`, which encrypts the evidence of reports.
    pub keys: Vec<SealKey>,
}

impl std::fmt::Debug for StateDbConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State(..)")
    }
}

/// Reads the section. A store without its secrets is a problem; secrets without a store are unused.
pub(super) fn read<L: Fn(&str) -> Option<OsString>>(
    reader: &mut EnvReader<L>,
) -> (Option<RedisConfig>, Option<StateDbConfig>) {
    let url = reader.read("REDIS_URL", EchoValue::Redacted, |text| {
        let is_redis = text.starts_with("redis://") || text.starts_with("rediss://");
        let is_valid = is_redis && text.into_connection_info().is_ok();
        let expected = "a URL such as redis://host:6379 or rediss://:password@host:6379";
        is_valid.then(|| SecretString::from(text)).ok_or(expected)
    });
    let salt = reader.read("ID_SALT", EchoValue::Redacted, |text| {
        let long = text.chars().count() >= 16;
        long.then(|| SecretString::from(text)).ok_or("at least 16 characters")
    });
    let keys = reader.read("INBOX_KEY", EchoValue::Redacted, parse_keys);
    let file = reader.read("STATE_DB", EchoValue::Yes, |text| {
        let file = text.strip_prefix("sqlite:").filter(|file| !file.is_empty());
        file.map(PathBuf::from).ok_or("sqlite: followed by a file path, such as sqlite:state.db")
    });
    let needed = match (&url, &file) {
        (Some(_), _) => "the same on all instances, with REDIS_URL",
        (None, Some(_)) => "the same at each start, with STATE_DB",
        (None, None) => return (None, None),
    };
    if salt.is_none() {
        reader.report_missing("ID_SALT", &format!("at least 16 characters, {needed}"));
    }
    if keys.is_none() {
        reader.report_missing("INBOX_KEY", &format!("64 hex digits, {needed}"));
    }
    let (Some(salt), Some(keys)) = (salt, keys) else { return (None, None) };
    let redis = url.map(|url| RedisConfig { url, salt: salt.clone(), keys: keys.clone() });
    (redis, file.map(|file| StateDbConfig { file, salt, keys }))
}

fn parse_keys(text: &str) -> Result<Vec<SealKey>, &'static str> {
    let expected = "64 hex digits, or two such keys separated by a comma while rotating";
    let keys: Option<Vec<SealKey>> = text.split(',').map(|key| parse_key(key.trim())).collect();
    keys.filter(|keys| keys.len() <= 2).ok_or(expected)
}

fn parse_key(hex: &str) -> Option<SealKey> {
    let mut key = SealKey::default();
    if hex.len() != 2 * key.len() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigProblem};

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        Config::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn config_store_url_needs_salt_and_key() {
        let key = "0123456789abcdef".repeat(4);
        let two = format!("{key},{}", "f".repeat(64));
        let url = ("REDIS_URL", "redis://localhost");
        let salt = ("ID_SALT", "a salt of some length");
        let redis = config(&[url, salt, ("INBOX_KEY", &two)]).expect("valid").redis.expect("redis");
        assert_eq!((redis.keys.len(), redis.keys[0][..3].to_vec()), (2, vec![0x01, 0x23, 0x45]));
        assert!(config(&[salt, ("INBOX_KEY", &key)]).expect("valid").redis.is_none());
        let state = ("STATE_DB", "sqlite:/var/lib/state.db");
        let stored = config(&[state, salt, ("INBOX_KEY", &key)]).expect("valid").state_db;
        assert_eq!(stored.expect("a file").file.to_str(), Some("/var/lib/state.db"));
        let report = |variables: &[(&str, &str)]| {
            let problems = config(variables).expect_err("a problem");
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let missing = report(&[url]);
        assert!(missing.contains("ID_SALT=(not set)") && missing.contains("INBOX_KEY=(not set)"));
        let missing = report(&[state]);
        assert!(missing.contains("ID_SALT=(not set)") && missing.contains("with STATE_DB"));
        assert!(report(&[("STATE_DB", "postgres:x")]).contains("sqlite: followed by"));
        let short = report(&[url, ("ID_SALT", "short salt"), ("INBOX_KEY", "abc")]);
        assert!(!short.contains("short salt") && !short.contains("abc"), "{short}");
        assert!(report(&[("REDIS_URL", "localhost:6379")]).contains("redis://"));
    }
}
