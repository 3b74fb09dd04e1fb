//! [`DatabaseError`]: why a database can't be used, in the operator's words.
//!
//! A store reports any failure as an outage. At the start the operator can still correct a setting,
//! so the error names the database and the cause. It contains no text of the engine, because that may quote
//! the data.

use std::io;

use sqlx::migrate::MigrateError;
use thiserror::Error;

use super::failure::{code, sqlite_code};
use crate::kernel::secrets::SecretMismatch;
use crate::kernel::store::StoreErrorKind;

/// A database can't be used.
#[derive(Debug, Error)]
#[error("can't use {place}: {problem}")]
pub struct DatabaseError {
    /// See [`DatabaseUrl::place`](super::url::DatabaseUrl::place).
    pub place: String,
    #[source]
    pub problem: DatabaseProblem,
}

/// Why a database can't be used.
#[derive(Debug, Error)]
pub enum DatabaseProblem {
    #[error("its folder does not exist: create it")]
    NoFolder,
    #[error("it does not exist")]
    Missing,
    #[error("it exists: add --force to replace it")]
    Exists,
    #[error("it has no tables of this program, so no server has used it yet")]
    Unused,
    #[error(
        "it has tables of this program, and those on PostgreSQL are never replaced: name an empty database"
    )]
    Occupied,
    #[error("a server or another command has it open: stop it first")]
    InUse,
    #[error("it is a folder: name a file in it")]
    IsFolder,
    #[error("this user may not read and write it: check its owner and permissions")]
    Permission,
    #[error("this user may not create files in its folder, where SQLite keeps its log")]
    FolderPermission,
    #[error("it is on a file system that is mounted read-only")]
    ReadOnly,
    #[error("it is not an SQLite database: name another file")]
    NotADatabase,
    #[error("it is damaged: restore a backup")]
    Damaged,
    #[error("another process has locked it")]
    Locked,
    #[error("the disk is full or fails")]
    Disk,
    #[error(
        "a newer version of this program has written it (schema {version} of {toolset}): run that version"
    )]
    Newer { toolset: &'static str, version: i64 },
    #[error("its schema {version} of {toolset} is not the one of this program")]
    OtherSchema { toolset: &'static str, version: i64 },
    #[error(
        "migration {version} of {toolset} failed and changed nothing: the database reports error {code}"
    )]
    Migration { toolset: &'static str, version: i64, code: String },
    #[error(transparent)]
    Secrets(#[from] SecretMismatch),
    #[error("it can't be reached: check host, port and network")]
    Unreachable,
    #[error("it refused the login: check user, password and the name of the database")]
    Login,
    #[error("TLS failed: check sslmode and the certificate")]
    Tls,
    #[error("it did not answer in time")]
    Timeout,
    #[error(transparent)]
    Io(io::Error),
    #[error("the database reports error {code}")]
    Other { code: String },
}

impl DatabaseProblem {
    /// Converts the error of a chain of migrations.
    pub(super) fn of_migration(error: MigrateError, toolset: &'static str) -> Self {
        match error {
            MigrateError::Execute(error) => error.into(),
            MigrateError::ExecuteMigration(error, version) => {
                let code = code(&error).unwrap_or_else(|| "none".to_owned());
                match Self::from(error) {
                    Self::Other { .. } => Self::Migration { toolset, version, code },
                    problem => problem,
                }
            }
            MigrateError::VersionMissing(version) => Self::Newer { toolset, version },
            MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
                Self::OtherSchema { toolset, version }
            }
            _ => Self::Other { code: "none".to_owned() },
        }
    }

    /// Returns `true` if the contents of the file can't be read.
    #[must_use]
    pub(super) const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged | Self::NotADatabase)
    }

    /// Returns `true` if the operator has to correct a setting, and `false` if it is enough to try again.
    #[must_use]
    pub const fn is_bad_setting(&self) -> bool {
        !matches!(self, Self::Unreachable | Self::Timeout)
    }
}

impl From<sqlx::Error> for DatabaseProblem {
    fn from(error: sqlx::Error) -> Self {
        let code = code(&error).unwrap_or_else(|| "none".to_owned());
        if let Some(primary) = sqlite_code(&error) {
            return match primary {
                5 | 6 => Self::Locked,
                8 => Self::ReadOnly,
                10 | 13 => Self::Disk,
                11 => Self::Damaged,
                14 => Self::FolderPermission,
                26 => Self::NotADatabase,
                _ => Self::Other { code },
            };
        }
        match error {
            sqlx::Error::Database(_) => match code.as_str() {
                "28000" | "28P01" | "3D000" => Self::Login,
                "53100" | "58030" => Self::Disk,
                "25006" => Self::ReadOnly,
                "57014" | "55P03" => Self::Timeout,
                "57P01" | "57P02" | "57P03" | "53300" => Self::Unreachable,
                _ => Self::Other { code },
            },
            sqlx::Error::Tls(_) => Self::Tls,
            sqlx::Error::PoolTimedOut => Self::Timeout,
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => Self::Disk,
            // The kind of a handshake that rustls has refused.
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Self::Tls,
            sqlx::Error::Io(_) => Self::Unreachable,
            _ => Self::Other { code },
        }
    }
}

impl From<StoreErrorKind> for DatabaseProblem {
    fn from(kind: StoreErrorKind) -> Self {
        match kind {
            StoreErrorKind::Timeout => Self::Timeout,
            StoreErrorKind::Disk => Self::Disk,
            StoreErrorKind::ReadOnly => Self::ReadOnly,
            StoreErrorKind::Connection => Self::Unreachable,
            _ => Self::Other { code: "none".to_owned() },
        }
    }
}
