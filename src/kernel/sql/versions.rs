//! [`SchemaVersion`]: the versions of the tables in a database, read without changing it.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection, query_scalar};

use super::migration::MigrationChain;
use super::problem::DatabaseProblem;
use super::url::DatabaseEngine;

/// The newest migration of a toolset that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaVersion {
    pub toolset: String,
    pub version: i64,
}

/// The toolsets that have tables in the database, in the order of `chains`.
///
/// # Errors
/// Returns [`DatabaseProblem::Newer`] if a newer version has written one.
pub(super) async fn applied_sqlite(
    connection: &mut SqliteConnection,
    chains: &[&MigrationChain],
) -> Result<Vec<SchemaVersion>, DatabaseProblem> {
    let mut applied = Vec::new();
    for chain in chains {
        let table = chain.versions_table(DatabaseEngine::Sqlite);
        let exists: Option<i64> = query_scalar("SELECT 1 FROM sqlite_schema WHERE name = ?")
            .bind(&table)
            .fetch_optional(&mut *connection)
            .await?;
        if exists.is_some() {
            let select = query_scalar(AssertSqlSafe(newest_in(&table)));
            let newest: Option<i64> = select.fetch_one(&mut *connection).await?;
            applied.extend(version(chain, DatabaseEngine::Sqlite, newest)?);
        }
    }
    Ok(applied)
}

/// See [`applied_sqlite`].
pub(super) async fn applied_postgres(
    connection: &mut PgConnection,
    chains: &[&MigrationChain],
) -> Result<Vec<SchemaVersion>, DatabaseProblem> {
    let mut applied = Vec::new();
    for chain in chains {
        let table = chain.versions_table(DatabaseEngine::Postgres);
        let exists: bool = query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(&table)
            .fetch_one(&mut *connection)
            .await?;
        if exists {
            let select = query_scalar(AssertSqlSafe(newest_in(&table)));
            let newest: Option<i64> = select.fetch_one(&mut *connection).await?;
            applied.extend(version(chain, DatabaseEngine::Postgres, newest)?);
        }
    }
    Ok(applied)
}

fn newest_in(table: &str) -> String {
    format!("SELECT max(version) FROM {table}")
}

fn version(
    chain: &MigrationChain,
    engine: DatabaseEngine,
    newest: Option<i64>,
) -> Result<Option<SchemaVersion>, DatabaseProblem> {
    let toolset = chain.toolset;
    match newest {
        Some(version) if version > chain.newest(engine) => {
            Err(DatabaseProblem::Newer { toolset, version })
        }
        newest => Ok(newest.map(|version| SchemaVersion { toolset: toolset.to_owned(), version })),
    }
}
