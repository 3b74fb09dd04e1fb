//! Where the lobby is kept: in memory, or on Redis with the secrets that all processes share.

use std::ffi::OsString;

use redis::IntoConnectionInfo;
use secrecy::SecretString;

use super::{Reader, Shown};

/// A key of 32 bytes.
pub type Key = [u8; 32];

/// What a lobby on Redis needs. Whatever is in it is secret.
#[derive(Clone)]
pub struct Redis {
    /// `REDIS_URL`; it may hold a password.
    pub url: SecretString,
    /// `ID_SALT`.
    pub salt: SecretString,
    /// `INBOX_KEY`: the key in use, and the one before while rotating.
    pub keys: Vec<Key>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis(..)")
    }
}

/// Reads the three together: an address without the secrets is a mistake, secrets without an address
/// are only not used.
pub(super) fn read<L: Fn(&str) -> Option<OsString>>(reader: &mut Reader<L>) -> Option<Redis> {
    let url = reader.read("REDIS_URL", Shown::Never, |text| {
        let known = text.starts_with("redis://") || text.starts_with("rediss://");
        let known = known && text.into_connection_info().is_ok();
        let expected = "an address such as redis://host:6379 or rediss://:password@host:6379";
        known.then(|| SecretString::from(text)).ok_or(expected)
    });
    let salt = reader.read("ID_SALT", Shown::Never, |text| {
        let long = text.chars().count() >= 16;
        long.then(|| SecretString::from(text)).ok_or("at least 16 characters")
    });
    let keys = reader.read("INBOX_KEY", Shown::Never, keys);
    let url = url?;
    if salt.is_none() {
        reader.missing(
            "ID_SALT",
            "at least 16 characters, the same on all instances, with REDIS_URL",
        );
    }
    if keys.is_none() {
        reader.missing("INBOX_KEY", "64 hex digits, the same on all instances, with REDIS_URL");
    }
    Some(Redis { url, salt: salt?, keys: keys? })
}

fn keys(text: &str) -> Result<Vec<Key>, &'static str> {
    let expected = "64 hex digits, or two times that with a comma between while rotating";
    let keys: Option<Vec<Key>> = text.split(',').map(|key| parse_key(key.trim())).collect();
    keys.filter(|keys| keys.len() <= 2).ok_or(expected)
}

fn parse_key(hex: &str) -> Option<Key> {
    let mut key = Key::default();
    if hex.len() != 2 * key.len() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Problem};

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        Config::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn an_address_needs_its_secrets() {
        let key = "0123456789abcdef".repeat(4);
        let two = format!("{key},{}", "f".repeat(64));
        let url = ("REDIS_URL", "redis://localhost");
        let salt = ("ID_SALT", "a salt of some length");
        let redis = config(&[url, salt, ("INBOX_KEY", &two)]).expect("valid").redis.expect("redis");
        assert_eq!((redis.keys.len(), redis.keys[0][..3].to_vec()), (2, vec![0x01, 0x23, 0x45]));
        assert!(config(&[salt, ("INBOX_KEY", &key)]).expect("valid").redis.is_none());
        let told = |variables: &[(&str, &str)]| {
            let problems = config(variables).expect_err("a problem");
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let missing = told(&[url]);
        assert!(missing.contains("ID_SALT=(not set)") && missing.contains("INBOX_KEY=(not set)"));
        let short = told(&[url, ("ID_SALT", "short salt"), ("INBOX_KEY", "abc")]);
        assert!(!short.contains("short salt") && !short.contains("abc"), "{short}");
        assert!(told(&[("REDIS_URL", "localhost:6379")]).contains("redis://"));
    }
}
