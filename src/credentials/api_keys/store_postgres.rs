//! [`PostgresApiKeyStore`]: keys in PostgreSQL, for several instances. The schema is in `credentials/migrations/postgres/`.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row, query, query_scalar};

use super::key::ApiKeyId;
use super::record::{ApiKeyRecord, HashedApiKey, RotationRefusal};
use super::store::{ApiKeyStore, CHANGES_LIMIT, KEY_LIST_LIMIT};
use crate::kernel::clock::Timestamp;
use crate::kernel::sql::columns::{millis, timestamp};
use crate::kernel::sql::postgres::{Isolation, PostgresDatabase};
use crate::kernel::store::StoreError;

/// Stores keys in PostgreSQL.
pub struct PostgresApiKeyStore {
    database: PostgresDatabase,
}

impl PostgresApiKeyStore {
    /// Creates a store in a database that has the tables of
    /// [`MIGRATIONS`](crate::credentials::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }
}

/// Decodes a key from its row.
fn decode(row: &PgRow) -> Result<ApiKeyRecord, sqlx::Error> {
    let id: &str = row.try_get("id")?;
    let replaced_by: Option<&str> = row.try_get("replaced_by")?;
    let time = |column| row.try_get::<Option<i64>, _>(column).map(|at| at.map(timestamp));
    Ok(ApiKeyRecord {
        id: id.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        hash: row.try_get("hash")?,
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        policy: row.try_get("policy")?,
        created_at: timestamp(row.try_get("created_at")?),
        expires_at: timestamp(row.try_get("expires_at")?),
        revoked_at: time("revoked_at")?,
        replaced_by: replaced_by.and_then(|id| id.parse().ok()),
        last_used_at: time("last_used_at")?,
        change: row.try_get::<i64, _>("change")?.unsigned_abs(),
    })
}

/// Takes the next change number.
async fn next_change(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    query_scalar("UPDATE api_key_changes SET last = last + 1 RETURNING last")
        .fetch_one(connection)
        .await
}

async fn insert(
    connection: &mut PgConnection,
    key: ApiKeyRecord,
) -> Result<ApiKeyRecord, sqlx::Error> {
    let change = next_change(&mut *connection).await?;
    query(
        "INSERT INTO api_keys (id, hash, name, owner, policy, created_at, expires_at, change) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(key.id.to_string())
    .bind(key.hash.clone())
    .bind(key.name.clone())
    .bind(key.owner.clone())
    .bind(key.policy.clone())
    .bind(millis(key.created_at))
    .bind(millis(key.expires_at))
    .bind(change)
    .execute(connection)
    .await?;
    Ok(ApiKeyRecord { change: change.unsigned_abs(), ..key })
}

async fn rotate(
    connection: &mut PgConnection,
    id: ApiKeyId,
    successor: HashedApiKey,
    now: Timestamp,
) -> Result<Result<ApiKeyRecord, RotationRefusal>, sqlx::Error> {
    let change = next_change(&mut *connection).await?;
    let row = query("SELECT * FROM api_keys WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(Err(RotationRefusal::NotFound)) };
    let key = decode(&row)?;
    let successor = match key.successor(successor, now) {
        Ok(successor) => successor,
        Err(refusal) => return Ok(Err(refusal)),
    };
    query("UPDATE api_keys SET expires_at = $1, replaced_by = $2, change = $3 WHERE id = $4")
        .bind(millis(key.end_after_rotation(now)))
        .bind(successor.id.to_string())
        .bind(change)
        .bind(id.to_string())
        .execute(&mut *connection)
        .await?;
    insert(connection, successor).await.map(Ok)
}

/// Returns `Err` with whether the key exists if nothing changes.
async fn revoke(
    connection: &mut PgConnection,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Result<(), bool>, sqlx::Error> {
    let change = next_change(&mut *connection).await?;
    let revoked = query(
        "UPDATE api_keys SET revoked_at = $1, change = $2 WHERE id = $3 AND revoked_at IS NULL",
    )
    .bind(millis(now))
    .bind(change)
    .bind(id.to_string())
    .execute(&mut *connection)
    .await?;
    if revoked.rows_affected() > 0 {
        return Ok(Ok(()));
    }
    let known: Option<i32> = query_scalar("SELECT 1 FROM api_keys WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(Err(known.is_some()))
}

#[async_trait]
impl ApiKeyStore for PostgresApiKeyStore {
    async fn insert(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        let write = self.database.write(Isolation::ReadCommitted, |connection| {
            let key = key.clone();
            Box::pin(async move { insert(connection, key).await.map(drop) })
        });
        write.await
    }

    async fn changes(&self, after: u64) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let read = query(AssertSqlSafe(format!(
            "SELECT * FROM api_keys WHERE change > $1 ORDER BY change LIMIT {CHANGES_LIMIT}"
        )))
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .fetch_all(self.database.pool());
        let rows = self.database.in_time(read).await?;
        Ok(rows.iter().map(decode).collect::<Result<_, _>>()?)
    }

    async fn list(&self, after: Option<ApiKeyId>) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let read = query(AssertSqlSafe(format!(
            "SELECT * FROM api_keys WHERE $1::text IS NULL \
             OR (created_at, id) > (SELECT created_at, id FROM api_keys WHERE id = $1) \
             ORDER BY created_at, id LIMIT {KEY_LIST_LIMIT}"
        )))
        .bind(after.map(|id| id.to_string()))
        .fetch_all(self.database.pool());
        let rows = self.database.in_time(read).await?;
        Ok(rows.iter().map(decode).collect::<Result<_, _>>()?)
    }

    async fn rotate(
        &self,
        id: ApiKeyId,
        successor: HashedApiKey,
        now: Timestamp,
    ) -> Result<Result<ApiKeyRecord, RotationRefusal>, StoreError> {
        // The row of the change number is locked first, so that rotations follow each other.
        let write = self.database.try_write(Isolation::ReadCommitted, move |connection| {
            Box::pin(rotate(connection, id, successor, now))
        });
        write.await
    }

    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let write = self.database.try_write(Isolation::ReadCommitted, move |connection| {
            Box::pin(revoke(connection, id, now))
        });
        Ok(write.await?.map_or_else(|is_known| is_known, |()| true))
    }

    async fn record_uses(&self, uses: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError> {
        let (ids, times): (Vec<_>, Vec<_>) =
            uses.iter().map(|(id, used_at)| (id.to_string(), millis(*used_at))).unzip();
        let statement = || {
            query(
                "UPDATE api_keys SET last_used_at = greatest(last_used_at, used.at) \
                 FROM unnest($1::text[], $2::bigint[]) AS used (id, at) \
                 WHERE api_keys.id = used.id",
            )
            .bind(ids.clone())
            .bind(times.clone())
        };
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn purge(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        let statement =
            || query("DELETE FROM api_keys WHERE expires_at < $1").bind(millis(expired_before));
        self.database.execute(statement).await?;
        Ok(())
    }
}
