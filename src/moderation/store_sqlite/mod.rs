//! [`SqliteModerationStore`]: moderation data in an SQLite file, for one machine. A restart loses
//! nothing.
//!
//! `operator.rs` has the part that only operators use. The schema is in `migrations/sqlite/`.

mod dates;
mod deletion;
mod operator;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection, query, query_as, query_scalar};

use super::history::UserHistory;
use super::rating::Rating;
use super::report::{Decision, Report, ReportTopic, Verdict};
use super::store::{Ban, ModerationRecord, ModerationStore, NoticeState};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::{millis, timestamp};
use crate::kernel::sql::sqlite::SqliteDatabase;
use crate::kernel::store::StoreError;

/// A statement with its arguments.
type SqliteStatement = Query<'static, Sqlite, SqliteArguments>;

/// Stores moderation data in SQLite.
pub struct SqliteModerationStore {
    database: SqliteDatabase,
}

impl SqliteModerationStore {
    /// Creates a store in a database that has the migrations of
    /// [`MIGRATIONS`](super::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }

    /// Executes a statement that writes.
    async fn execute(&self, statement: SqliteStatement) -> Result<(), StoreError> {
        self.execute_all(vec![statement]).await
    }

    /// Executes statements that write, as one step.
    async fn execute_all(&self, statements: Vec<SqliteStatement>) -> Result<(), StoreError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    for statement in statements {
                        statement.execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// The connections that read.
    const fn readers(&self) -> &SqlitePool {
        self.database.readers()
    }
}

/// The columns of a report that [`decode_report`] reads.
const REPORT_COLUMNS: &str = "person, reporter, at, topic, weight, established, both_wrote, chats, network, upheld, decided_at, decided_by";

/// Decodes a report from its row, without evidence. `None` if another version wrote it.
fn decode_report(row: &SqliteRow) -> Option<Report> {
    let network: Option<String> = row.try_get("network").ok()?;
    let at = timestamp(row.try_get("at").ok()?);
    Some(Report {
        reported: UserId::from_hex(row.try_get("person").ok()?)?,
        reporter: UserId::from_hex(row.try_get("reporter").ok()?)?,
        at,
        topic: ReportTopic::parse(row.try_get("topic").ok()?)?,
        weight: row.try_get("weight").ok()?,
        established: row.try_get("established").ok()?,
        both_wrote: row.try_get("both_wrote").ok()?,
        reported_chats: row.try_get("chats").ok()?,
        network: network.and_then(|hex| UserId::from_hex(&hex)),
        decision: decode_decision(row, at).ok()?,
        evidence: None,
    })
}

/// The decision in the row of a report, if there is one. Version 0.1.0 stored only the verdict; the
/// time of the report replaces that of the decision.
fn decode_decision(
    row: &SqliteRow,
    reported_at: Timestamp,
) -> Result<Option<Decision>, sqlx::Error> {
    let Some(upheld) = row.try_get::<Option<bool>, _>("upheld")? else { return Ok(None) };
    let at: Option<i64> = row.try_get("decided_at")?;
    let by: Option<String> = row.try_get("decided_by")?;
    Ok(Some(Decision {
        verdict: if upheld { Verdict::Upheld } else { Verdict::Dismissed },
        at: at.map_or(reported_at, timestamp),
        by: by.unwrap_or_default(),
    }))
}

/// Decodes the operator's ban from the row of the decisions.
fn decode_ban(row: &SqliteRow) -> Result<Option<Ban>, sqlx::Error> {
    let Some(at) = row.try_get::<Option<i64>, _>("banned")? else { return Ok(None) };
    let until: Option<i64> = row.try_get("banned_until")?;
    let reason = row.try_get("reason")?;
    Ok(Some(Ban { at: timestamp(at), until: until.map(timestamp), reason }))
}

/// Reads the history of a user; empty if nothing is stored.
async fn read_history(
    connection: &mut SqliteConnection,
    user: &str,
) -> Result<UserHistory, sqlx::Error> {
    let counts: Option<(Option<i64>, u32, u32)> =
        query_as("SELECT first_chat, chats, reports FROM histories WHERE person = ?")
            .bind(user)
            .fetch_optional(&mut *connection)
            .await?;
    let dismissed: u32 =
        query_scalar("SELECT count(*) FROM reports WHERE reporter = ? AND upheld = 0")
            .bind(user)
            .fetch_one(connection)
            .await?;
    let (first_chat_at, chats, reports) = counts.unwrap_or_default();
    Ok(UserHistory { first_chat_at: first_chat_at.map(timestamp), chats, reports, dismissed })
}

/// Adds a report and counts it. Returns `false` if the reporter has already reported this user.
async fn insert_report(
    connection: &mut SqliteConnection,
    report: Report,
) -> Result<bool, sqlx::Error> {
    let result = query(
        "INSERT OR IGNORE INTO reports \
         (person, reporter, at, topic, weight, established, both_wrote, chats, network, evidence) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(report.reported.to_hex())
    .bind(report.reporter.to_hex())
    .bind(millis(report.at))
    .bind(report.topic.name())
    .bind(report.weight)
    .bind(report.established)
    .bind(report.both_wrote)
    .bind(report.reported_chats)
    .bind(report.network.map(UserId::to_hex))
    .bind(report.evidence)
    .execute(&mut *connection)
    .await?;
    if result.rows_affected() == 0 {
        return Ok(false);
    }
    query(
        "INSERT INTO histories (person, reports, changed_at) VALUES (?1, 1, ?2) \
         ON CONFLICT (person) DO UPDATE SET reports = reports + 1, \
         changed_at = max(changed_at, ?2)",
    )
    .bind(report.reporter.to_hex())
    .bind(millis(report.at))
    .execute(connection)
    .await?;
    Ok(true)
}

#[async_trait]
impl ModerationStore for SqliteModerationStore {
    async fn block(&self, user: UserId, target: UserId, _now: Timestamp) -> Result<(), StoreError> {
        let statement = query("INSERT OR IGNORE INTO blocks (who, whom) VALUES (?1, ?2), (?2, ?1)")
            .bind(user.to_hex())
            .bind(target.to_hex());
        self.execute(statement).await
    }

    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError> {
        let user = user.to_hex();
        let mut transaction = self.readers().begin().await?;
        let blocked: Vec<String> = query_scalar("SELECT whom FROM blocks WHERE who = ?")
            .bind(&user)
            .fetch_all(&mut *transaction)
            .await?;
        let reports =
            format!("SELECT {REPORT_COLUMNS} FROM reports WHERE person = ? ORDER BY at, reporter");
        let reports =
            query(AssertSqlSafe(reports)).bind(&user).fetch_all(&mut *transaction).await?;
        let decisions =
            query("SELECT banned, banned_until, reason, pardoned FROM decisions WHERE person = ?")
                .bind(&user)
                .fetch_optional(&mut *transaction)
                .await?;
        let accepted: Option<bool> = query_scalar("SELECT agreed FROM consents WHERE person = ?")
            .bind(&user)
            .fetch_optional(&mut *transaction)
            .await?;
        let ratings: Vec<(i64, bool, u32)> =
            query_as("SELECT at, good, weight FROM ratings WHERE person = ?")
                .bind(&user)
                .fetch_all(&mut *transaction)
                .await?;
        let history = read_history(&mut transaction, &user).await?;
        transaction.commit().await?;
        let pardoned: Option<i64> =
            decisions.as_ref().map(|row| row.try_get("pardoned")).transpose()?.flatten();
        let notice = |accepted| if accepted { NoticeState::Accepted } else { NoticeState::Shown };
        Ok(ModerationRecord {
            blocked: blocked.iter().filter_map(|hex| UserId::from_hex(hex)).collect(),
            reports: reports.iter().filter_map(decode_report).collect(),
            ban: decisions.as_ref().map(decode_ban).transpose()?.flatten(),
            pardoned_at: pardoned.map(timestamp),
            notice: accepted.map(notice),
            ratings: ratings
                .iter()
                .map(|(at, good, weight)| Rating {
                    at: timestamp(*at),
                    good: *good,
                    weight: *weight,
                })
                .collect(),
            history,
        })
    }

    async fn count_chat(
        &self,
        user: UserId,
        partner: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = query(
            "INSERT INTO histories (person, first_chat, chats, changed_at) \
             VALUES (?1, ?3, 1, ?3), (?2, ?3, 1, ?3) \
             ON CONFLICT (person) DO UPDATE SET first_chat = coalesce(first_chat, ?3), \
             chats = chats + 1, changed_at = max(changed_at, ?3)",
        )
        .bind(user.to_hex())
        .bind(partner.to_hex())
        .bind(millis(now));
        self.execute(statement).await
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        self.database.write(|connection| Box::pin(insert_report(connection, report))).await
    }

    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = query(
            "INSERT INTO consents (person, agreed, at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (person) DO UPDATE SET agreed = max(agreed, ?2), at = ?3",
        )
        .bind(user.to_hex())
        .bind(notice == NoticeState::Accepted)
        .bind(millis(now));
        self.execute(statement).await
    }

    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError> {
        let statement = query(
            "INSERT INTO ratings (person, rater, good, at, weight) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (person, rater) DO UPDATE SET good = ?3, at = ?4, weight = ?5",
        )
        .bind(rated.to_hex())
        .bind(rater.to_hex())
        .bind(rating.good)
        .bind(millis(rating.at))
        .bind(rating.weight);
        self.execute(statement).await
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        self.delete_user_data(user).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        query("SELECT count(*) FROM decisions").execute(self.readers()).await?;
        Ok(())
    }

    async fn correct_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        self.correct_late_dates(now).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.delete_expired(now).await
    }
}
