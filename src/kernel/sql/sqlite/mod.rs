//! [`SqliteDatabase`]: a database in a file, for one machine.
//!
//! Every write is on the disk before it is answered: WAL with `synchronous=FULL`. `writer.rs` has the one
//! connection that writes; a few others only read. `lock.rs` shows other processes that the file is in use.

mod file;
pub mod lock;
pub mod replacement;
pub mod snapshot;
mod write_ahead_log;
mod writer;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, SqliteConnection, query};

use self::file::{connect, connect_options, file_problem, restrict_access};
use self::lock::FileLock;
use self::writer::Writer;
use super::migration::MigrationChain;
use super::problem::DatabaseProblem;
use super::{secrets, versions};
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::store::StoreError;

/// Number of connections that read.
const READERS: u32 = 4;

/// Maximum time that a reader waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// An open SQLite database. Cheap to clone.
#[derive(Clone)]
pub struct SqliteDatabase {
    file: Arc<PathBuf>,
    readers: SqlitePool,
    writer: Writer,
    opened_alone: bool,
}

impl SqliteDatabase {
    /// Opens the database in `file`, and creates it if it does not exist. Call this within a tokio runtime.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if the file can't be used.
    pub async fn open(file: &Path) -> Result<Self, DatabaseProblem> {
        restrict_access(file)?;
        let lock = lock(file, FileLock::shared).await?;
        let connection = connect(file).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(connect_options(file).pragma("query_only", "ON"));
        let opened_alone = lock.was_alone();
        let writer = Writer::start(file.to_owned(), connection, Arc::new(lock));
        Ok(Self { file: Arc::new(file.to_owned()), readers, writer, opened_alone })
    }

    /// Returns `true` if no other process had the database open when it was opened here: all that it has is of
    /// processes that have ended.
    #[must_use]
    pub const fn opened_alone(&self) -> bool {
        self.opened_alone
    }

    /// Checks the file as [`open`](Self::open) and the migrations do, but neither creates nor changes it. Returns
    /// `false` if it does not exist yet.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if the file can't be used.
    pub async fn inspect(
        file: &Path,
        chains: &[&MigrationChain],
        fingerprints: Option<&SecretFingerprints>,
    ) -> Result<bool, DatabaseProblem> {
        if !file.exists() {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            let has_folder = folder.is_none_or(Path::is_dir);
            return if has_folder { Ok(false) } else { Err(DatabaseProblem::NoFolder) };
        }
        if file.is_dir() {
            return Err(DatabaseProblem::IsFolder);
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
        let mut connection = options.connect().await?;
        versions::applied_sqlite(&mut connection, chains).await?;
        secrets::inspect_sqlite(&mut connection, fingerprints).await?;
        connection.close().await?;
        Ok(true)
    }

    /// Applies the migrations of a toolset: all, or after a failure none.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if one fails, or if a newer version has written the database.
    pub async fn migrate(&self, chain: &MigrationChain) -> Result<(), DatabaseProblem> {
        let mut connection = connect(&self.file).await?;
        // The transaction holds SQLite's lock, so that another process waits until the chain is complete.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        chain
            .sqlite_migrator()
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|error| DatabaseProblem::of_migration(error, chain.toolset))?;
        transaction.commit().await?;
        connection.close().await?;
        Ok(())
    }

    /// Compares the secrets with those that the database was written with, and stores them.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem::Secrets`] if they differ.
    pub async fn check_secrets(
        &self,
        fingerprints: &SecretFingerprints,
    ) -> Result<(), DatabaseProblem> {
        let mut connection = connect(&self.file).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        secrets::check_sqlite(&mut transaction, fingerprints).await?;
        transaction.commit().await?;
        connection.close().await?;
        Ok(())
    }

    /// The path of the database.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The connections that read. Writing on them fails.
    #[must_use]
    pub const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Executes an operation, and returns its result once it is on the disk. The operation is one
    /// atomic step. If it fails, it changes nothing.
    ///
    /// ```ignore
    /// database.write(move |connection| Box::pin(async move {
    ///     query("DELETE FROM notes WHERE owner = ?").bind(owner).execute(connection).await?;
    ///     Ok(())
    /// })).await?;
    /// ```
    ///
    /// # Errors
    /// Returns [`StoreError`] if the operation or its commit fails.
    pub async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>
            + Send
            + 'static,
    {
        let written = self
            .try_write(|connection| {
                let executing = operation(connection);
                Box::pin(async move { executing.await.map(Ok::<T, Infallible>) })
            })
            .await?;
        let Ok(value) = written;
        Ok(value)
    }

    /// Executes an operation that may refuse: with `Ok(Err(refusal))` it changes nothing, and the caller
    /// gets the refusal. Otherwise like [`write`](Self::write).
    ///
    /// # Errors
    /// Returns [`StoreError`] if the operation or its commit fails.
    pub async fn try_write<T, R, F>(&self, operation: F) -> Result<Result<T, R>, StoreError>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: for<'c> FnOnce(
                &'c mut SqliteConnection,
            ) -> BoxFuture<'c, Result<Result<T, R>, sqlx::Error>>
            + Send
            + 'static,
    {
        self.writer.write(operation).await
    }

    /// Checks that the database can be read.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it can't.
    pub async fn check(&self) -> Result<(), StoreError> {
        query("SELECT count(*) FROM sqlite_schema").execute(&self.readers).await?;
        Ok(())
    }

    /// Executes the queued writes, merges the log into the file, and ends the connections. Later calls fail.
    pub async fn close(&self) {
        self.readers.close().await;
        // The connection that is closed last merges the log.
        self.writer.close().await;
        write_ahead_log::merge_log(&connect_options(&self.file)).await;
    }
}

/// Takes a lock on the file. It may have to wait for another process.
async fn lock(
    file: &Path,
    take: impl FnOnce(&Path) -> std::io::Result<FileLock> + Send + 'static,
) -> Result<FileLock, DatabaseProblem> {
    let owned = file.to_owned();
    let taken = tokio::task::spawn_blocking(move || take(&owned)).await;
    let result = taken.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    result.map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => DatabaseProblem::FolderPermission,
        _ => file_problem(file, error),
    })
}
