//! [`prepare`]: creates or checks the file of `STATE_DB` before the server starts.
//!
//! The store itself opens the file on first use and reports any failure as an outage. Here, while
//! the operator can still correct the setting, the error names the file and the cause.
//!
//! **Invariant:** no other user of the machine can read the database and the files beside it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, query, query_as, query_scalar};
use thiserror::Error;

use super::store_sql::{connect_options, migrator};
use crate::kernel::secrets::{SecretFingerprints, SecretMismatch};

/// Permissions of the database: only its owner reads and writes it.
const OWNER_ONLY: u32 = 0o600;

/// The permissions of all other users.
const OTHERS: u32 = 0o077;

/// Names of the files that SQLite keeps beside the database. It creates them with the permissions
/// of the database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// The file of `STATE_DB` can't be used.
#[derive(Debug, Error)]
#[error("can't use {} (STATE_DB): {problem}", file.display())]
pub struct StateFileError {
    pub file: PathBuf,
    #[source]
    pub problem: StateFileProblem,
}

/// Why the file can't be used.
#[derive(Debug, Error)]
pub enum StateFileProblem {
    #[error("its folder does not exist: create it")]
    NoFolder,
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
    #[error("a newer version of this program has written it (schema {0}): run that version")]
    Newer(i64),
    #[error("its schema {0} is not the one of this program")]
    OtherSchema(i64),
    #[error(transparent)]
    Secrets(#[from] SecretMismatch),
    #[error(transparent)]
    Io(io::Error),
    #[error("SQLite reports error {code}")]
    Sqlite { code: String },
}

/// Creates the database if it does not exist, applies the migrations, and checks that it was
/// written with these secrets. Call this within a tokio runtime.
///
/// # Errors
/// Returns [`StateFileError`] if the file can't be used.
pub async fn prepare(file: &Path, secrets: &SecretFingerprints) -> Result<(), StateFileError> {
    let result = async {
        restrict_access(file)?;
        migrate_and_check(file, secrets).await
    };
    result.await.map_err(|problem| StateFileError { file: file.to_owned(), problem })
}

/// Checks the file as [`prepare`] does, but neither creates nor changes it. Returns `false` if it does
/// not exist yet. Call this within a tokio runtime.
///
/// # Errors
/// Returns [`StateFileError`] if the file can't be used.
pub async fn inspect(file: &Path, secrets: &SecretFingerprints) -> Result<bool, StateFileError> {
    let result = async {
        if file.exists() {
            return read_and_check(file, secrets).await.map(|()| true);
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_none_or(Path::is_dir) { Ok(false) } else { Err(StateFileProblem::NoFolder) }
    };
    result.await.map_err(|problem| StateFileError { file: file.to_owned(), problem })
}

async fn read_and_check(file: &Path, secrets: &SecretFingerprints) -> Result<(), StateFileProblem> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await?;
    // Earlier versions have no such table.
    let tables: i64 =
        query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'secret_fingerprints'")
            .fetch_one(&mut connection)
            .await?;
    if tables > 0
        && let Some(stored) = stored_secrets(&mut connection).await?
    {
        secrets.check(&stored)?;
    }
    connection.close().await?;
    Ok(())
}

/// The secrets that the database was written with, if it has them.
async fn stored_secrets(
    connection: &mut SqliteConnection,
) -> Result<Option<SecretFingerprints>, StateFileProblem> {
    let stored: Option<(String, String)> =
        query_as("SELECT id_salt, inbox_key FROM secret_fingerprints")
            .fetch_optional(connection)
            .await?;
    Ok(stored.map(|(id_salt, inbox_key)| SecretFingerprints { id_salt, inbox_key }))
}

/// Creates the file with [`OWNER_ONLY`], or removes the access of others.
fn restrict_access(file: &Path) -> Result<(), StateFileProblem> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(OWNER_ONLY);
    options.open(file).map_err(|error| file_problem(file, error))?;
    let companions = COMPANIONS.map(|suffix| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
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

fn file_problem(file: &Path, error: io::Error) -> StateFileProblem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StateFileProblem::NoFolder,
        io::ErrorKind::IsADirectory => StateFileProblem::IsFolder,
        io::ErrorKind::PermissionDenied if file.exists() => StateFileProblem::Permission,
        io::ErrorKind::PermissionDenied => StateFileProblem::FolderPermission,
        io::ErrorKind::ReadOnlyFilesystem => StateFileProblem::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StateFileProblem::Disk,
        _ => StateFileProblem::Io(error),
    }
}

async fn migrate_and_check(
    file: &Path,
    secrets: &SecretFingerprints,
) -> Result<(), StateFileProblem> {
    let mut connection = connect_options(file).connect().await?;
    migrator().run(&mut connection).await?;
    check_secrets(&mut connection, secrets).await?;
    connection.close().await?;
    Ok(())
}

/// Compares the secrets with those of the database, and stores them. A database of version 0.1.0
/// has none and accepts any.
async fn check_secrets(
    connection: &mut SqliteConnection,
    secrets: &SecretFingerprints,
) -> Result<(), StateFileProblem> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(stored) = stored_secrets(&mut transaction).await? {
        secrets.check(&stored)?;
    }
    query(
        "INSERT INTO secret_fingerprints (number, id_salt, inbox_key) VALUES (1, ?1, ?2) \
         ON CONFLICT (number) DO UPDATE SET id_salt = ?1, inbox_key = ?2",
    )
    .bind(&secrets.id_salt)
    .bind(&secrets.inbox_key)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

impl From<MigrateError> for StateFileProblem {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(version) => Self::Newer(version),
            MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
                Self::OtherSchema(version)
            }
            _ => Self::Sqlite { code: "none".to_owned() },
        }
    }
}

impl From<sqlx::Error> for StateFileProblem {
    fn from(error: sqlx::Error) -> Self {
        // The code only, because the error's text may quote the data.
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        // The result codes of https://www.sqlite.org/rescode.html; the low byte is the primary one.
        let primary =
            code.as_ref().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        match (primary, error) {
            (Some(5 | 6), _) => Self::Locked,
            (Some(8), _) => Self::ReadOnly,
            (Some(10 | 13), _) => Self::Disk,
            (Some(11), _) => Self::Damaged,
            (Some(14), _) => Self::FolderPermission,
            (Some(26), _) => Self::NotADatabase,
            (None, sqlx::Error::Io(error)) => Self::Io(error),
            _ => Self::Sqlite { code: code.unwrap_or_else(|| "none".to_owned()) },
        }
    }
}
