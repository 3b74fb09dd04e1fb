//! The operator's part of [`SqliteModerationStore`].

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, query, query_as, query_scalar};

use super::{
    REPORT_COLUMNS, SqliteModerationStore, decode_decision, decode_report, millis, timestamp,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;
use crate::moderation::report::{Decision, Report, ReportKey, Verdict};
use crate::moderation::store::{
    AuditEntry, Ban, LIST_LIMIT, OperatorStore, Resolution, SCAN_LIMIT,
};

/// A limit as SQL takes it.
fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Decides a report that has no decision.
async fn decide(
    connection: &mut SqliteConnection,
    report: ReportKey,
    decision: Decision,
) -> Result<Resolution, sqlx::Error> {
    let columns = "SELECT at, upheld, decided_at, decided_by FROM reports \
                   WHERE person = ? AND reporter = ?";
    let row = query(columns)
        .bind(report.reported.to_hex())
        .bind(report.reporter.to_hex())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(Resolution::NotFound) };
    let reported_at = timestamp(row.try_get("at")?);
    if let Some(existing) = decode_decision(&row, reported_at)? {
        return Ok(Resolution::AlreadyDecided(existing));
    }
    query(
        "UPDATE reports SET upheld = ?, decided_at = ?, decided_by = ? \
         WHERE person = ? AND reporter = ?",
    )
    .bind(decision.verdict == Verdict::Upheld)
    .bind(millis(decision.at))
    .bind(decision.by)
    .bind(report.reported.to_hex())
    .bind(report.reporter.to_hex())
    .execute(connection)
    .await?;
    Ok(Resolution::Resolved)
}

#[async_trait]
impl OperatorStore for SqliteModerationStore {
    async fn open_reports(&self, skip: usize) -> Result<Vec<Report>, StoreError> {
        let reports = format!(
            "SELECT {REPORT_COLUMNS} FROM reports WHERE upheld IS NULL \
             ORDER BY at, person, reporter LIMIT ? OFFSET ?"
        );
        let rows = query(AssertSqlSafe(reports))
            .bind(limit(SCAN_LIMIT))
            .bind(limit(skip))
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().filter_map(decode_report).collect())
    }

    async fn evidence(&self, reports: &[ReportKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut evidence = Vec::with_capacity(reports.len());
        for ReportKey { reported, reporter } in reports {
            let stored: Option<Option<Vec<u8>>> =
                query_scalar("SELECT evidence FROM reports WHERE person = ? AND reporter = ?")
                    .bind(reported.to_hex())
                    .bind(reporter.to_hex())
                    .fetch_optional(self.readers())
                    .await?;
            evidence.push(stored.flatten());
        }
        Ok(evidence)
    }

    async fn resolve(
        &self,
        report: ReportKey,
        decision: Decision,
    ) -> Result<Resolution, StoreError> {
        self.database.write(move |connection| Box::pin(decide(connection, report, decision))).await
    }

    async fn ban(&self, user: UserId, ban: Ban) -> Result<(), StoreError> {
        let statement = query(
            "INSERT INTO decisions (person, banned, banned_until, reason) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (person) DO UPDATE SET banned = ?2, banned_until = ?3, reason = ?4",
        )
        .bind(user.to_hex())
        .bind(millis(ban.at))
        .bind(ban.until.map(millis))
        .bind(ban.reason);
        self.execute(statement).await
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let statement = query(
            "INSERT INTO decisions (person, pardoned) VALUES (?1, ?2) ON CONFLICT (person) \
             DO UPDATE SET banned = NULL, banned_until = NULL, reason = NULL, pardoned = ?2",
        )
        .bind(user.to_hex())
        .bind(millis(now));
        self.execute(statement).await
    }

    async fn accused_users(&self, after: Option<UserId>) -> Result<Vec<UserId>, StoreError> {
        let hex_ids: Vec<String> = query_scalar(
            "SELECT person FROM decisions WHERE banned IS NOT NULL AND person > ?1 \
             UNION SELECT person FROM reports WHERE person > ?1 ORDER BY 1 LIMIT ?2",
        )
        .bind(after.map(UserId::to_hex).unwrap_or_default())
        .bind(limit(SCAN_LIMIT))
        .fetch_all(self.readers())
        .await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
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
        .bind(limit(LIST_LIMIT))
        .fetch_all(self.readers())
        .await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let statement = query("INSERT INTO log (at, what, operator) VALUES (?, ?, ?)")
            .bind(millis(entry.at))
            .bind(entry.action)
            .bind(entry.by);
        self.execute(statement).await
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<(i64, String, String)> =
            query_as("SELECT at, operator, what FROM log ORDER BY number DESC LIMIT ?")
                .bind(limit(LIST_LIMIT))
                .fetch_all(self.readers())
                .await?;
        let entry = |(at, by, action)| AuditEntry { at: timestamp(at), by, action };
        Ok(rows.into_iter().rev().map(entry).collect())
    }
}
