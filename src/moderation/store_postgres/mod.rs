//! [`PostgresModerationStore`]: moderation data in PostgreSQL, for several instances.
//!
//! `operator.rs` has the part that only operators use. The schema is in `migrations/postgres/`. An operation is one
//! statement where that is possible, so that it is one round trip and needs no lock between two.

mod dates;
mod operator;

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, query, query_as, query_scalar};

use super::history::UserHistory;
use super::rating::Rating;
use super::report::{Decision, Report, ReportTopic, Verdict};
use super::store::{Ban, ModerationRecord, ModerationStore, NoticeState};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::{millis, timestamp};
use crate::kernel::sql::postgres::{Isolation, PostgresDatabase};
use crate::kernel::store::StoreError;

/// Reads a user's record as of one moment.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A statement with its arguments.
type PostgresStatement = Query<'static, Postgres, PgArguments>;

/// Stores moderation data in PostgreSQL.
pub struct PostgresModerationStore {
    database: PostgresDatabase,
}

impl PostgresModerationStore {
    /// Creates a store in a database that has the migrations of
    /// [`MIGRATIONS`](super::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    /// Executes a statement. Returns the number of affected rows.
    async fn execute(
        &self,
        statement: impl Fn() -> PostgresStatement + Send + Sync,
    ) -> Result<u64, StoreError> {
        self.database.execute(statement).await
    }

    /// Executes statements as one step.
    async fn execute_all(
        &self,
        statements: impl Fn() -> Vec<PostgresStatement> + Send + Sync,
    ) -> Result<(), StoreError> {
        self.database
            .write(Isolation::ReadCommitted, |connection| {
                let statements = statements();
                Box::pin(async move {
                    for statement in statements {
                        statement.execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// A stored count.
fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The columns of a report that [`decode_report`] reads.
const REPORT_COLUMNS: &str = "person, reporter, at, topic, weight, established, both_wrote, chats, network, upheld, decided_at, decided_by";

/// Decodes a report from its row, without evidence. `None` if another version wrote it.
fn decode_report(row: &PgRow) -> Option<Report> {
    let network: Option<String> = row.try_get("network").ok()?;
    Some(Report {
        reported: UserId::from_hex(row.try_get("person").ok()?)?,
        reporter: UserId::from_hex(row.try_get("reporter").ok()?)?,
        at: timestamp(row.try_get("at").ok()?),
        topic: ReportTopic::parse(row.try_get("topic").ok()?)?,
        weight: count(row.try_get("weight").ok()?),
        established: row.try_get("established").ok()?,
        both_wrote: row.try_get("both_wrote").ok()?,
        reported_chats: count(row.try_get("chats").ok()?),
        network: network.and_then(|hex| UserId::from_hex(&hex)),
        decision: decode_decision(row).ok()?,
        evidence: None,
    })
}

/// The decision in the row of a report, if there is one.
fn decode_decision(row: &PgRow) -> Result<Option<Decision>, sqlx::Error> {
    let Some(upheld) = row.try_get::<Option<bool>, _>("upheld")? else { return Ok(None) };
    let at: Option<i64> = row.try_get("decided_at")?;
    let by: Option<String> = row.try_get("decided_by")?;
    Ok(Some(Decision {
        verdict: if upheld { Verdict::Upheld } else { Verdict::Dismissed },
        at: timestamp(at.unwrap_or_default()),
        by: by.unwrap_or_default(),
    }))
}

/// Decodes the operator's ban from the row of the decisions.
fn decode_ban(row: &PgRow) -> Result<Option<Ban>, sqlx::Error> {
    let Some(at) = row.try_get::<Option<i64>, _>("banned")? else { return Ok(None) };
    let until: Option<i64> = row.try_get("banned_until")?;
    let reason = row.try_get("reason")?;
    Ok(Some(Ban { at: timestamp(at), until: until.map(timestamp), reason }))
}

/// Reads the history of a user; empty if nothing is stored.
async fn read_history(
    connection: &mut PgConnection,
    user: &str,
) -> Result<UserHistory, sqlx::Error> {
    let counts: Option<(Option<i64>, i64, i64)> =
        query_as("SELECT first_chat, chats, reports FROM moderation_histories WHERE person = $1")
            .bind(user)
            .fetch_optional(&mut *connection)
            .await?;
    let dismissed: i64 =
        query_scalar("SELECT count(*) FROM moderation_reports WHERE reporter = $1 AND NOT upheld")
            .bind(user)
            .fetch_one(connection)
            .await?;
    let (first_chat_at, chats, reports) = counts.unwrap_or_default();
    Ok(UserHistory {
        first_chat_at: first_chat_at.map(timestamp),
        chats: count(chats),
        reports: count(reports),
        dismissed: count(dismissed),
    })
}

async fn read_record(
    connection: &mut PgConnection,
    user: &str,
) -> Result<ModerationRecord, sqlx::Error> {
    let blocked: Vec<String> =
        query_scalar("SELECT other FROM moderation_blocks WHERE person = $1")
            .bind(user)
            .fetch_all(&mut *connection)
            .await?;
    let reports = format!(
        "SELECT {REPORT_COLUMNS} FROM moderation_reports WHERE person = $1 ORDER BY at, reporter"
    );
    let reports = query(AssertSqlSafe(reports)).bind(user).fetch_all(&mut *connection).await?;
    let decisions = query(
        "SELECT banned, banned_until, reason, pardoned FROM moderation_decisions WHERE person = $1",
    )
    .bind(user)
    .fetch_optional(&mut *connection)
    .await?;
    let accepted: Option<bool> =
        query_scalar("SELECT accepted FROM moderation_notices WHERE person = $1")
            .bind(user)
            .fetch_optional(&mut *connection)
            .await?;
    let ratings: Vec<(i64, bool, i64)> =
        query_as("SELECT at, good, weight FROM moderation_ratings WHERE person = $1")
            .bind(user)
            .fetch_all(&mut *connection)
            .await?;
    let history = read_history(connection, user).await?;
    let pardoned: Option<i64> =
        decisions.as_ref().map(|row| row.try_get("pardoned")).transpose()?.flatten();
    let notice = |accepted| if accepted { NoticeState::Accepted } else { NoticeState::Shown };
    let rating = |(at, good, weight)| Rating { at: timestamp(at), good, weight: count(weight) };
    Ok(ModerationRecord {
        blocked: blocked.iter().filter_map(|hex| UserId::from_hex(hex)).collect(),
        reports: reports.iter().filter_map(decode_report).collect(),
        ban: decisions.as_ref().map(decode_ban).transpose()?.flatten(),
        pardoned_at: pardoned.map(timestamp),
        notice: accepted.map(notice),
        ratings: ratings.into_iter().map(rating).collect(),
        history,
    })
}

#[async_trait]
impl ModerationStore for PostgresModerationStore {
    async fn block(&self, user: UserId, target: UserId, _now: Timestamp) -> Result<(), StoreError> {
        let statement = || {
            query(
                "INSERT INTO moderation_blocks (person, other) VALUES ($1, $2), ($2, $1) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(user.to_hex())
            .bind(target.to_hex())
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError> {
        let user = user.to_hex();
        let read = async {
            let mut transaction = self.database.pool().begin_with(SNAPSHOT).await?;
            let record = read_record(&mut transaction, &user).await?;
            transaction.commit().await?;
            Ok(record)
        };
        self.database.in_time(read).await
    }

    async fn count_chat(
        &self,
        user: UserId,
        partner: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = || {
            query(
                "INSERT INTO moderation_histories AS stored (person, first_chat, chats, changed_at) \
                 VALUES ($1, $3, 1, $3), ($2, $3, 1, $3) ON CONFLICT (person) DO UPDATE SET \
                 first_chat = coalesce(stored.first_chat, $3), chats = stored.chats + 1, \
                 changed_at = greatest(stored.changed_at, $3)",
            )
            // In one order, so that two statements do not wait for each other.
            .bind(user.min(partner).to_hex())
            .bind(user.max(partner).to_hex())
            .bind(millis(now))
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let statement = || {
            query(
                "WITH added AS (INSERT INTO moderation_reports (person, reporter, at, topic, \
                 weight, established, both_wrote, chats, network, evidence) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT DO NOTHING RETURNING reporter, at) \
                 INSERT INTO moderation_histories AS stored (person, reports, changed_at) \
                 SELECT reporter, 1, at FROM added ON CONFLICT (person) DO UPDATE SET \
                 reports = stored.reports + 1, \
                 changed_at = greatest(stored.changed_at, excluded.changed_at)",
            )
            .bind(report.reported.to_hex())
            .bind(report.reporter.to_hex())
            .bind(millis(report.at))
            .bind(report.topic.name())
            .bind(i64::from(report.weight))
            .bind(report.established)
            .bind(report.both_wrote)
            .bind(i64::from(report.reported_chats))
            .bind(report.network.map(UserId::to_hex))
            .bind(report.evidence.clone())
        };
        Ok(self.execute(statement).await? > 0)
    }

    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = || {
            query(
                "INSERT INTO moderation_notices AS stored (person, accepted, at) \
                 VALUES ($1, $2, $3) ON CONFLICT (person) DO UPDATE SET \
                 accepted = stored.accepted OR $2, at = $3",
            )
            .bind(user.to_hex())
            .bind(notice == NoticeState::Accepted)
            .bind(millis(now))
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError> {
        let statement = || {
            query(
                "INSERT INTO moderation_ratings (person, rater, good, at, weight) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person, rater) DO UPDATE SET \
                 good = $3, at = $4, weight = $5",
            )
            .bind(rated.to_hex())
            .bind(rater.to_hex())
            .bind(rating.good)
            .bind(millis(rating.at))
            .bind(i64::from(rating.weight))
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        let statements = [
            "DELETE FROM moderation_notices WHERE person = $1",
            "DELETE FROM moderation_ratings WHERE person = $1 OR rater = $1",
            "UPDATE moderation_histories SET first_chat = NULL, chats = 0 WHERE person = $1",
        ];
        self.execute_all(|| statements.map(|sql| query(sql).bind(user.to_hex())).into()).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        let read = query("SELECT 1 FROM moderation_decisions LIMIT 1");
        self.database.in_time(read.execute(self.database.pool())).await?;
        Ok(())
    }

    async fn correct_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        self.correct_late_dates(now).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.delete_expired(now).await
    }
}
