//! [`DatabaseUrl`]: the address of a database, as `DATABASE_URL` has it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use url::Url;

/// The form of a valid address, for error messages.
pub const EXPECTED: &str = "sqlite:FILE, such as sqlite:random-connect.db, or a URL such as postgres://user:password@host/database";

/// Parameters of a PostgreSQL URL. Others are refused, because a misspelled one has no effect.
const POSTGRES_PARAMETERS: [&str; 13] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
];

/// The program that stores the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseEngine {
    Sqlite,
    Postgres,
}

impl DatabaseEngine {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The address of a database. `Debug` shows no host and no password.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// The path of a file.
    Sqlite(PathBuf),
    /// A URL, which may contain a password.
    Postgres(SecretString),
}

impl DatabaseUrl {
    /// Parses `sqlite:path` or `postgres://…`.
    ///
    /// # Errors
    /// Returns the expected form.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Self::parse_sqlite(path).ok_or(EXPECTED);
        }
        let url = Url::parse(text).map_err(|_| EXPECTED)?;
        let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
        if !is_postgres || url.cannot_be_a_base() {
            return Err(EXPECTED);
        }
        if url.query_pairs().any(|(name, _)| !POSTGRES_PARAMETERS.contains(&&*name)) {
            return Err(
                "a URL with no other parameters than sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port and dbname",
            );
        }
        PgConnectOptions::from_str(text).map_err(|_| EXPECTED)?;
        Ok(Self::Postgres(text.into()))
    }

    /// Parses the path after `sqlite:`, which may follow `//` as in other programs.
    fn parse_sqlite(path: &str) -> Option<Self> {
        let path = path.strip_prefix("//").unwrap_or(path);
        // Other programs read parameters after a `?`, which would be part of the name here.
        let is_file = !path.is_empty() && !path.starts_with(':') && !path.contains('?');
        is_file.then(|| Self::Sqlite(path.into()))
    }

    /// The file of an SQLite database.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }

    #[must_use]
    pub const fn engine(&self) -> DatabaseEngine {
        match self {
            Self::Sqlite(_) => DatabaseEngine::Sqlite,
            Self::Postgres(_) => DatabaseEngine::Postgres,
        }
    }

    /// The file, or host and name of the database. Contains no user and no password.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(file) => file.display().to_string(),
            Self::Postgres(url) => match PgConnectOptions::from_str(url.expose_secret()) {
                Ok(options) => {
                    let name = options.get_database().unwrap_or_default();
                    format!("PostgreSQL at {}:{}/{name}", options.get_host(), options.get_port())
                }
                Err(_) => "PostgreSQL".to_owned(),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Sqlite(..)",
            Self::Postgres(_) => "Postgres(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_url_names_its_engine_and_no_password() {
        let url = DatabaseUrl::parse("sqlite:data/chat.db").expect("valid");
        assert_eq!((url.engine().name(), url.place().as_str()), ("SQLite", "data/chat.db"));
        for scheme in ["postgres", "postgresql"] {
            let text = format!("{scheme}://ann:hunter2@db.example:5433/chat?sslmode=verify-full");
            let url = DatabaseUrl::parse(&text).expect("valid");
            assert_eq!(url.place(), "PostgreSQL at db.example:5433/chat");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn database_url_of_another_form_is_refused() {
        for text in [
            "chat.db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite://",
            "sqlite://chat.db?mode=rwc",
            "mysql://host/chat",
            "postgres:chat",
            "postgres://host:port/chat",
            "postgres://host/chat?sslmod=verify-full",
        ] {
            assert!(DatabaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
