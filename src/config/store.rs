//! The section of storage: `REDIS_URL`, `DATABASE_URL` and the secrets that both need.

use std::fmt;
use std::path::PathBuf;

use redis::IntoConnectionInfo;
use secrecy::SecretString;

use crate::kernel::keyring::SealKey;
use crate::kernel::settings::{EchoValue, SettingsReader};
use crate::kernel::sql::url::DatabaseUrl;

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

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis(..)")
    }
}

/// Settings of the SQL database.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    pub url: DatabaseUrl,
    /// The setting that names the database: `DATABASE_URL`, or `STATE_DB`, its earlier name.
    pub setting: &'static str,
}

impl DatabaseConfig {
    /// A file in the working folder.
    pub(super) fn in_working_folder() -> Self {
        Self { url: DatabaseUrl::Sqlite("random-connect.db".into()), setting: "DATABASE_URL" }
    }
}

/// `ID_SALT` and `INBOX_KEY`, if they are set or generated.
#[derive(Clone, Default)]
pub struct StoreSecrets {
    /// `ID_SALT`. With another one, every user is a new user after a restart.
    pub salt: Option<SecretString>,
    /// `INBOX_KEY`, which encrypts the evidence of reports: the current key first, then the previous
    /// one while rotating.
    pub keys: Option<Vec<SealKey>>,
}

impl StoreSecrets {
    /// The name of a secret that is unset.
    #[must_use]
    pub const fn missing(&self) -> Option<&'static str> {
        match self {
            Self { salt: None, .. } => Some("ID_SALT"),
            Self { keys: None, .. } => Some("INBOX_KEY"),
            Self { salt: Some(_), keys: Some(_) } => None,
        }
    }

    /// Returns the secrets of `others` that are unset here.
    #[must_use]
    pub fn complement(&self, others: Self) -> Self {
        Self {
            salt: others.salt.filter(|_| self.salt.is_none()),
            keys: others.keys.filter(|_| self.keys.is_none()),
        }
    }

    /// Sets what is unset to the secrets of `others`.
    pub fn complete(&mut self, others: Self) {
        let Self { salt, keys } = self.complement(others);
        self.salt = self.salt.take().or(salt);
        self.keys = self.keys.take().or(keys);
    }
}

impl fmt::Debug for StoreSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreSecrets(..)")
    }
}

/// The settings of the section.
pub(super) struct StoreConfig {
    pub redis: Option<RedisConfig>,
    pub database: Option<DatabaseConfig>,
    pub secrets: StoreSecrets,
}

/// Reads the section. Redis and PostgreSQL without the secrets are a problem, because instances share
/// them. For SQLite they can be generated; without a store they are unused.
pub(super) fn read(reader: &mut SettingsReader<'_>) -> StoreConfig {
    let url = reader.read("REDIS_URL", EchoValue::Redacted, |text| {
        let is_redis = text.starts_with("redis://") || text.starts_with("rediss://");
        let is_valid = is_redis && text.into_connection_info().is_ok();
        let expected = "a URL such as redis://host:6379 or rediss://:password@host:6379";
        is_valid.then(|| SecretString::from(text)).ok_or(expected)
    });
    let salt = reader.read("ID_SALT", EchoValue::Redacted, parse_salt);
    let keys = reader.read("INBOX_KEY", EchoValue::Redacted, parse_keys);
    let secrets = StoreSecrets { salt, keys };
    let database = read_database(reader);
    let is_shared = |database: &DatabaseConfig| matches!(database.url, DatabaseUrl::Postgres(_));
    let shared = match (&url, &database) {
        (Some(_), _) => Some("REDIS_URL"),
        (None, Some(database)) if is_shared(database) => Some("PostgreSQL"),
        _ => None,
    };
    if let Some(store) = shared {
        let same = format!("the same on all instances, with {store}");
        if secrets.salt.is_none() {
            reader.report_missing("ID_SALT", &format!("at least 16 characters, {same}"));
        }
        if secrets.keys.is_none() {
            reader.report_missing("INBOX_KEY", &format!("64 hex digits, {same}"));
        }
    }
    let redis = match (url, &secrets) {
        (Some(url), StoreSecrets { salt: Some(salt), keys: Some(keys) }) => {
            Some(RedisConfig { url, salt: salt.clone(), keys: keys.clone() })
        }
        _ => None,
    };
    StoreConfig { redis, database, secrets }
}

fn read_database(reader: &mut SettingsReader<'_>) -> Option<DatabaseConfig> {
    let url = reader.read("DATABASE_URL", EchoValue::Redacted, DatabaseUrl::parse);
    let file = reader.read("STATE_DB", EchoValue::Yes, |text| {
        let file = text.strip_prefix("sqlite:").filter(|file| !file.is_empty());
        file.map(PathBuf::from).ok_or("sqlite: followed by a file path, such as sqlite:state.db")
    });
    if file.is_some() && reader.is_set("DATABASE_URL") {
        let expected = "no value, because DATABASE_URL, its new name, is set";
        reader.report_conflict("STATE_DB", expected);
    }
    let alias = file.map(|file| (DatabaseUrl::Sqlite(file), "STATE_DB"));
    let (url, setting) = url.map(|url| (url, "DATABASE_URL")).or(alias)?;
    Some(DatabaseConfig { url, setting })
}

pub(super) fn parse_salt(text: &str) -> Result<SecretString, &'static str> {
    let is_long = text.chars().count() >= 16;
    is_long.then(|| SecretString::from(text)).ok_or("at least 16 characters")
}

pub(super) fn parse_keys(text: &str) -> Result<Vec<SealKey>, &'static str> {
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
    use crate::config::Config;
    use crate::config::toolsets::tests::TABLE;
    use crate::kernel::settings::ConfigProblem;

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        Config::from_lookup(TABLE, |name| {
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
        let report = |variables: &[(&str, &str)]| {
            let problems = config(variables).expect_err("a problem");
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let missing = report(&[url]);
        assert!(missing.contains("ID_SALT=(not set)") && missing.contains("INBOX_KEY=(not set)"));
        let short = report(&[url, ("ID_SALT", "short salt"), ("INBOX_KEY", "abc")]);
        assert!(!short.contains("short salt") && !short.contains("abc"), "{short}");
        assert!(report(&[("REDIS_URL", "localhost:6379")]).contains("redis://"));
    }

    #[test]
    fn config_database_is_sqlite_or_postgresql() {
        let key = "0123456789abcdef".repeat(4);
        let secrets = [("ID_SALT", "a salt of some length"), ("INBOX_KEY", key.as_str())];
        let with = |variables: &[(&'static str, &'static str)]| {
            let all: Vec<_> = variables.iter().copied().chain(secrets).collect();
            config(&all).expect("valid")
        };
        let file = |config: Config| {
            let database = config.database.expect("a database");
            (database.setting, database.url.file().map(|file| file.display().to_string()))
        };
        let stored = with(&[("STATE_DB", "sqlite:/var/lib/state.db")]);
        assert_eq!(file(stored), ("STATE_DB", Some("/var/lib/state.db".to_owned())));
        for value in ["sqlite:chat.db", "sqlite://chat.db"] {
            let stored = with(&[("DATABASE_URL", value)]);
            assert_eq!(file(stored), ("DATABASE_URL", Some("chat.db".to_owned())));
        }
        let stored = with(&[("DATABASE_URL", "postgres://ann:hunter2@db/chat")]);
        assert!(!format!("{stored:?}").contains("hunter2"));
        assert_eq!(file(stored), ("DATABASE_URL", None));
        assert!(with(&[]).database.is_none() && with(&[]).id_salt().is_none());
    }

    #[test]
    fn config_database_problems_name_the_setting_and_no_password() {
        let report = |variables: &[(&str, &str)]| {
            let problems = config(variables).expect_err("a problem");
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        // SQLite generates the secrets, PostgreSQL is shared.
        assert!(config(&[("STATE_DB", "sqlite:state.db")]).is_ok());
        let shared = report(&[("DATABASE_URL", "postgres://ann:hunter2@db/chat")]);
        assert!(shared.contains("ID_SALT=(not set)") && shared.contains("with PostgreSQL"));
        assert!(report(&[("STATE_DB", "postgres:x")]).contains("sqlite: followed by"));
        let both = report(&[("STATE_DB", "sqlite:a.db"), ("DATABASE_URL", "sqlite:b.db")]);
        assert!(both.starts_with("STATE_DB=") && both.contains("DATABASE_URL"), "{both}");
        let invalid = report(&[("DATABASE_URL", "mysql://ann:hunter2@db/chat")]);
        assert!(invalid.contains("postgres://") && !invalid.contains("hunter2"), "{invalid}");
    }
}
