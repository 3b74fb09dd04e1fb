//! [`SqlModerationStore`]: moderation data in an SQLite file, for one machine. A restart loses
//! nothing.
//!
//! `operator.rs` has the part that only operators use.
//!
//! The schema is in `migrations/`. Existing migrations never change, because sqlx verifies their
//! checksums; add a new one instead.

mod dates;
mod deletion;
mod operator;
mod write_ahead_log;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use once_cell::sync::Lazy;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row, SqlSafeStr, SqliteConnection, query, query_as, query_scalar};
use tokio::sync::OnceCell;

use super::history::UserHistory;
use super::rating::Rating;
use super::report::{Decision, Report, ReportTopic, Verdict};
use super::store::{Ban, ModerationRecord, ModerationStore, NoticeState};
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::UserId;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Maximum time that an operation waits for a connection, and again for the file's lock.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum number of connections. Readers run concurrently, writers one at a time.
const MAX_CONNECTIONS: u32 = 4;

/// The migrations in `migrations/`, oldest first: version and description as in the file's name, and the
/// file's text.
///
/// The list replaces `sqlx::migrate!`, because sqlx's macros compile SQLite a second time.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "ledger", include_str!("../../../migrations/0001_ledger.sql")),
    (2, "consents and ratings", include_str!("../../../migrations/0002_consents_and_ratings.sql")),
    (
        3,
        "histories and decisions",
        include_str!("../../../migrations/0003_histories_and_decisions.sql"),
    ),
    (4, "secret fingerprints", include_str!("../../../migrations/0004_secret_fingerprints.sql")),
];

/// Stores moderation data in SQLite.
pub struct SqlModerationStore {
    pool: SqlitePool,
    /// Set once all migrations are applied.
    migrated: OnceCell<()>,
}

/// The failures of all queries. One for the process, because a converted error knows no store.
static FAILURES: Lazy<FailureLog> = Lazy::new(|| FailureLog::new("moderation"));

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // The code only, because the error's text may quote the data.
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        FAILURES.record(error_kind(&error, code.as_deref()), code.as_deref().unwrap_or_default())
    }
}

/// The kind of an error with this SQLite result code, which is an extended one.
fn error_kind(error: &sqlx::Error, code: Option<&str>) -> StoreErrorKind {
    // The result codes of https://www.sqlite.org/rescode.html; the low byte is the primary one.
    match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        Some(5 | 6) => StoreErrorKind::Timeout,
        Some(8) => StoreErrorKind::ReadOnly,
        Some(10 | 13 | 14) => StoreErrorKind::Disk,
        Some(_) => StoreErrorKind::Script,
        None => match error {
            sqlx::Error::PoolTimedOut => StoreErrorKind::Timeout,
            sqlx::Error::Io(_) => StoreErrorKind::Disk,
            sqlx::Error::Migrate(_) => StoreErrorKind::Migration,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreErrorKind::Decode,
            _ => StoreErrorKind::Script,
        },
    }
}

impl SqlModerationStore {
    /// Creates a store in `file`. The file is created if it does not exist, and opened on first
    /// use. Call this within a tokio runtime.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT);
        Self { pool: pool.connect_lazy_with(connect_options(file)), migrated: OnceCell::new() }
    }

    /// The connection pool, after all migrations are applied.
    async fn pool(&self) -> Result<&SqlitePool, StoreError> {
        let migrate = || async { migrator().run(&self.pool).await.map_err(migration_error) };
        self.migrated.get_or_try_init(migrate).await?;
        Ok(&self.pool)
    }
}

/// Returns how to open the database in `file`, which is created if it does not exist.
pub(super) fn connect_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(ACQUIRE_TIMEOUT)
}

/// Converts the error of a migration. A migration contains no data, so that its text may be logged.
fn migration_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => error.into(),
        error => FAILURES.record(StoreErrorKind::Migration, &error.to_string()),
    }
}

/// Returns the migrations of the tables.
#[must_use]
pub fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, description, sql)| {
        let description = Cow::Borrowed(description);
        Migration::new(version, description, MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into())
}

fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis.unsigned_abs())
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

#[async_trait]
impl ModerationStore for SqlModerationStore {
    async fn block(&self, user: UserId, target: UserId, _now: Timestamp) -> Result<(), StoreError> {
        query("INSERT OR IGNORE INTO blocks (who, whom) VALUES (?1, ?2), (?2, ?1)")
            .bind(user.to_hex())
            .bind(target.to_hex())
            .execute(self.pool().await?)
            .await?;
        Ok(())
    }

    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError> {
        let user = user.to_hex();
        let mut transaction = self.pool().await?.begin().await?;
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
        query(
            "INSERT INTO histories (person, first_chat, chats, changed_at) \
             VALUES (?1, ?3, 1, ?3), (?2, ?3, 1, ?3) \
             ON CONFLICT (person) DO UPDATE SET first_chat = coalesce(first_chat, ?3), \
             chats = chats + 1, changed_at = max(changed_at, ?3)",
        )
        .bind(user.to_hex())
        .bind(partner.to_hex())
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let mut transaction = self.pool().await?.begin_with("BEGIN IMMEDIATE").await?;
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
        .execute(&mut *transaction)
        .await?;
        let is_new = result.rows_affected() > 0;
        if is_new {
            query(
                "INSERT INTO histories (person, reports, changed_at) VALUES (?1, 1, ?2) \
                 ON CONFLICT (person) DO UPDATE SET reports = reports + 1, \
                 changed_at = max(changed_at, ?2)",
            )
            .bind(report.reporter.to_hex())
            .bind(millis(report.at))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(is_new)
    }

    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO consents (person, agreed, at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (person) DO UPDATE SET agreed = max(agreed, ?2), at = ?3",
        )
        .bind(user.to_hex())
        .bind(notice == NoticeState::Accepted)
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError> {
        query(
            "INSERT INTO ratings (person, rater, good, at, weight) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (person, rater) DO UPDATE SET good = ?3, at = ?4, weight = ?5",
        )
        .bind(rated.to_hex())
        .bind(rater.to_hex())
        .bind(rating.good)
        .bind(millis(rating.at))
        .bind(rating.weight)
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        self.delete_user_data(user).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        query("SELECT count(*) FROM decisions").execute(self.pool().await?).await?;
        Ok(())
    }

    async fn close(&self) {
        // The database alone is then a complete backup.
        if self.migrated.initialized()
            && let Err(error) = query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await
        {
            let _: StoreError = error.into();
        }
        self.pool.close().await;
        write_ahead_log::merge_log(&self.pool.connect_options()).await;
    }

    async fn correct_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        self.correct_late_dates(now).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.delete_expired(now).await
    }
}
