//! [`SqliteRows`] and [`PostgresRows`]: the rows of a write inside a transaction.

use sqlx::{PgConnection, Row, SqliteConnection, query, query_scalar};

use super::values::{ItemValues, id_text, integer, letter, parsed, text_of};
use crate::goals::item::GoalsItem;
use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::journal::change::GoalsChange;
use crate::goals::journal::rows::{GoalsRows, RowLink};
use crate::goals::journal::write::StoredWrite;
use crate::kernel::clock::Timestamp;
use crate::kernel::sql::columns::{millis, timestamp};

/// Locks the owner: on SQLite one connection writes, on PostgreSQL the update locks the row.
const LOCK: &str = "INSERT INTO goals_owners (owner, revision) VALUES ($1, 0) \
     ON CONFLICT (owner) DO UPDATE SET revision = goals_owners.revision RETURNING revision";

const READ_ANSWER: &str = "SELECT fingerprint, at, outcome FROM goals_requests \
     WHERE owner = $1 AND request_id = $2 AND at >= $3";

const STORE_ANSWER: &str = "INSERT INTO goals_requests (owner, request_id, fingerprint, at, outcome) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, request_id) \
     DO UPDATE SET fingerprint = excluded.fingerprint, at = excluded.at, outcome = excluded.outcome";

const READ_ITEM: &str = "SELECT body FROM goals_items WHERE owner = $1 AND id = $2";

const LINKED_TO_GOAL: &str = "SELECT body FROM goals_items WHERE owner = $1 AND goal = $2 AND deleted_at IS NULL ORDER BY id";
const LINKED_TO_TASK: &str = "SELECT body FROM goals_items WHERE owner = $1 AND task = $2 AND deleted_at IS NULL ORDER BY id";
const LINKED_TO_AREA: &str = "SELECT body FROM goals_items WHERE owner = $1 AND area = $2 AND deleted_at IS NULL ORDER BY id";

/// `CAST`, because a sum has another type on PostgreSQL.
const COUNT: &str = "SELECT CAST(coalesce(sum(count), 0) AS bigint) FROM goals_counts \
     WHERE owner = $1 AND kind = $2";

const ADD_TO_COUNT: &str = "INSERT INTO goals_counts (owner, kind, state, count) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (owner, kind, state) \
     DO UPDATE SET count = goals_counts.count + excluded.count";

const READ_CHANGE: &str = "SELECT revision, at, actor, tool, undoes, undone_by, items \
     FROM goals_changes WHERE owner = $1 AND revision = $2";

const LAST_CHANGE: &str = "SELECT revision, at, actor, tool, undoes, undone_by, items \
     FROM goals_changes WHERE owner = $1 AND actor = $2 AND undoes IS NULL AND undone_by IS NULL \
     ORDER BY revision DESC LIMIT 1";

const APPEND: &str = "INSERT INTO goals_changes \
     (owner, revision, at, actor, tool, undoes, items) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const APPEND_ITEM: &str =
    "INSERT INTO goals_changed_items (owner, id, revision) VALUES ($1, $2, $3)";

const MARK_UNDONE: &str =
    "UPDATE goals_changes SET undone_by = $3 WHERE owner = $1 AND revision = $2";

const SET_REVISION: &str = "UPDATE goals_owners SET revision = $2 WHERE owner = $1";

const PUT_SQLITE: &str = "INSERT INTO goals_items \
     (owner, id, kind, state, sort, goal, task, area, day, labels, deleted_at, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     ON CONFLICT (owner, id) DO UPDATE SET state = excluded.state, sort = excluded.sort, \
     goal = excluded.goal, task = excluded.task, area = excluded.area, day = excluded.day, \
     labels = excluded.labels, deleted_at = excluded.deleted_at, body = excluded.body \
     RETURNING number";

const FORGET_WORDS: &str = "DELETE FROM goals_search WHERE rowid = $1";

const STORE_WORDS: &str = "INSERT INTO goals_search (rowid, place, words) \
     SELECT $1, 'u' || number || $3, $4 FROM goals_owners WHERE owner = $2";

const PUT_POSTGRES: &str = "INSERT INTO goals_items \
     (owner, id, kind, state, sort, goal, task, area, day, labels, deleted_at, body, words) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, to_tsvector('english', $13)) \
     ON CONFLICT (owner, id) DO UPDATE SET state = excluded.state, sort = excluded.sort, \
     goal = excluded.goal, task = excluded.task, area = excluded.area, day = excluded.day, \
     labels = excluded.labels, deleted_at = excluded.deleted_at, body = excluded.body, \
     words = excluded.words";

/// The rows of an owner in SQLite.
pub(in crate::goals) struct SqliteRows<'c> {
    pub connection: &'c mut SqliteConnection,
    pub owner: String,
}

/// The rows of an owner in PostgreSQL.
pub(in crate::goals) struct PostgresRows<'c> {
    pub connection: &'c mut PgConnection,
    pub owner: String,
}

impl SqliteRows<'_> {
    async fn put_item(
        &mut self,
        before: Option<&GoalsItem>,
        item: &GoalsItem,
        values: ItemValues,
    ) -> Result<(), sqlx::Error> {
        let ItemValues { columns, day, deleted_at, body } = values;
        let number: i64 = query_scalar(PUT_SQLITE)
            .bind(&self.owner)
            .bind(item.id.as_str())
            .bind(letter(item.kind()))
            .bind(i64::from(columns.state))
            .bind(columns.sort)
            .bind(id_text(columns.goal.as_ref()))
            .bind(id_text(columns.task.as_ref()))
            .bind(id_text(columns.area.as_ref()))
            .bind(day)
            .bind(columns.labels)
            .bind(deleted_at)
            .bind(body)
            .fetch_one(&mut *self.connection)
            .await?;
        let words =
            |item: &GoalsItem| if item.is_deleted() { String::new() } else { item.columns().text };
        let (old, new) = (before.map(words).unwrap_or_default(), words(item));
        if old == new {
            return Ok(());
        }
        if !old.is_empty() {
            query(FORGET_WORDS).bind(number).execute(&mut *self.connection).await?;
        }
        if !new.is_empty() {
            let place = letter(item.kind());
            let store = query(STORE_WORDS).bind(number).bind(&self.owner).bind(place).bind(new);
            store.execute(&mut *self.connection).await?;
        }
        Ok(())
    }
}

impl PostgresRows<'_> {
    async fn put_item(
        &mut self,
        _before: Option<&GoalsItem>,
        item: &GoalsItem,
        values: ItemValues,
    ) -> Result<(), sqlx::Error> {
        let ItemValues { columns, day, deleted_at, body } = values;
        let put = query(PUT_POSTGRES)
            .bind(&self.owner)
            .bind(item.id.as_str())
            .bind(letter(item.kind()))
            .bind(i64::from(columns.state))
            .bind(columns.sort)
            .bind(id_text(columns.goal.as_ref()))
            .bind(id_text(columns.task.as_ref()))
            .bind(id_text(columns.area.as_ref()))
            .bind(day)
            .bind(columns.labels)
            .bind(deleted_at)
            .bind(body)
            .bind(columns.text);
        put.execute(&mut *self.connection).await.map(|_| ())
    }
}

/// The write in a row of [`READ_CHANGE`].
macro_rules! read_change {
    ($row:expr) => {{
        let row = $row;
        let items: String = row.try_get("items")?;
        let number = |column: &str| row.try_get::<Option<i64>, _>(column);
        Ok::<GoalsChange, sqlx::Error>(GoalsChange {
            revision: row.try_get::<i64, _>("revision")?.unsigned_abs(),
            at: $crate::kernel::sql::columns::timestamp(row.try_get("at")?),
            actor: row.try_get("actor")?,
            tool: row.try_get("tool")?,
            undoes: number("undoes")?.map(i64::unsigned_abs),
            undone_by: number("undone_by")?.map(i64::unsigned_abs),
            items: $crate::goals::sql::values::parsed(&items)?,
        })
    }};
}
pub(in crate::goals) use read_change;

/// The count in a row of [`READ_COUNTS`](super::statements::READ_COUNTS).
macro_rules! read_count {
    ($row:expr) => {{
        let row = $row;
        let (kind, state): (String, i64) = (row.try_get("kind")?, row.try_get("state")?);
        let kind = kind.chars().next().and_then($crate::goals::item::id::ItemKind::of_letter);
        let kind = kind.ok_or_else(|| $crate::goals::sql::values::unreadable("kind"))?;
        let count: i64 = row.try_get("count")?;
        let state = u8::try_from(state).unwrap_or_default();
        Ok::<StateCount, sqlx::Error>(StateCount { kind, state, count: count.unsigned_abs() })
    }};
}
pub(in crate::goals) use read_count;

/// The implementation for the rows of an engine, whose statements are the same texts.
macro_rules! sql_rows {
    ($rows:ident) => {
        impl GoalsRows for $rows<'_> {
            type Error = sqlx::Error;

            async fn lock(&mut self) -> Result<u64, sqlx::Error> {
                let lock = query_scalar::<_, i64>(LOCK).bind(&self.owner);
                Ok(lock.fetch_one(&mut *self.connection).await?.unsigned_abs())
            }

            async fn stored_answer(
                &mut self,
                request_id: &str,
                since: Timestamp,
            ) -> Result<Option<StoredWrite>, sqlx::Error> {
                let read =
                    query(READ_ANSWER).bind(&self.owner).bind(request_id).bind(millis(since));
                let row = read.fetch_optional(&mut *self.connection).await?;
                row.map(|row| {
                    let outcome: String = row.try_get("outcome")?;
                    Ok(StoredWrite {
                        fingerprint: row.try_get("fingerprint")?,
                        at: timestamp(row.try_get("at")?),
                        outcome: parsed(&outcome)?,
                    })
                })
                .transpose()
            }

            async fn store_answer(
                &mut self,
                request_id: &str,
                answer: &StoredWrite,
            ) -> Result<(), sqlx::Error> {
                let store = query(STORE_ANSWER)
                    .bind(&self.owner)
                    .bind(request_id)
                    .bind(&answer.fingerprint)
                    .bind(millis(answer.at))
                    .bind(text_of(&answer.outcome)?);
                store.execute(&mut *self.connection).await.map(|_| ())
            }

            async fn item(&mut self, id: &ItemId) -> Result<Option<GoalsItem>, sqlx::Error> {
                let read = query_scalar::<_, String>(READ_ITEM).bind(&self.owner).bind(id.as_str());
                let body = read.fetch_optional(&mut *self.connection).await?;
                body.map(|body| parsed(&body)).transpose()
            }

            async fn linked(&mut self, link: RowLink<'_>) -> Result<Vec<GoalsItem>, sqlx::Error> {
                let (statement, id) = match link {
                    RowLink::Goal(id) => (LINKED_TO_GOAL, id),
                    RowLink::Task(id) => (LINKED_TO_TASK, id),
                    RowLink::Area(id) => (LINKED_TO_AREA, id),
                };
                let read = query_scalar::<_, String>(statement).bind(&self.owner).bind(id.as_str());
                let bodies = read.fetch_all(&mut *self.connection).await?;
                bodies.iter().map(|body| parsed(body)).collect()
            }

            async fn count(&mut self, kind: ItemKind) -> Result<u64, sqlx::Error> {
                let count = query_scalar::<_, i64>(COUNT).bind(&self.owner).bind(letter(kind));
                Ok(count.fetch_one(&mut *self.connection).await?.unsigned_abs())
            }

            async fn put(
                &mut self,
                before: Option<&GoalsItem>,
                item: &GoalsItem,
            ) -> Result<(), sqlx::Error> {
                self.put_item(before, item, ItemValues::of(item)?).await?;
                let counted = |item: &&GoalsItem| !item.is_deleted();
                let old = before.filter(counted).map(|item| item.body.state());
                let new = Some(item).filter(counted).map(|item| item.body.state());
                if old == new {
                    return Ok(());
                }
                let changes = old.map(|state| (state, -1)).into_iter();
                for (state, change) in changes.chain(new.map(|state| (state, 1))) {
                    let add = query(ADD_TO_COUNT)
                        .bind(&self.owner)
                        .bind(letter(item.kind()))
                        .bind(i64::from(state))
                        .bind(change);
                    add.execute(&mut *self.connection).await?;
                }
                Ok(())
            }

            async fn change(&mut self, revision: u64) -> Result<Option<GoalsChange>, sqlx::Error> {
                let read = query(READ_CHANGE).bind(&self.owner).bind(integer(revision));
                let row = read.fetch_optional(&mut *self.connection).await?;
                row.map(|row| read_change!(row)).transpose()
            }

            async fn last_change(
                &mut self,
                actor: &str,
            ) -> Result<Option<GoalsChange>, sqlx::Error> {
                let read = query(LAST_CHANGE).bind(&self.owner).bind(actor);
                let row = read.fetch_optional(&mut *self.connection).await?;
                row.map(|row| read_change!(row)).transpose()
            }

            async fn append(&mut self, change: &GoalsChange) -> Result<(), sqlx::Error> {
                let revision = integer(change.revision);
                let append = query(APPEND)
                    .bind(&self.owner)
                    .bind(revision)
                    .bind(millis(change.at))
                    .bind(&change.actor)
                    .bind(&change.tool)
                    .bind(change.undoes.map(integer))
                    .bind(text_of(&change.items)?);
                append.execute(&mut *self.connection).await?;
                for item in &change.items {
                    let append = query(APPEND_ITEM)
                        .bind(&self.owner)
                        .bind(item.id().as_str())
                        .bind(revision);
                    append.execute(&mut *self.connection).await?;
                }
                if let Some(undone) = change.undoes {
                    let mark =
                        query(MARK_UNDONE).bind(&self.owner).bind(integer(undone)).bind(revision);
                    mark.execute(&mut *self.connection).await?;
                }
                let set = query(SET_REVISION).bind(&self.owner).bind(revision);
                set.execute(&mut *self.connection).await.map(|_| ())
            }
        }
    };
}

sql_rows!(SqliteRows);
sql_rows!(PostgresRows);
