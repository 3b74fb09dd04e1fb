//! [`load`]: puts the tables of a backup into an empty database, in one transaction.
//!
//! An existing database is never replaced: that would drop what its tables do not allow to delete, and an operator
//! on PostgreSQL can create another database, try it, and name it in `DATABASE_URL`.

use std::io::Read;

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar};

use super::dump::{TransferError, connect, quote, target};
use super::lock_schema;
use crate::kernel::sql::backup::archive::BackupArchive;
use crate::kernel::sql::backup::manifest::SavedTable;
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::problem::DatabaseProblem;
use crate::kernel::sql::versions::{SchemaVersion, applied_postgres};

/// Size of the pieces that are sent, in bytes.
const PIECE: usize = 1 << 16;

/// Creates the tables in the versions of the backup, and fills them. After a failure, nothing has changed. The next
/// start of a server applies newer migrations.
///
/// # Errors
/// Returns [`TransferError`] if the database has tables of `chains` or can't be written, or if the backup can't be
/// read.
pub async fn load(
    url: &SecretString,
    chains: &[&MigrationChain],
    archive: &mut BackupArchive,
) -> Result<(), TransferError> {
    let mut connection = connect(url).await?;
    let mut transaction = connection.begin().await?;
    lock_schema(&mut transaction).await?;
    if !applied_postgres(&mut transaction, chains).await?.is_empty() {
        return Err(DatabaseProblem::Occupied.into());
    }
    for SchemaVersion { toolset, version } in &archive.manifest.schemas {
        let chain = chains.iter().find(|chain| chain.toolset == toolset);
        let chain = chain.ok_or(DatabaseProblem::NotADatabase)?;
        let migrator = chain.postgres_migrator();
        let migrated = migrator.run_direct(Some(*version), &mut *transaction, false).await;
        migrated.map_err(|error| DatabaseProblem::of_migration(error, chain.toolset))?;
    }
    let tables: Vec<_> = archive
        .manifest
        .sections
        .iter()
        .filter_map(|section| Some((section.name.clone(), section.table.clone()?)))
        .collect();
    // Rows that a migration inserts are in the backup too.
    for (_, table) in tables.iter().rev() {
        alter(&mut transaction, table, "DISABLE TRIGGER USER").await?;
        execute(&mut transaction, format!("DELETE FROM {}", quote(&table.name))).await?;
    }
    for (section, table) in &tables {
        if let Some(rows) = archive.section(section)? {
            fill(&mut transaction, table, rows).await?;
        }
    }
    for (_, table) in &tables {
        alter(&mut transaction, table, "ENABLE TRIGGER USER").await?;
    }
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

async fn alter(
    connection: &mut PgConnection,
    table: &SavedTable,
    action: &str,
) -> Result<(), sqlx::Error> {
    execute(connection, format!("ALTER TABLE {} {action}", quote(&table.name))).await
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

async fn fill(
    connection: &mut PgConnection,
    table: &SavedTable,
    mut rows: impl Read,
) -> Result<(), TransferError> {
    let statement = format!("COPY {} FROM STDIN", target(table));
    let mut copy = connection.copy_in_raw(&statement).await?;
    let mut piece = vec![0; PIECE];
    loop {
        match rows.read(&mut piece)? {
            0 => break,
            size => copy.send(&piece[..size]).await?,
        };
    }
    copy.finish().await?;
    for (column, last) in &table.numbered {
        let _: i64 = query_scalar("SELECT setval(pg_get_serial_sequence($1, $2)::regclass, $3)")
            .bind(&table.name)
            .bind(column)
            .bind(last)
            .fetch_one(&mut *connection)
            .await?;
    }
    Ok(())
}
