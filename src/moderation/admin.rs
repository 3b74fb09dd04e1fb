//! [`AdminService`]: the operator's actions on reports and users.
//!
//! Every action is appended to the audit log before it runs. Routes and tools belong to
//! `transport/ops/admin/`. To add an action, add a method that calls [`AdminService::audit`] first.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use tokio::task::JoinError;

use super::penalty::Suspension;
use super::report::{Report, Verdict};
use super::service::{Evidence, ModerationService};
use super::store::AuditEntry;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// A report as an operator reads it.
#[derive(Debug, Serialize)]
pub struct ReportView {
    /// The hex ids of the reported user and the reporter, concatenated.
    pub id: String,
    /// The reported user, in the eight hex digits that logs show.
    pub person: String,
    /// The reporter, in the eight hex digits that logs show.
    pub reporter: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    pub topic: &'static str,
    /// Null once it is deleted, or if no key opens it.
    pub evidence: Option<Evidence>,
}

/// The stored moderation data of a user, as numbers.
#[derive(Debug, Serialize)]
pub struct UserRecord {
    /// The user's id, as 32 hex digits.
    pub code: String,
    /// Number of reports of the user.
    pub reports: usize,
    /// Number of these reports that were dismissed.
    pub dismissed: usize,
    /// Number of users that blocked this user or that this user blocked.
    pub apart: usize,
    /// End of the suspension, in milliseconds since the Unix epoch; 0 means until reviewed. Null if
    /// the user is not suspended.
    pub barred_until: Option<u64>,
    pub banned: bool,
}

/// The reason why an action failed. `Display` is the text for the operator.
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
    #[error("The action was interrupted. Please repeat it.")]
    Interrupted(#[source] JoinError),
    #[error("The moderation store can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] StoreError),
}

/// The operator's actions on a [`ModerationService`].
#[derive(Clone)]
pub struct AdminService(pub Arc<ModerationService>);

impl AdminService {
    /// The reports without a verdict, oldest first.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn reports(&self, now: Timestamp) -> Result<Vec<ReportView>, AdminError> {
        self.audit("listed reports", now).await?;
        let view = |report: Report| ReportView {
            id: report.reported.to_hex() + &report.reporter.to_hex(),
            person: report.reported.to_string(),
            reporter: report.reporter.to_string(),
            at: report.at.as_millis(),
            topic: report.topic.name(),
            evidence: report.evidence.and_then(|sealed| self.0.open_evidence(&sealed)),
        };
        Ok(self.0.store().open_reports().await?.into_iter().map(view).collect())
    }

    /// Sets the verdict of a report.
    ///
    /// # Errors
    /// Returns [`AdminError::ReportNotFound`] or [`AdminError::Unavailable`]. No report is changed
    /// then.
    pub async fn resolve(
        &self,
        id: &str,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let halves = id.split_at_checked(32);
        let ids = halves.and_then(|(reported, reporter)| {
            Some((UserId::from_hex(reported)?, UserId::from_hex(reporter)?))
        });
        let (reported, reporter) = ids.ok_or(AdminError::ReportNotFound)?;
        self.audit(&format!("resolved as {verdict:?} the report of {reported} by {reporter}"), now)
            .await?;
        let exists = self.0.store().resolve(reported, reporter, verdict).await?;
        if exists { Ok(()) } else { Err(AdminError::ReportNotFound) }
    }

    /// Normalizes the first 8 to 32 hex digits of a user's id to the form that stores contain.
    ///
    /// # Errors
    /// Returns [`AdminError::UserNotFound`] if `prefix` is malformed.
    pub fn normalize_prefix(prefix: &str) -> Result<String, AdminError> {
        let prefix = prefix.trim().to_ascii_lowercase();
        let has_valid_length = (8..=32).contains(&prefix.len());
        let is_hex = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        if has_valid_length && is_hex { Ok(prefix) } else { Err(AdminError::UserNotFound) }
    }

    /// Finds the user whose hex id starts with `prefix`, among users with stored data and
    /// `present`, the matching users of the lobby.
    ///
    /// # Errors
    /// Returns [`AdminError::UserNotFound`] if no user matches, [`AdminError::Ambiguous`] if
    /// several do, and [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn find_user(
        &self,
        prefix: &str,
        present: Vec<UserId>,
    ) -> Result<UserId, AdminError> {
        // A full id names a user even without stored data.
        if let Some(user) = UserId::from_hex(prefix) {
            return Ok(user);
        }
        let mut matches: BTreeSet<_> =
            self.0.store().find_by_prefix(prefix).await?.into_iter().collect();
        matches.extend(present);
        match (matches.pop_first(), matches.is_empty()) {
            (None, _) => Err(AdminError::UserNotFound),
            (Some(user), true) => Ok(user),
            (Some(_), false) => Err(AdminError::Ambiguous),
        }
    }

    /// The stored moderation data of a user.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn user_record(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UserRecord, AdminError> {
        self.audit(&format!("looked up {user}"), now).await?;
        let record = self.0.store().record(user).await?;
        let dismissed = |report: &&Report| report.verdict == Some(Verdict::Dismissed);
        let suspension = self.0.permissions(user, now).await?.suspension;
        Ok(UserRecord {
            code: user.to_hex(),
            reports: record.reports.len(),
            dismissed: record.reports.iter().filter(dismissed).count(),
            apart: record.blocked.len(),
            barred_until: suspension.map(|suspension| match suspension {
                Suspension::Until(until) => until.as_millis(),
                Suspension::UntilReviewed => 0,
            }),
            banned: record.banned_at.is_some(),
        })
    }

    /// Suspends a user until [`AdminService::unban`].
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn ban(&self, user: UserId, now: Timestamp) -> Result<(), AdminError> {
        self.audit(&format!("banned {user}"), now).await?;
        Ok(self.0.store().ban(user, now).await?)
    }

    /// Lifts a ban and all penalties.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), AdminError> {
        self.audit(&format!("unbanned {user}"), now).await?;
        Ok(self.0.store().unban(user, now).await?)
    }

    /// The last entries of the audit log, oldest first.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn audit_log(&self) -> Result<Vec<AuditEntry>, AdminError> {
        Ok(self.0.store().audit_log().await?)
    }

    /// Appends an action to the audit log. Call this before the action.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn audit(&self, action: &str, now: Timestamp) -> Result<(), AdminError> {
        Ok(self.0.store().append_audit(AuditEntry { at: now, action: action.to_owned() }).await?)
    }
}
