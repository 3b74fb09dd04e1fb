//! [`dump`]: copies the tables of the toolsets as they are at one moment, while others write them.

use std::io::{self, Write};

use futures_util::TryStreamExt;
use secrecy::SecretString;
use sqlx::{ConnectOptions, Connection, PgConnection, query, query_as, query_scalar};
use thiserror::Error;
use tokio::time::timeout;

use super::{ACQUIRE_TIMEOUT, SCHEMA_LOCK, connect_options};
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::sql::backup::manifest::{BackupSection, SavedTable};
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::problem::DatabaseProblem;
use crate::kernel::sql::secrets;
use crate::kernel::sql::url::DatabaseEngine;
use crate::kernel::sql::versions::{SchemaVersion, applied_postgres};

/// Tables can't be copied between a database and a file.
#[derive(Debug, Error)]
pub enum TransferError {
    #[error(transparent)]
    Database(#[from] DatabaseProblem),
    /// The file can't be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl From<sqlx::Error> for TransferError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The contents of a copy.
pub struct PostgresDump {
    pub schemas: Vec<SchemaVersion>,
    /// `None` if the database has none yet.
    pub fingerprints: Option<SecretFingerprints>,
    /// A section for each table, in the order of their creation.
    pub sections: Vec<BackupSection>,
}

/// Writes the tables of `chains` to `out`: everything that was committed before the call, and each later operation
/// whole or not at all. Writers do not wait for it; a migration does.
///
/// # Errors
/// Returns [`TransferError`] if the database can't be read or is of a newer version, or if `out` can't be written.
pub async fn dump(
    url: &SecretString,
    chains: &[&MigrationChain],
    out: &mut (impl Write + Send),
) -> Result<PostgresDump, TransferError> {
    let mut connection = connect(url).await?;
    // Before the transaction, whose view begins with its first statement. The lock ends with the connection.
    let lock = query("SELECT pg_advisory_lock_shared($1)").bind(SCHEMA_LOCK);
    lock.execute(&mut connection).await?;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    let mut transaction = connection.begin_with(begin).await?;
    let schemas = applied_postgres(&mut transaction, chains).await?;
    if schemas.is_empty() {
        return Err(DatabaseProblem::Unused.into());
    }
    let fingerprints = secrets::stored_postgres(&mut transaction).await?;
    let mut sections = Vec::new();
    for SchemaVersion { toolset, version } in &schemas {
        let chain = chains.iter().find(|chain| chain.toolset == toolset);
        let tables = chain.map(|chain| chain.tables(DatabaseEngine::Postgres, *version));
        for name in tables.unwrap_or_default() {
            sections.push(copy_table(&mut transaction, name, out).await?);
        }
    }
    transaction.commit().await?;
    connection.close().await?;
    Ok(PostgresDump { schemas, fingerprints, sections })
}

/// Connects without the limits of a call, because a copy takes longer.
pub(super) async fn connect(url: &SecretString) -> Result<PgConnection, DatabaseProblem> {
    let options = connect_options(url)?;
    let connected = timeout(2 * ACQUIRE_TIMEOUT, options.connect()).await;
    let mut connection = connected.map_err(|_| DatabaseProblem::Timeout)??;
    for statement in [
        "SET statement_timeout = 0",
        "SET lock_timeout = '60s'",
        "SET idle_in_transaction_session_timeout = 0",
    ] {
        query(statement).execute(&mut connection).await?;
    }
    Ok(connection)
}

async fn copy_table(
    connection: &mut PgConnection,
    name: &str,
    out: &mut (impl Write + Send),
) -> Result<BackupSection, TransferError> {
    let columns: Vec<String> = query_scalar(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 \
         AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await?;
    // A sequence is not part of the view of a transaction, so it may be ahead of the rows, which does no harm.
    let numbered: Vec<(String, i64)> = query_as(
        "SELECT attname::text, last FROM pg_attribute, \
         LATERAL (SELECT pg_sequence_last_value(pg_get_serial_sequence($1, attname)::regclass) AS last) AS sequence \
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND last IS NOT NULL",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await?;
    let table = SavedTable { name: name.to_owned(), columns, numbered };
    let statement = format!("COPY {} TO STDOUT", target(&table));
    let mut rows = connection.copy_out_raw(&statement).await?;
    let mut bytes = 0;
    while let Some(chunk) = rows.try_next().await? {
        out.write_all(&chunk)?;
        bytes += chunk.len() as u64;
    }
    Ok(BackupSection { name: format!("table {name}"), bytes, table: Some(table) })
}

/// The table with its columns, as in COPY.
pub(super) fn target(table: &SavedTable) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| quote(column)).collect();
    format!("{} ({})", quote(&table.name), columns.join(", "))
}

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
