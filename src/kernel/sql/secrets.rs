//! Stores [`SecretFingerprints`] in a database, and checks them.
//!
//! Their table `secret_fingerprints` belongs to the migrations of moderation, which every database has.

use sqlx::{PgConnection, SqliteConnection, query, query_as, query_scalar};

use super::problem::DatabaseProblem;
use crate::kernel::secrets::SecretFingerprints;

const SELECT: &str = "SELECT id_salt, inbox_key FROM secret_fingerprints";

/// Understood by both engines.
const UPSERT: &str = "INSERT INTO secret_fingerprints (number, id_salt, inbox_key) VALUES (1, $1, $2) \
     ON CONFLICT (number) DO UPDATE SET id_salt = $1, inbox_key = $2";

type Row = Option<(String, String)>;

fn compare(row: Row, fingerprints: &SecretFingerprints) -> Result<(), DatabaseProblem> {
    // A database of version 0.1.0 has none and accepts any.
    let Some((id_salt, inbox_key)) = row else { return Ok(()) };
    Ok(fingerprints.check(&SecretFingerprints { id_salt, inbox_key })?)
}

/// Compares the secrets with those of the database, and stores them. Runs in a transaction that no other
/// writer interrupts.
pub(super) async fn check_sqlite(
    connection: &mut SqliteConnection,
    fingerprints: &SecretFingerprints,
) -> Result<(), DatabaseProblem> {
    compare(query_as(SELECT).fetch_optional(&mut *connection).await?, fingerprints)?;
    let statement = query(UPSERT).bind(&fingerprints.id_salt).bind(&fingerprints.inbox_key);
    statement.execute(connection).await?;
    Ok(())
}

/// Compares the secrets with those of the database, if it has any. Changes nothing.
pub(super) async fn inspect_sqlite(
    connection: &mut SqliteConnection,
    fingerprints: Option<&SecretFingerprints>,
) -> Result<(), DatabaseProblem> {
    let stored = stored_sqlite(connection).await?;
    match (fingerprints, stored) {
        (Some(fingerprints), Some(stored)) => Ok(fingerprints.check(&stored)?),
        _ => Ok(()),
    }
}

/// Returns the fingerprints in the database. `None` if it has none.
pub(super) async fn stored_sqlite(
    connection: &mut SqliteConnection,
) -> Result<Option<SecretFingerprints>, sqlx::Error> {
    // Also reads the header, which shows whether this is a database.
    let tables: i64 =
        query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'secret_fingerprints'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(None);
    }
    let row: Row = query_as(SELECT).fetch_optional(connection).await?;
    Ok(row.map(|(id_salt, inbox_key)| SecretFingerprints { id_salt, inbox_key }))
}

/// See [`check_sqlite`].
pub(super) async fn check_postgres(
    connection: &mut PgConnection,
    fingerprints: &SecretFingerprints,
) -> Result<(), DatabaseProblem> {
    compare(query_as(SELECT).fetch_optional(&mut *connection).await?, fingerprints)?;
    let statement = query(UPSERT).bind(&fingerprints.id_salt).bind(&fingerprints.inbox_key);
    statement.execute(connection).await?;
    Ok(())
}

/// See [`inspect_sqlite`].
pub(super) async fn inspect_postgres(
    connection: &mut PgConnection,
    fingerprints: Option<&SecretFingerprints>,
) -> Result<(), DatabaseProblem> {
    let stored = stored_postgres(connection).await?;
    match (fingerprints, stored) {
        (Some(fingerprints), Some(stored)) => Ok(fingerprints.check(&stored)?),
        _ => Ok(()),
    }
}

/// See [`stored_sqlite`].
pub(super) async fn stored_postgres(
    connection: &mut PgConnection,
) -> Result<Option<SecretFingerprints>, sqlx::Error> {
    let exists: bool = query_scalar("SELECT to_regclass('secret_fingerprints') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(None);
    }
    let row: Row = query_as(SELECT).fetch_optional(connection).await?;
    Ok(row.map(|(id_salt, inbox_key)| SecretFingerprints { id_salt, inbox_key }))
}
