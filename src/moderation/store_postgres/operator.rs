//! The operator's part of [`PostgresModerationStore`].

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};

use super::{
    PostgresModerationStore, REPORT_COLUMNS, decode_decision, decode_report, millis, timestamp,
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

#[async_trait]
impl OperatorStore for PostgresModerationStore {
    async fn open_reports(&self, skip: usize) -> Result<Vec<Report>, StoreError> {
        let reports = format!(
            "SELECT {REPORT_COLUMNS} FROM moderation_reports WHERE upheld IS NULL \
             ORDER BY at, person, reporter LIMIT $1 OFFSET $2"
        );
        let read = query(AssertSqlSafe(reports)).bind(limit(SCAN_LIMIT)).bind(limit(skip));
        let rows = self.database.in_time(read.fetch_all(self.database.pool())).await?;
        Ok(rows.iter().filter_map(decode_report).collect())
    }

    async fn evidence(&self, reports: &[ReportKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let hex_ids = |id: fn(&ReportKey) -> UserId| -> Vec<String> {
            reports.iter().map(|key| id(key).to_hex()).collect()
        };
        let read = query_scalar(
            "SELECT evidence FROM unnest($1::text[], $2::text[]) WITH ORDINALITY \
             AS wanted (person, reporter, number) LEFT JOIN moderation_reports AS stored \
             ON stored.person = wanted.person AND stored.reporter = wanted.reporter \
             ORDER BY number",
        )
        .bind(hex_ids(|key| key.reported))
        .bind(hex_ids(|key| key.reporter));
        self.database.in_time(read.fetch_all(self.database.pool())).await
    }

    async fn resolve(
        &self,
        report: ReportKey,
        decision: Decision,
    ) -> Result<Resolution, StoreError> {
        let (reported, reporter) = (report.reported.to_hex(), report.reporter.to_hex());
        let statement = || {
            query(
                "UPDATE moderation_reports SET upheld = $1, decided_at = $2, decided_by = $3 \
                 WHERE person = $4 AND reporter = $5 AND upheld IS NULL",
            )
            .bind(decision.verdict == Verdict::Upheld)
            .bind(millis(decision.at))
            .bind(decision.by.clone())
            .bind(reported.clone())
            .bind(reporter.clone())
        };
        if self.execute(statement).await? > 0 {
            return Ok(Resolution::Resolved);
        }
        // A decision is never changed, so it may be read later.
        let read = query(
            "SELECT upheld, decided_at, decided_by FROM moderation_reports \
             WHERE person = $1 AND reporter = $2",
        )
        .bind(reported)
        .bind(reporter);
        let row = self.database.in_time(read.fetch_optional(self.database.pool())).await?;
        let existing = row.as_ref().map(decode_decision).transpose()?.flatten();
        Ok(existing.map_or(Resolution::NotFound, Resolution::AlreadyDecided))
    }

    async fn ban(&self, user: UserId, ban: Ban) -> Result<(), StoreError> {
        let statement = || {
            query(
                "INSERT INTO moderation_decisions (person, banned, banned_until, reason) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT (person) DO UPDATE SET \
                 banned = $2, banned_until = $3, reason = $4",
            )
            .bind(user.to_hex())
            .bind(millis(ban.at))
            .bind(ban.until.map(millis))
            .bind(ban.reason.clone())
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let statement = || {
            query(
                "INSERT INTO moderation_decisions (person, pardoned) VALUES ($1, $2) \
                 ON CONFLICT (person) DO UPDATE SET banned = NULL, banned_until = NULL, \
                 reason = NULL, pardoned = $2",
            )
            .bind(user.to_hex())
            .bind(millis(now))
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn accused_users(&self, after: Option<UserId>) -> Result<Vec<UserId>, StoreError> {
        let read = query_scalar(
            "SELECT person FROM moderation_decisions WHERE banned IS NOT NULL AND person > $1 \
             UNION SELECT person FROM moderation_reports WHERE person > $1 ORDER BY 1 LIMIT $2",
        )
        .bind(after.map(UserId::to_hex).unwrap_or_default())
        .bind(limit(SCAN_LIMIT));
        let hex_ids: Vec<String> =
            self.database.in_time(read.fetch_all(self.database.pool())).await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        // `g` sorts after every hex digit.
        let read = query_scalar(
            "SELECT person FROM moderation_blocks WHERE person >= $1 AND person < $2 \
             UNION SELECT person FROM moderation_reports WHERE person >= $1 AND person < $2 \
             UNION SELECT person FROM moderation_decisions WHERE person >= $1 AND person < $2 \
             ORDER BY 1 LIMIT $3",
        )
        .bind(prefix)
        .bind(format!("{prefix}g"))
        .bind(limit(LIST_LIMIT));
        let hex_ids: Vec<String> =
            self.database.in_time(read.fetch_all(self.database.pool())).await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let statement = || {
            query("INSERT INTO moderation_audit_log (at, operator, action) VALUES ($1, $2, $3)")
                .bind(millis(entry.at))
                .bind(entry.by.clone())
                .bind(entry.action.clone())
        };
        self.execute(statement).await?;
        Ok(())
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let read = query_as(
            "SELECT at, operator, action FROM moderation_audit_log ORDER BY number DESC LIMIT $1",
        )
        .bind(limit(LIST_LIMIT));
        let rows: Vec<(i64, String, String)> =
            self.database.in_time(read.fetch_all(self.database.pool())).await?;
        let entry = |(at, by, action)| AuditEntry { at: timestamp(at), by, action };
        Ok(rows.into_iter().rev().map(entry).collect())
    }
}
