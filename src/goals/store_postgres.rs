//! [`PostgresGoalsStore`]: items on a PostgreSQL server. The schema is in `migrations/postgres/`.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row, query, query_scalar};

use super::item::GoalsItem;
use super::item::id::{ItemId, ItemKind};
use super::journal::change::GoalsChange;
use super::journal::refusal::GoalsRefusal;
use super::journal::rules::execute;
use super::journal::store::{
    GoalsAges, GoalsStore, ListFilter, ListPage, StateCount, WordMatch, page,
};
use super::journal::write::{GoalsWrite, WriteOutcome};
use super::sql::lists::{COUNTED, ListBind, count_items, list_items};
use super::sql::rows::{PostgresRows, read_change, read_count};
use super::sql::statements::{CHANGES, READ_COUNTS, REVISION, purges};
use super::sql::values::{integer, letter, parsed};
use crate::kernel::principal::Owner;
use crate::kernel::sql::columns::millis;
use crate::kernel::sql::postgres::{Isolation, PostgresDatabase};
use crate::kernel::store::StoreError;

/// `ts_rank_cd` counts the words of a match and their distances.
const SEARCH: &str = "SELECT body, ts_rank_cd(words, query) AS score \
     FROM goals_items, to_tsquery('english', $3) AS query \
     WHERE owner = $1 AND kind = $2 AND deleted_at IS NULL AND words @@ query \
     ORDER BY score DESC, id LIMIT $4";

/// Deletes all of an owner, and returns nothing: the owner keeps its number, so that revisions never repeat.
const ERASE: [&str; 6] = [
    "UPDATE goals_owners SET revision = revision + 1 WHERE owner = $1",
    "DELETE FROM goals_changes WHERE owner = $1",
    "DELETE FROM goals_changed_items WHERE owner = $1",
    "DELETE FROM goals_requests WHERE owner = $1",
    "DELETE FROM goals_counts WHERE owner = $1",
    "DELETE FROM goals_items WHERE owner = $1",
];

/// Stores the items in PostgreSQL.
pub struct PostgresGoalsStore {
    database: PostgresDatabase,
}

impl PostgresGoalsStore {
    /// Creates a store in a database that has the tables of [`MIGRATIONS`](super::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    async fn total(&self, owner: &str, filter: &ListFilter) -> Result<u64, StoreError> {
        let total: i64 = if filter.is_counted() {
            let states: String = filter.states.iter().map(|state| format!("|{state}|")).collect();
            let count = query_scalar(COUNTED).bind(owner).bind(letter(filter.kind)).bind(states);
            count.fetch_one(self.database.pool()).await?
        } else {
            let (text, binds) = count_items(owner, filter);
            let mut count = query_scalar(AssertSqlSafe(text));
            for bind in binds {
                count = match bind {
                    ListBind::Text(text) => count.bind(text),
                    ListBind::Number(number) => count.bind(number),
                };
            }
            count.fetch_one(self.database.pool()).await?
        };
        Ok(total.unsigned_abs())
    }
}

/// The search of one of `words`. Words are quoted, because a query has operators.
fn search_text(words: &[String]) -> String {
    let quoted =
        words.iter().map(|word| format!("'{}'", word.replace('\\', "").replace('\'', "''")));
    quoted.collect::<Vec<_>>().join(" | ")
}

#[async_trait]
impl GoalsStore for PostgresGoalsStore {
    async fn perform(
        &self,
        owner: &Owner,
        write: GoalsWrite,
    ) -> Result<Result<WriteOutcome, GoalsRefusal>, StoreError> {
        let (owner, write) = (owner.as_str().to_owned(), Arc::new(write));
        // Read committed is enough: the rules begin with the lock of the owner.
        self.database
            .try_write(Isolation::ReadCommitted, move |connection| {
                let (owner, write) = (owner.clone(), Arc::clone(&write));
                Box::pin(async move {
                    let mut rows = PostgresRows { connection, owner };
                    execute(&mut rows, &write).await
                })
            })
            .await
    }

    async fn revision(&self, owner: &Owner) -> Result<u64, StoreError> {
        let revision = query_scalar::<_, i64>(REVISION).bind(owner.as_str());
        let revision = revision.fetch_optional(self.database.pool()).await?;
        Ok(revision.unwrap_or_default().unsigned_abs())
    }

    async fn items(&self, owner: &Owner, ids: &[ItemId]) -> Result<Vec<GoalsItem>, StoreError> {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let read = "SELECT body FROM goals_items WHERE owner = $1 AND id = ANY($2) ORDER BY id";
        let read = query_scalar::<_, String>(read).bind(owner.as_str()).bind(ids);
        let bodies = self.database.in_time(read.fetch_all(self.database.pool())).await?;
        Ok(bodies.iter().map(|body| parsed(body)).collect::<Result<_, _>>()?)
    }

    async fn list(
        &self,
        owner: &Owner,
        filter: &ListFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        let mut keyed: Vec<(String, GoalsItem)> = Vec::new();
        for (text, binds) in list_items(owner.as_str(), filter, after, limit + 1) {
            let mut list = query(AssertSqlSafe(text));
            for bind in binds {
                list = match bind {
                    ListBind::Text(text) => list.bind(text),
                    ListBind::Number(number) => list.bind(number),
                };
            }
            for row in list.fetch_all(self.database.pool()).await? {
                let body: String = row.try_get("body")?;
                keyed.push((row.try_get("sort")?, parsed(&body)?));
            }
        }
        keyed.sort_by(|one, other| one.0.cmp(&other.0));
        let total = self.total(owner.as_str(), filter).await?;
        Ok(page(keyed, total, limit))
    }

    async fn counts(&self, owner: &Owner) -> Result<Vec<StateCount>, StoreError> {
        let rows = query(READ_COUNTS).bind(owner.as_str()).fetch_all(self.database.pool()).await?;
        Ok(rows.into_iter().map(|row| read_count!(row)).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn search(
        &self,
        owner: &Owner,
        kind: ItemKind,
        words: &[String],
        limit: usize,
    ) -> Result<Vec<WordMatch>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let search = query(SEARCH)
            .bind(owner.as_str())
            .bind(letter(kind))
            .bind(search_text(words))
            .bind(integer(limit as u64));
        let mut found = Vec::new();
        for row in search.fetch_all(self.database.pool()).await? {
            let body: String = row.try_get("body")?;
            let score: f32 = row.try_get("score")?;
            found.push(WordMatch { item: parsed(&body)?, score: score.into() });
        }
        Ok(found)
    }

    async fn changes(
        &self,
        owner: &Owner,
        item: Option<&ItemId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<GoalsChange>, StoreError> {
        let list = query(CHANGES)
            .bind(owner.as_str())
            .bind(before.map(integer))
            .bind(integer(limit as u64))
            .bind(item.map(ItemId::as_str));
        let rows = list.fetch_all(self.database.pool()).await?;
        let changes = rows.into_iter().map(|row| read_change!(row));
        Ok(changes.collect::<Result<_, sqlx::Error>>()?)
    }

    async fn purge(&self, ages: GoalsAges, limit: usize) -> Result<u64, StoreError> {
        let limit = integer(limit as u64);
        self.database
            .write(Isolation::ReadCommitted, move |connection| {
                Box::pin(async move {
                    let mut removed = 0;
                    for (statement, before) in purges(ages) {
                        let purge = query(statement).bind(millis(before)).bind(limit);
                        removed += purge.execute(&mut *connection).await?.rows_affected();
                    }
                    Ok(removed)
                })
            })
            .await
    }

    async fn erase(&self, owner: &Owner) -> Result<u64, StoreError> {
        let owner = owner.as_str().to_owned();
        self.database
            .write(Isolation::ReadCommitted, move |connection| {
                let owner = owner.clone();
                Box::pin(async move {
                    let mut removed = 0;
                    for statement in ERASE {
                        let erase = query(statement).bind(&owner).execute(&mut *connection).await?;
                        removed = erase.rows_affected();
                    }
                    // Of the last statement.
                    Ok(removed)
                })
            })
            .await
    }
}
