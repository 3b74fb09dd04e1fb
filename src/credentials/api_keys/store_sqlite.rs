//! [`SqliteApiKeyStore`]: keys in an SQLite file. The schema is in `credentials/migrations/sqlite/`.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, query, query_scalar};

use super::key::ApiKeyId;
use super::record::{ApiKeyRecord, HashedApiKey, RotationRefusal};
use super::store::{ApiKeyStore, CHANGES_LIMIT, KEY_LIST_LIMIT};
use crate::kernel::clock::Timestamp;
use crate::kernel::sql::columns::{millis, timestamp};
use crate::kernel::sql::sqlite::SqliteDatabase;
use crate::kernel::store::StoreError;

/// Stores keys in SQLite.
pub struct SqliteApiKeyStore {
    database: SqliteDatabase,
}

impl SqliteApiKeyStore {
    /// Creates a store in a database that has the tables of
    /// [`MIGRATIONS`](crate::credentials::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

/// Decodes a key from its row.
fn decode(row: &SqliteRow) -> Result<ApiKeyRecord, sqlx::Error> {
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
async fn next_change(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    query_scalar("UPDATE api_key_changes SET last = last + 1 RETURNING last")
        .fetch_one(connection)
        .await
}

async fn insert(
    connection: &mut SqliteConnection,
    key: ApiKeyRecord,
) -> Result<ApiKeyRecord, sqlx::Error> {
    let change = next_change(&mut *connection).await?;
    query(
        "INSERT INTO api_keys (id, hash, name, owner, policy, created_at, expires_at, change) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
    connection: &mut SqliteConnection,
    id: ApiKeyId,
    successor: HashedApiKey,
    now: Timestamp,
) -> Result<Result<ApiKeyRecord, RotationRefusal>, sqlx::Error> {
    let change = next_change(&mut *connection).await?;
    let row = query("SELECT * FROM api_keys WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(Err(RotationRefusal::NotFound)) };
    let key = decode(&row)?;
    let successor = match key.successor(successor, now) {
        Ok(successor) => successor,
        Err(refusal) => return Ok(Err(refusal)),
    };
    query("UPDATE api_keys SET expires_at = ?, replaced_by = ?, change = ? WHERE id = ?")
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
    connection: &mut SqliteConnection,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Result<(), bool>, sqlx::Error> {
    let change = next_change(&mut *connection).await?;
    let revoked =
        query("UPDATE api_keys SET revoked_at = ?, change = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(millis(now))
            .bind(change)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    if revoked.rows_affected() > 0 {
        return Ok(Ok(()));
    }
    let known: Option<i64> = query_scalar("SELECT 1 FROM api_keys WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(Err(known.is_some()))
}

#[async_trait]
impl ApiKeyStore for SqliteApiKeyStore {
    async fn insert(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        self.database.write(|connection| Box::pin(insert(connection, key))).await?;
        Ok(())
    }

    async fn changes(&self, after: u64) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let rows = query(AssertSqlSafe(format!(
            "SELECT * FROM api_keys WHERE change > ? ORDER BY change LIMIT {CHANGES_LIMIT}"
        )))
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .fetch_all(self.database.readers())
        .await?;
        Ok(rows.iter().map(decode).collect::<Result<_, _>>()?)
    }

    async fn list(&self, after: Option<ApiKeyId>) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let rows = query(AssertSqlSafe(format!(
            "SELECT * FROM api_keys WHERE ?1 IS NULL \
             OR (created_at, id) > (SELECT created_at, id FROM api_keys WHERE id = ?1) \
             ORDER BY created_at, id LIMIT {KEY_LIST_LIMIT}"
        )))
        .bind(after.map(|id| id.to_string()))
        .fetch_all(self.database.readers())
        .await?;
        Ok(rows.iter().map(decode).collect::<Result<_, _>>()?)
    }

    async fn rotate(
        &self,
        id: ApiKeyId,
        successor: HashedApiKey,
        now: Timestamp,
    ) -> Result<Result<ApiKeyRecord, RotationRefusal>, StoreError> {
        self.database
            .try_write(move |connection| Box::pin(rotate(connection, id, successor, now)))
            .await
    }

    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let revoked =
            self.database.try_write(move |connection| Box::pin(revoke(connection, id, now)));
        Ok(revoked.await?.map_or_else(|is_known| is_known, |()| true))
    }

    async fn record_uses(&self, uses: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError> {
        let write = self.database.write(move |connection| {
            Box::pin(async move {
                for (id, used_at) in uses {
                    query(
                        "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) \
                         WHERE id = ?",
                    )
                    .bind(millis(used_at))
                    .bind(id.to_string())
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        });
        write.await
    }

    async fn purge(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        let write = self.database.write(move |connection| {
            Box::pin(async move {
                let purge = query("DELETE FROM api_keys WHERE expires_at < ?");
                purge.bind(millis(expired_before)).execute(connection).await?;
                Ok(())
            })
        });
        write.await
    }
}
