//! [`copy_snapshot`]: copies a database that others write meanwhile.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, query, query_scalar};

use super::file::connect_options;
use super::lock;
use super::lock::FileLock;
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::problem::DatabaseProblem;
use crate::kernel::sql::secrets;
use crate::kernel::sql::versions::{SchemaVersion, applied_sqlite};

/// The contents of a copy.
pub struct Snapshot {
    pub schemas: Vec<SchemaVersion>,
    /// `None` if the database has none yet.
    pub fingerprints: Option<SecretFingerprints>,
}

/// Copies the state of `database` at one moment into the empty file at the absolute path `copy`: everything that was
/// acknowledged before the call, and each later operation whole or not at all. Writers do not wait for it.
///
/// # Errors
/// Returns [`DatabaseProblem`] if the database can't be copied, is damaged, or is of a newer version.
pub async fn copy_snapshot(
    database: &Path,
    copy: &Path,
    chains: &[&MigrationChain],
) -> Result<Snapshot, DatabaseProblem> {
    if !database.exists() {
        return Err(DatabaseProblem::Missing);
    }
    // No process replaces the file meanwhile.
    let _lock = lock(database, FileLock::shared).await?;
    let mut connection = connect_options(database).connect().await?;
    let path = copy.to_str().ok_or(DatabaseProblem::NoFolder)?;
    query("VACUUM INTO ?").bind(path).execute(&mut connection).await?;
    connection.close().await?;
    let options = SqliteConnectOptions::new().filename(copy).immutable(true);
    let mut connection = options.disable_statement_logging().connect().await?;
    let intact: String =
        query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    if intact != "ok" {
        return Err(DatabaseProblem::Damaged);
    }
    let schemas = applied_sqlite(&mut connection, chains).await?;
    let fingerprints = secrets::stored_sqlite(&mut connection).await?;
    connection.close().await?;
    Ok(Snapshot { schemas, fingerprints })
}
