//! [`SqlModerationStore`]: moderation data in an SQLite file, for one machine. A restart loses
//! nothing.
//!
//! The schema is in `migrations/`. Existing migrations never change, because sqlx verifies their
//! checksums; add a new one instead.

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
use sqlx::{Row, SqlSafeStr, query, query_as, query_scalar};
use tokio::sync::OnceCell;

use super::rating::{RATING_TTL, Rating};
use super::report::{EVIDENCE_TTL, Report, ReportTopic, Verdict};
use super::store::{
    AuditEntry, LIST_LIMIT, ModerationRecord, ModerationStore, NoticeState, RECORD_TTL,
};
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
const MIGRATIONS: [(i64, &str, &str); 3] = [
    (1, "ledger", include_str!("../../migrations/0001_ledger.sql")),
    (2, "consents and ratings", include_str!("../../migrations/0002_consents_and_ratings.sql")),
    (4, "secret fingerprints", include_str!("../../migrations/0004_secret_fingerprints.sql")),
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

fn list_limit() -> i64 {
    i64::try_from(LIST_LIMIT).unwrap_or(i64::MAX)
}

/// Decodes a report from its row. `None` if another version wrote it.
fn decode_report(row: &SqliteRow) -> Option<Report> {
    let upheld: Option<bool> = row.try_get("upheld").ok()?;
    Some(Report {
        reported: UserId::from_hex(row.try_get("person").ok()?)?,
        reporter: UserId::from_hex(row.try_get("reporter").ok()?)?,
        at: timestamp(row.try_get("at").ok()?),
        topic: ReportTopic::parse(row.try_get("topic").ok()?)?,
        weight: row.try_get("weight").ok()?,
        verdict: upheld.map(|upheld| if upheld { Verdict::Upheld } else { Verdict::Dismissed }),
        evidence: row.try_get("evidence").ok()?,
    })
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
        let mut transaction = self.pool().await?.begin().await?;
        let blocked: Vec<String> = query_scalar("SELECT whom FROM blocks WHERE who = ?")
            .bind(user.to_hex())
            .fetch_all(&mut *transaction)
            .await?;
        let reports = query(
            "SELECT person, reporter, at, topic, weight, upheld, NULL AS evidence \
             FROM reports WHERE person = ? ORDER BY at, reporter",
        )
        .bind(user.to_hex())
        .fetch_all(&mut *transaction)
        .await?;
        let decisions: Option<(Option<i64>, Option<i64>)> =
            query_as("SELECT banned, pardoned FROM decisions WHERE person = ?")
                .bind(user.to_hex())
                .fetch_optional(&mut *transaction)
                .await?;
        let accepted: Option<bool> = query_scalar("SELECT agreed FROM consents WHERE person = ?")
            .bind(user.to_hex())
            .fetch_optional(&mut *transaction)
            .await?;
        let ratings: Vec<(i64, bool)> = query_as("SELECT at, good FROM ratings WHERE person = ?")
            .bind(user.to_hex())
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let (banned, pardoned) = decisions.unwrap_or_default();
        Ok(ModerationRecord {
            blocked: blocked.iter().filter_map(|hex| UserId::from_hex(hex)).collect(),
            reports: reports.iter().filter_map(decode_report).collect(),
            banned_at: banned.map(timestamp),
            pardoned_at: pardoned.map(timestamp),
            notice: accepted.map(
                |accepted| {
                    if accepted { NoticeState::Accepted } else { NoticeState::Shown }
                },
            ),
            ratings: ratings
                .iter()
                .map(|(at, good)| Rating { at: timestamp(*at), good: *good })
                .collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let result = query(
            "INSERT OR IGNORE INTO reports (person, reporter, at, topic, weight, evidence) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(report.reported.to_hex())
        .bind(report.reporter.to_hex())
        .bind(millis(report.at))
        .bind(report.topic.name())
        .bind(report.weight)
        .bind(report.evidence)
        .execute(self.pool().await?)
        .await?;
        Ok(result.rows_affected() > 0)
    }

    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError> {
        let count: i64 =
            query_scalar("SELECT count(*) FROM reports WHERE reporter = ? AND upheld = 0")
                .bind(reporter.to_hex())
                .fetch_one(self.pool().await?)
                .await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    async fn open_reports(&self) -> Result<Vec<Report>, StoreError> {
        let rows = query(
            "SELECT * FROM reports WHERE upheld IS NULL ORDER BY at, person, reporter LIMIT ?",
        )
        .bind(list_limit())
        .fetch_all(self.pool().await?)
        .await?;
        Ok(rows.iter().filter_map(decode_report).collect())
    }

    async fn resolve(
        &self,
        reported: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let result = query("UPDATE reports SET upheld = ? WHERE person = ? AND reporter = ?")
            .bind(verdict == Verdict::Upheld)
            .bind(reported.to_hex())
            .bind(reporter.to_hex())
            .execute(self.pool().await?)
            .await?;
        Ok(result.rows_affected() > 0)
    }

    async fn ban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        query(
            "INSERT INTO decisions (person, banned) VALUES (?1, ?2) \
             ON CONFLICT (person) DO UPDATE SET banned = ?2",
        )
        .bind(user.to_hex())
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        query(
            "INSERT INTO decisions (person, pardoned) VALUES (?1, ?2) \
             ON CONFLICT (person) DO UPDATE SET banned = NULL, pardoned = ?2",
        )
        .bind(user.to_hex())
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        // `g` sorts after every hex digit.
        let hex_ids: Vec<String> = query_scalar(
            "SELECT who FROM blocks WHERE who >= ?1 AND who < ?2 \
             UNION SELECT person FROM reports WHERE person >= ?1 AND person < ?2 \
             UNION SELECT person FROM decisions WHERE person >= ?1 AND person < ?2 \
             ORDER BY 1 LIMIT ?3",
        )
        .bind(prefix)
        .bind(format!("{prefix}g"))
        .bind(list_limit())
        .fetch_all(self.pool().await?)
        .await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
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
            "INSERT INTO ratings (person, rater, good, at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (person, rater) DO UPDATE SET good = ?3, at = ?4",
        )
        .bind(rated.to_hex())
        .bind(rater.to_hex())
        .bind(rating.good)
        .bind(millis(rating.at))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        query("INSERT INTO log (at, what) VALUES (?, ?)")
            .bind(millis(entry.at))
            .bind(entry.action)
            .execute(self.pool().await?)
            .await?;
        Ok(())
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<(i64, String)> =
            query_as("SELECT at, what FROM log ORDER BY number DESC LIMIT ?")
                .bind(list_limit())
                .fetch_all(self.pool().await?)
                .await?;
        Ok(rows
            .into_iter()
            .rev()
            .map(|(at, action)| AuditEntry { at: timestamp(at), action })
            .collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        query("SELECT count(*) FROM decisions").execute(self.pool().await?).await?;
        Ok(())
    }

    async fn close(&self) {
        // So that the database alone is a complete backup.
        if self.migrated.initialized()
            && let Err(error) = query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await
        {
            let _: StoreError = error.into();
        }
        self.pool.close().await;
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        let cutoff = |ttl: Duration| {
            let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            millis(now).saturating_sub(ttl_ms)
        };
        query("UPDATE reports SET evidence = NULL WHERE at <= ? AND evidence IS NOT NULL")
            .bind(cutoff(EVIDENCE_TTL))
            .execute(self.pool().await?)
            .await?;
        for (delete, ttl) in [
            ("DELETE FROM reports WHERE at <= ?", RECORD_TTL),
            ("DELETE FROM consents WHERE at <= ?", RECORD_TTL),
            ("DELETE FROM ratings WHERE at <= ?", RATING_TTL),
        ] {
            query(delete).bind(cutoff(ttl)).execute(self.pool().await?).await?;
        }
        Ok(())
    }
}
