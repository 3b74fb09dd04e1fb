//! What an operator can do about people. Each step is in the ledger's log before it is done.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use super::penalty::Suspension;
use super::service::{Evidence, ModerationService};
use super::store::{AuditEntry, Report, Verdict};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// A report as an operator reads it.
#[derive(Debug, Serialize)]
pub struct ReportView {
    /// Names the report: the codes of the person and the reporter.
    pub id: String,
    /// Who was reported, and by whom, as logs show them.
    pub person: String,
    pub reporter: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    pub topic: &'static str,
    /// What was written; null once it is deleted.
    pub evidence: Option<Evidence>,
}

/// What is kept of somebody, in figures.
#[derive(Debug, Serialize)]
pub struct UserRecord {
    /// 32 hex digits, by which all is kept of them.
    pub code: String,
    pub reports: usize,
    /// Of these reports, those that were dismissed.
    pub dismissed: usize,
    /// How many people they are kept apart from.
    pub apart: usize,
    /// `until` in milliseconds since the Unix epoch, 0 until reviewed; null when they are not barred.
    pub barred_until: Option<u64>,
    pub banned: bool,
}

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum AdminError {
    #[error("There is no such report.")]
    ReportNotFound,
    #[error("No user found with that code prefix.")]
    UserNotFound,
    #[error("The code prefix is ambiguous: give more digits.")]
    Ambiguous,
    #[error("A broadcast must be 1 to 1,000 characters long.")]
    InvalidBroadcast,
    #[error("The moderation store can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] StoreError),
}

/// The operator's side of a warden.
#[derive(Clone)]
pub struct AdminService(pub Arc<ModerationService>);

impl AdminService {
    /// The reports nobody has decided yet, oldest first.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn reports(&self, now: Timestamp) -> Result<Vec<ReportView>, AdminError> {
        self.audit("listed reports", now).await?;
        let filed = |report: Report| ReportView {
            id: report.reported.to_hex() + &report.reporter.to_hex(),
            person: report.reported.to_string(),
            reporter: report.reporter.to_string(),
            at: report.at.as_millis(),
            topic: report.topic.name(),
            evidence: report.evidence.and_then(|sealed| self.0.open_evidence(&sealed)),
        };
        Ok(self.0.store().open_reports().await?.into_iter().map(filed).collect())
    }

    /// Decides a report.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn resolve(
        &self,
        id: &str,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let codes = id.split_at_checked(32);
        let ids =
            codes.and_then(|(one, two)| Some((UserId::from_hex(one)?, UserId::from_hex(two)?)));
        let (person, reporter) = ids.ok_or(AdminError::ReportNotFound)?;
        self.audit(&format!("resolved as {verdict:?} the report of {person} by {reporter}"), now)
            .await?;
        let there = self.0.store().resolve(person, reporter, verdict).await?;
        if there { Ok(()) } else { Err(AdminError::ReportNotFound) }
    }

    /// The eight digits that logs show, or more of a code, as stores know them.
    ///
    /// # Errors
    /// When they can't be that.
    pub fn normalize_prefix(prefix: &str) -> Result<String, AdminError> {
        let prefix = prefix.trim().to_ascii_lowercase();
        let are_some = (8..=32).contains(&prefix.len());
        let all_hex = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        if are_some && all_hex { Ok(prefix) } else { Err(AdminError::UserNotFound) }
    }

    /// Who is meant by these digits, among those of whom something is kept and those `present`.
    ///
    /// # Errors
    /// When it is nobody, or not one person alone.
    pub async fn find_user(
        &self,
        digits: &str,
        present: Vec<UserId>,
    ) -> Result<UserId, AdminError> {
        // Of somebody who was never reported nothing is kept; their whole code names them all the same.
        if let Some(who) = UserId::from_hex(digits) {
            return Ok(who);
        }
        let mut found: BTreeSet<_> =
            self.0.store().find_by_prefix(digits).await?.into_iter().collect();
        found.extend(present);
        match (found.pop_first(), found.is_empty()) {
            (None, _) => Err(AdminError::UserNotFound),
            (Some(who), true) => Ok(who),
            (Some(_), false) => Err(AdminError::Ambiguous),
        }
    }

    /// What is kept of a person.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn user_record(&self, who: UserId, now: Timestamp) -> Result<UserRecord, AdminError> {
        self.audit(&format!("looked up {who}"), now).await?;
        let entry = self.0.store().record(who).await?;
        let dismissed = |report: &&Report| report.verdict == Some(Verdict::Dismissed);
        let bar = self.0.permissions(who, now).await?.suspension;
        Ok(UserRecord {
            code: who.to_hex(),
            reports: entry.reports.len(),
            dismissed: entry.reports.iter().filter(dismissed).count(),
            apart: entry.blocked.len(),
            barred_until: bar.map(|bar| match bar {
                Suspension::Until(until) => until.as_millis(),
                Suspension::UntilReviewed => 0,
            }),
            banned: entry.banned_at.is_some(),
        })
    }

    /// Bars somebody until they are unbanned.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), AdminError> {
        self.audit(&format!("banned {who}"), now).await?;
        Ok(self.0.store().ban(who, now).await?)
    }

    /// Lifts a ban and all that reports have led to.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), AdminError> {
        self.audit(&format!("unbanned {who}"), now).await?;
        Ok(self.0.store().unban(who, now).await?)
    }

    /// What operators did last, oldest first.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn audit_log(&self) -> Result<Vec<AuditEntry>, AdminError> {
        Ok(self.0.store().audit_log().await?)
    }

    /// Writes a step to the log, before it is done.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn audit(&self, what: &str, now: Timestamp) -> Result<(), AdminError> {
        Ok(self.0.store().append_audit(AuditEntry { at: now, action: what.to_owned() }).await?)
    }
}
