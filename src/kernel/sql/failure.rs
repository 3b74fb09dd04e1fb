//! Maps [`sqlx::Error`] to [`StoreError`], for every store in SQL.
//!
//! Only the code of the engine is logged, because the text of an error may quote the data.

use std::io;

use once_cell::sync::Lazy;
use sqlx::sqlite::SqliteError;

use crate::kernel::failure_log::FailureLog;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// The failures of all queries. One for the process, because a converted error knows no store.
static FAILURES: Lazy<FailureLog> = Lazy::new(|| FailureLog::new("database"));

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = code(&error).unwrap_or_default();
        FAILURES.record(kind(&error, &code), &code)
    }
}

/// Records a failure that is no error of sqlx.
pub(super) fn record(kind: StoreErrorKind, detail: &str) -> StoreError {
    FAILURES.record(kind, detail)
}

/// The engine's code of an error: a number of SQLite, or an SQLSTATE of PostgreSQL.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code().map(String::from))
}

/// The primary result code of SQLite: the low byte of an extended code. See
/// <https://www.sqlite.org/rescode.html>.
pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    let code = sqlx::error::DatabaseError::code(error)?.parse::<u32>().ok()?;
    Some(code & 0xff)
}

/// Returns `true` if PostgreSQL asks for the transaction to be executed again.
pub(super) fn is_conflict(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_none()
        && code(error).is_some_and(|code| code == "40001" || code == "40P01")
}

fn kind(error: &sqlx::Error, code: &str) -> StoreErrorKind {
    if let Some(code) = sqlite_code(error) {
        return match code {
            5 | 6 => StoreErrorKind::Timeout,
            8 => StoreErrorKind::ReadOnly,
            10 | 13 | 14 => StoreErrorKind::Disk,
            _ => StoreErrorKind::Script,
        };
    }
    match error {
        sqlx::Error::Database(_) => postgres_kind(code),
        sqlx::Error::PoolTimedOut => StoreErrorKind::Timeout,
        sqlx::Error::Io(error) => io_kind(error.kind()),
        sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            StoreErrorKind::Connection
        }
        sqlx::Error::Migrate(_) => StoreErrorKind::Migration,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreErrorKind::Decode,
        sqlx::Error::Encode(_) => StoreErrorKind::Encode,
        _ => StoreErrorKind::Script,
    }
}

/// The kind of an SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres_kind(code: &str) -> StoreErrorKind {
    match code {
        "53100" | "58030" => StoreErrorKind::Disk,
        // Canceled by a time limit, waited too long for a lock, or in conflict with others each time.
        "57014" | "55P03" | "25P03" | "40001" | "40P01" => StoreErrorKind::Timeout,
        "25006" => StoreErrorKind::ReadOnly,
        // Connections, refused logins, too many connections, and a server that stops or starts.
        _ if ["08", "28", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            StoreErrorKind::Connection
        }
        _ => StoreErrorKind::Script,
    }
}

fn io_kind(kind: io::ErrorKind) -> StoreErrorKind {
    match kind {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::Disk,
        io::ErrorKind::TimedOut => StoreErrorKind::Timeout,
        _ => StoreErrorKind::Connection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_error_of_postgresql_follows_the_sqlstate() {
        let kinds = [
            ("53100", StoreErrorKind::Disk),
            ("53300", StoreErrorKind::Connection),
            ("57014", StoreErrorKind::Timeout),
            ("57P01", StoreErrorKind::Connection),
            ("40P01", StoreErrorKind::Timeout),
            ("28P01", StoreErrorKind::Connection),
            ("25006", StoreErrorKind::ReadOnly),
            ("23505", StoreErrorKind::Script),
        ];
        for (code, kind) in kinds {
            assert_eq!(postgres_kind(code), kind, "{code}");
        }
    }
}
