//! The ledger in a file of SQLite, for one machine: a restart loses nothing of it.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, query, query_as, query_scalar};
use tokio::sync::OnceCell;

use super::rating::{RATING_TTL, Rating};
use super::store::{
    AuditEntry, EVIDENCE_TTL, LIST_LIMIT, ModerationRecord, ModerationStore, NoticeState,
    RECORD_TTL, Report, ReportTopic, Verdict,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// How long an operation may wait for the file.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// A few connections read side by side; writers take turns.
const MAX_CONNECTIONS: u32 = 4;

/// The ledger kept in SQLite.
pub struct SqlModerationStore {
    pool: SqlitePool,
    /// Whether the tables have their newest form.
    migrated: OnceCell<()>,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // Its text may quote what was written.
        let full = error.as_database_error().and_then(|error| error.code().map(String::from));
        tracing::warn!(code = full.as_deref().unwrap_or("none"), "moderation store query failed");
        Self
    }
}

impl SqlModerationStore {
    /// A ledger in this file, which is made if it is not there. It is opened with the first use. Call
    /// it within a tokio runtime.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(ACQUIRE_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT);
        Self { pool: pool.connect_lazy_with(options), migrated: OnceCell::new() }
    }

    /// The file, once its tables have their newest form.
    async fn pool(&self) -> Result<&SqlitePool, StoreError> {
        let migrate = || async { sqlx::migrate!().run(&self.pool).await.map_err(|_| StoreError) };
        self.migrated.get_or_try_init(migrate).await?;
        Ok(&self.pool)
    }
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

/// A report from its row; nothing if another version wrote it.
fn decode_report(row: &SqliteRow) -> Option<Report> {
    let upheld: Option<bool> = row.try_get("upheld").ok()?;
    Some(Report {
        reported: UserId::from_hex(row.try_get("person").ok()?)?,
        reporter: UserId::from_hex(row.try_get("reporter").ok()?)?,
        at: timestamp(row.try_get("at").ok()?),
        topic: ReportTopic::parse(row.try_get("topic").ok()?)?,
        weight: row.try_get("weight").ok()?,
        verdict: upheld.map(|yes| if yes { Verdict::Upheld } else { Verdict::Dismissed }),
        evidence: row.try_get("evidence").ok()?,
    })
}

#[async_trait]
impl ModerationStore for SqlModerationStore {
    async fn block(&self, who: UserId, whom: UserId, _now: Timestamp) -> Result<(), StoreError> {
        query("INSERT OR IGNORE INTO blocks (who, whom) VALUES (?1, ?2), (?2, ?1)")
            .bind(who.to_hex())
            .bind(whom.to_hex())
            .execute(self.pool().await?)
            .await?;
        Ok(())
    }

    async fn record(&self, who: UserId) -> Result<ModerationRecord, StoreError> {
        let mut step = self.pool().await?.begin().await?;
        let apart: Vec<String> = query_scalar("SELECT whom FROM blocks WHERE who = ?")
            .bind(who.to_hex())
            .fetch_all(&mut *step)
            .await?;
        let reports = query(
            "SELECT person, reporter, at, topic, weight, upheld, NULL AS evidence \
             FROM reports WHERE person = ? ORDER BY at, reporter",
        )
        .bind(who.to_hex())
        .fetch_all(&mut *step)
        .await?;
        let decided: Option<(Option<i64>, Option<i64>)> =
            query_as("SELECT banned, pardoned FROM decisions WHERE person = ?")
                .bind(who.to_hex())
                .fetch_optional(&mut *step)
                .await?;
        let agreed: Option<bool> = query_scalar("SELECT agreed FROM consents WHERE person = ?")
            .bind(who.to_hex())
            .fetch_optional(&mut *step)
            .await?;
        let ratings: Vec<(i64, bool)> = query_as("SELECT at, good FROM ratings WHERE person = ?")
            .bind(who.to_hex())
            .fetch_all(&mut *step)
            .await?;
        step.commit().await?;
        let (banned, pardoned) = decided.unwrap_or_default();
        Ok(ModerationRecord {
            blocked: apart.iter().filter_map(|code| UserId::from_hex(code)).collect(),
            reports: reports.iter().filter_map(decode_report).collect(),
            banned_at: banned.map(timestamp),
            pardoned_at: pardoned.map(timestamp),
            notice: agreed.map(|yes| if yes { NoticeState::Accepted } else { NoticeState::Shown }),
            ratings: ratings
                .iter()
                .map(|(at, good)| Rating { at: timestamp(*at), good: *good })
                .collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let done = query(
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
        Ok(done.rows_affected() > 0)
    }

    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError> {
        let count: i64 =
            query_scalar("SELECT count(*) FROM reports WHERE reporter = ? AND upheld = 0")
                .bind(reporter.to_hex())
                .fetch_one(self.pool().await?)
                .await?;
        usize::try_from(count).map_err(|_| StoreError)
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
        person: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let done = query("UPDATE reports SET upheld = ? WHERE person = ? AND reporter = ?")
            .bind(verdict == Verdict::Upheld)
            .bind(person.to_hex())
            .bind(reporter.to_hex())
            .execute(self.pool().await?)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        query(
            "INSERT INTO decisions (person, banned) VALUES (?1, ?2) \
             ON CONFLICT (person) DO UPDATE SET banned = ?2",
        )
        .bind(who.to_hex())
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        query(
            "INSERT INTO decisions (person, pardoned) VALUES (?1, ?2) \
             ON CONFLICT (person) DO UPDATE SET banned = NULL, pardoned = ?2",
        )
        .bind(who.to_hex())
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let codes: Vec<String> = query_scalar(
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
        Ok(codes.iter().filter_map(|code| UserId::from_hex(code)).collect())
    }

    async fn record_notice(
        &self,
        who: UserId,
        consent: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO consents (person, agreed, at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (person) DO UPDATE SET agreed = max(agreed, ?2), at = ?3",
        )
        .bind(who.to_hex())
        .bind(consent == NoticeState::Accepted)
        .bind(millis(now))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn rate(&self, rater: UserId, person: UserId, rating: Rating) -> Result<(), StoreError> {
        query(
            "INSERT INTO ratings (person, rater, good, at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (person, rater) DO UPDATE SET good = ?3, at = ?4",
        )
        .bind(person.to_hex())
        .bind(rater.to_hex())
        .bind(rating.good)
        .bind(millis(rating.at))
        .execute(self.pool().await?)
        .await?;
        Ok(())
    }

    async fn append_audit(&self, note: AuditEntry) -> Result<(), StoreError> {
        query("INSERT INTO log (at, what) VALUES (?, ?)")
            .bind(millis(note.at))
            .bind(note.action)
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
            .map(|(at, what)| AuditEntry { at: timestamp(at), action: what })
            .collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        query("SELECT count(*) FROM decisions").execute(self.pool().await?).await?;
        Ok(())
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = |span: Duration| {
            let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            millis(now).saturating_sub(span)
        };
        query("UPDATE reports SET evidence = NULL WHERE at <= ? AND evidence IS NOT NULL")
            .bind(before(EVIDENCE_TTL))
            .execute(self.pool().await?)
            .await?;
        for (delete, span) in [
            ("DELETE FROM reports WHERE at <= ?", RECORD_TTL),
            ("DELETE FROM consents WHERE at <= ?", RECORD_TTL),
            ("DELETE FROM ratings WHERE at <= ?", RATING_TTL),
        ] {
            query(delete).bind(before(span)).execute(self.pool().await?).await?;
        }
        Ok(())
    }
}
