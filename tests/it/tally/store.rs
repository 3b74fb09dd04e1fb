//! [`TallyStore`]: the counts of each owner, in both databases.

use random_connect::kernel::principal::Owner;
use random_connect::kernel::sql::Database;
use random_connect::kernel::store::StoreError;
use sqlx::{query, query_scalar};

pub struct TallyStore(pub Database);

impl TallyStore {
    /// Adds to a count; returns the new one.
    pub async fn add(&self, owner: &Owner, name: &str, step: u32) -> Result<i64, StoreError> {
        let (owner, name) = (owner.as_str().to_owned(), name.to_owned());
        match &self.0 {
            Database::Sqlite(database) => {
                let add = "INSERT INTO tallies VALUES (?, ?, ?) ON CONFLICT (owner, name) \
                           DO UPDATE SET count = count + excluded.count RETURNING count";
                database
                    .write(move |connection| {
                        let add = query_scalar(add).bind(owner).bind(name).bind(step);
                        Box::pin(add.fetch_one(connection))
                    })
                    .await
            }
            Database::Postgres(database) => {
                let add = "INSERT INTO tallies VALUES ($1, $2, $3) ON CONFLICT (owner, name) \
                           DO UPDATE SET count = tallies.count + excluded.count RETURNING count";
                let add = query_scalar(add).bind(owner).bind(name).bind(i64::from(step));
                database.in_time(add.fetch_one(database.pool())).await
            }
        }
    }

    /// The sum of the counts of an owner.
    pub async fn total(&self, owner: &Owner) -> Result<i64, StoreError> {
        let owner = owner.as_str();
        match &self.0 {
            Database::Sqlite(database) => {
                let sum =
                    query_scalar("SELECT coalesce(sum(count), 0) FROM tallies WHERE owner = ?");
                Ok(sum.bind(owner).fetch_one(database.readers()).await?)
            }
            Database::Postgres(database) => {
                let sum = "SELECT coalesce(sum(count), 0)::bigint FROM tallies WHERE owner = $1";
                let sum = query_scalar(sum).bind(owner);
                database.in_time(sum.fetch_one(database.pool())).await
            }
        }
    }

    /// Removes the counts of an owner.
    pub async fn clear(&self, owner: &Owner) -> Result<(), StoreError> {
        let owner = owner.as_str().to_owned();
        match &self.0 {
            Database::Sqlite(database) => {
                let clear = query("DELETE FROM tallies WHERE owner = ?").bind(owner);
                database
                    .write(move |connection| {
                        Box::pin(async move { clear.execute(connection).await.map(|_| ()) })
                    })
                    .await
            }
            Database::Postgres(database) => {
                let clear = query("DELETE FROM tallies WHERE owner = $1").bind(owner);
                database.in_time(clear.execute(database.pool())).await.map(|_| ())
            }
        }
    }

    /// The names that begin with `start`.
    pub async fn names(&self, owner: &Owner, start: &str) -> Result<Vec<String>, StoreError> {
        let all: Vec<String> = match &self.0 {
            Database::Sqlite(database) => {
                let names = query("SELECT name FROM tallies WHERE owner = ? ORDER BY name");
                let rows = names.bind(owner.as_str()).fetch_all(database.readers()).await?;
                rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
            }
            Database::Postgres(database) => {
                let names = query("SELECT name FROM tallies WHERE owner = $1 ORDER BY name");
                let names = names.bind(owner.as_str()).fetch_all(database.pool());
                database.in_time(names).await?.iter().map(|row| sqlx::Row::get(row, 0)).collect()
            }
        };
        Ok(all.into_iter().filter(|name| name.starts_with(start)).collect())
    }
}
