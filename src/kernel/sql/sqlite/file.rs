//! The file of an SQLite database: [`restrict_access`] creates it, [`connect_options`] opens it.
//!
//! **Invariant:** no other user of the machine can read the database and the files beside it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::time::sleep;

use crate::kernel::clock::Stopwatch;
use crate::kernel::sql::failure::sqlite_code;
use crate::kernel::sql::problem::DatabaseProblem;

/// Permissions of the database: only its owner reads and writes it.
const OWNER_ONLY: u32 = 0o600;

/// The permissions of all other users.
const OTHERS: u32 = 0o077;

/// Names of the files that SQLite keeps beside the database. It creates them with the permissions
/// of the database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Maximum time that a statement waits for the lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// SQLite's result code for a lock of another process: see <https://www.sqlite.org/rescode.html>.
const SQLITE_BUSY: u32 = 5;

/// Time between two attempts to connect.
const CONNECT_PAUSE: Duration = Duration::from_millis(25);

/// The paths of the files that SQLite keeps beside the database.
pub(super) fn companions(file: &Path) -> [PathBuf; 2] {
    COMPANIONS.map(|suffix| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Returns how to open a database that exists.
pub(super) fn connect_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// Connects, and again while another process switches a new file to WAL: SQLite then fails at once, because
/// it waits for no lock that it would have to upgrade. Waits for [`BUSY_TIMEOUT`], as a statement does.
pub(super) async fn connect(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let since_start = Stopwatch::start();
    loop {
        match connect_options(file).connect().await {
            Err(error)
                if sqlite_code(&error) == Some(SQLITE_BUSY)
                    && since_start.elapsed() < BUSY_TIMEOUT =>
            {
                sleep(CONNECT_PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Creates the file with [`OWNER_ONLY`], or removes the access of others.
pub(super) fn restrict_access(file: &Path) -> Result<(), DatabaseProblem> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(OWNER_ONLY);
    options.open(file).map_err(|error| file_problem(file, error))?;
    let companions = companions(file);
    for path in companions.iter().map(PathBuf::as_path).chain([file]) {
        let Ok(metadata) = fs::metadata(path) else { continue };
        if metadata.permissions().mode() & OTHERS == 0 {
            continue;
        }
        let file = path.display();
        match fs::set_permissions(path, fs::Permissions::from_mode(OWNER_ONLY)) {
            Ok(()) => tracing::warn!(%file, "other users could read the file: access removed"),
            Err(error) => tracing::warn!(%file, %error, "other users can read the file"),
        }
    }
    Ok(())
}

pub(super) fn file_problem(file: &Path, error: io::Error) -> DatabaseProblem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => DatabaseProblem::NoFolder,
        io::ErrorKind::IsADirectory => DatabaseProblem::IsFolder,
        io::ErrorKind::PermissionDenied if file.exists() => DatabaseProblem::Permission,
        io::ErrorKind::PermissionDenied => DatabaseProblem::FolderPermission,
        io::ErrorKind::ReadOnlyFilesystem => DatabaseProblem::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DatabaseProblem::Disk,
        io::ErrorKind::WouldBlock => DatabaseProblem::Locked,
        _ => DatabaseProblem::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn sql_connection_waits_until_another_process_has_written_a_new_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut other = options.connect().await.expect("a connection");
        let transaction = other.begin_with("BEGIN IMMEDIATE").await.expect("the lock");
        let mut connecting = std::pin::pin!(connect(&file));
        let early = timeout(CONNECT_PAUSE * 4, &mut connecting).await;
        assert!(early.is_err(), "connected or failed while the file was locked");
        transaction.commit().await.expect("unlocked");
        connecting.await.expect("a connection").close().await.expect("closed");
    }
}
