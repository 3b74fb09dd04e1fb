//! [`copy_snapshot`]: copies a database that others write meanwhile.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, query, query_as, query_scalar,
};

use super::file::connect_options;
use super::lock;
use super::lock::FileLock;
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::sql::backup::manifest::SchemaVersion;
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::problem::DatabaseProblem;
use crate::kernel::sql::secrets;
use crate::kernel::sql::url::DatabaseEngine;

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
    let snapshot = describe(&mut connection, chains).await?;
    connection.close().await?;
    Ok(snapshot)
}

async fn describe(
    connection: &mut SqliteConnection,
    chains: &[&MigrationChain],
) -> Result<Snapshot, DatabaseProblem> {
    let mut schemas = Vec::new();
    for chain in chains {
        let table = chain.versions_table(DatabaseEngine::Sqlite);
        let exists: Option<i64> = query_scalar("SELECT 1 FROM sqlite_schema WHERE name = ?")
            .bind(&table)
            .fetch_optional(&mut *connection)
            .await?;
        if exists.is_none() {
            continue;
        }
        let select = AssertSqlSafe(format!("SELECT max(version) FROM {table}"));
        let (version,): (Option<i64>,) = query_as(select).fetch_one(&mut *connection).await?;
        let Some(version) = version else { continue };
        let toolset = chain.toolset;
        if version > chain.newest(DatabaseEngine::Sqlite) {
            return Err(DatabaseProblem::Newer { toolset, version });
        }
        schemas.push(SchemaVersion { toolset: toolset.to_owned(), version });
    }
    let fingerprints = secrets::stored_sqlite(connection).await?;
    Ok(Snapshot { schemas, fingerprints })
}
