//! [`AdminService`]: the operator's actions on reports and users.
//!
//! Every action is appended to the audit log before it runs, with the token that acted. Routes and
//! tools belong to `transport/ops/admin/`. To add an action, add a method that calls
//! [`AdminService::audit`] first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinError;

use super::cases::{Case, Cursor, REPORTS_PER_CASE, cases};
use super::evidence::{self, Evidence};
use super::penalty::Suspension;
use super::report::{Decision, Report, ReportKey, Verdict};
use super::service::{ModerationService, suspension};
use super::store::{AuditEntry, Ban, LIST_LIMIT, ModerationRecord, Resolution, SCAN_LIMIT};
use super::text::untrusted;
use super::views::{CaseView, Page, ReportView, SuspendedUser, UserRecord};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// Maximum length of the reason for a ban, in characters.
const MAX_REASON_CHARS: usize = 300;

/// Maximum length of a ban with an end, in hours: ten years.
const MAX_BAN_HOURS: u64 = 10 * 365 * 24;

/// The operator who acts: the fingerprint of the token, never the token.
#[derive(Clone, Debug)]
pub struct Operator(pub String);

/// The reason why an action failed. `Display` is the text for the operator.
#[derive(Debug, Error)]
pub enum AdminError {
    #[error("There is no such report.")]
    ReportNotFound,
    #[error(
        "This report was {} at {} (milliseconds since 1970) by the token {}. A decision is final: ban or unban the user to change what follows from it.",
        verdict_word(.0.verdict), .0.at.as_millis(), token_word(&.0.by)
    )]
    AlreadyDecided(Decision),
    #[error("No user found with that code prefix.")]
    UserNotFound,
    #[error("The code prefix is ambiguous: give more digits.")]
    Ambiguous,
    #[error("A broadcast must be 1 to 1,000 characters long.")]
    InvalidBroadcast,
    #[error("The action was interrupted. Please repeat it.")]
    Interrupted(#[source] JoinError),
    #[error("A reason must be 1 to 300 characters long, and a ban 1 to 87,600 hours.")]
    InvalidBan,
    #[error("This is no cursor of this list: start without one.")]
    InvalidCursor,
    #[error("The moderation store can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] StoreError),
}

const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Upheld => "upheld",
        Verdict::Dismissed => "dismissed",
    }
}

fn token_word(by: &str) -> &str {
    if by.is_empty() { "that was used then" } else { by }
}

/// The operator's actions on a [`ModerationService`].
#[derive(Clone)]
pub struct AdminService(pub Arc<ModerationService>);

impl AdminService {
    /// Unresolved reports: by user, the gravest first; at most [`LIST_LIMIT`] after `cursor`. Of each
    /// user at most [`REPORTS_PER_CASE`], or all of one `user`.
    ///
    /// # Errors
    /// Returns [`AdminError::InvalidCursor`], or [`AdminError::Unavailable`] if the moderation store
    /// is unavailable.
    pub async fn reports(
        &self,
        user: Option<UserId>,
        cursor: Option<&str>,
        by: &Operator,
        now: Timestamp,
    ) -> Result<Page<ReportView>, AdminError> {
        self.audit("listed reports", by, now).await?;
        let cursor = parse_cursor(cursor)?;
        let per_case = if user.is_some() { usize::MAX } else { REPORTS_PER_CASE };
        let cases = self.open_cases().await?;
        let cases = cases.iter().filter(|case| user.is_none_or(|user| case.reported == user));
        // A crowd's further reports are left out, whichever page they would be on.
        let reports = cases.flat_map(|case| {
            let reports = case.reports.iter().take(per_case);
            let reports = reports.filter(move |report| case.is_after(report, cursor));
            reports.map(move |report| (case, report))
        });
        let listed: Vec<_> = reports.take(LIST_LIMIT + 1).collect();
        let next = listed.get(LIST_LIMIT).and_then(|_| listed.get(LIST_LIMIT - 1));
        let next = next.map(|(case, report)| Cursor::after_report(case, report).encode());
        let listed = &listed[..listed.len().min(LIST_LIMIT)];
        let keys: Vec<_> = listed.iter().map(|(_, report)| report.key()).collect();
        let evidence = self.0.store().evidence(&keys).await?;
        let view = |((case, report), sealed): (&(&Case, &Report), Option<Vec<u8>>)| ReportView {
            id: report.key().to_hex(),
            person: report.reported.to_string(),
            reporter: report.reporter.to_string(),
            at: report.at.as_millis(),
            topic: report.topic.name(),
            established: report.established,
            both_wrote: report.both_wrote,
            weight: report.weight,
            open_reports: case.reports.len(),
            evidence: sealed
                .and_then(|sealed| Evidence::open(&sealed, report.key(), self.0.keyring()))
                .map(Evidence::sanitized),
        };
        Ok(Page { items: listed.iter().zip(evidence).map(view).collect(), next })
    }

    /// The users with unresolved reports, gravest first; at most [`LIST_LIMIT`] after `cursor`.
    ///
    /// # Errors
    /// Returns [`AdminError::InvalidCursor`], or [`AdminError::Unavailable`] if the moderation store
    /// is unavailable.
    pub async fn cases(
        &self,
        cursor: Option<&str>,
        by: &Operator,
        now: Timestamp,
    ) -> Result<Page<CaseView>, AdminError> {
        self.audit("listed reported users", by, now).await?;
        let cursor = parse_cursor(cursor)?;
        let cases = self.open_cases().await?;
        let mut rest = cases.iter().filter(|case| case.has_reports_after(cursor));
        let page: Vec<_> = rest.by_ref().take(LIST_LIMIT).collect();
        let last = page.last().filter(|_| rest.next().is_some());
        let next = last.map(|case| Cursor::after_case(case).encode());
        let mut items = Vec::with_capacity(page.len());
        for case in page {
            let record = self.0.store().record(case.reported).await?;
            let shape = case.shape();
            items.push(CaseView {
                code: case.reported.to_hex(),
                topic: case.reports.first().map_or("other", |report| report.topic.name()),
                reports: shape.reports,
                without_history: shape.without_history,
                both_wrote: shape.both_wrote,
                networks: shape.networks,
                chats: record.history.chats,
                first_at: shape.first_at.as_millis(),
                last_at: shape.last_at.as_millis(),
                barred_until: suspension(&record, now).map(barred_until),
            });
        }
        Ok(Page { items, next })
    }

    async fn open_cases(&self) -> Result<Vec<Case>, StoreError> {
        let mut reports = Vec::new();
        loop {
            let page = self.0.store().open_reports(reports.len()).await?;
            let is_last = page.len() < SCAN_LIMIT;
            reports.extend(page);
            if is_last {
                return Ok(cases(reports));
            }
        }
    }

    /// The suspended users, by id; at most [`LIST_LIMIT`] after `cursor`.
    ///
    /// # Errors
    /// Returns [`AdminError::InvalidCursor`], or [`AdminError::Unavailable`] if the moderation store
    /// is unavailable.
    pub async fn suspended(
        &self,
        cursor: Option<&str>,
        by: &Operator,
        now: Timestamp,
    ) -> Result<Page<SuspendedUser>, AdminError> {
        self.audit("listed suspended users", by, now).await?;
        let mut after = match cursor {
            Some(hex) => Some(UserId::from_hex(hex).ok_or(AdminError::InvalidCursor)?),
            None => None,
        };
        let mut items = Vec::new();
        loop {
            let users = self.0.store().accused_users(after).await?;
            for user in &users {
                let record = self.0.store().record(*user).await?;
                let Some(suspension) = suspension(&record, now) else { continue };
                if items.len() == LIST_LIMIT {
                    return Ok(Page { items, next: after.map(UserId::to_hex) });
                }
                after = Some(*user);
                items.push(SuspendedUser {
                    code: user.to_hex(),
                    barred_until: barred_until(suspension),
                    banned: record.ban.as_ref().is_some_and(|ban| ban.is_active(now)),
                    reason: self.ban_reason(*user, &record, now),
                });
            }
            if users.len() < SCAN_LIMIT {
                return Ok(Page { items, next: None });
            }
            after = users.last().copied();
        }
    }

    /// The reason of a ban that is active.
    fn ban_reason(
        &self,
        user: UserId,
        record: &ModerationRecord,
        now: Timestamp,
    ) -> Option<String> {
        let ban = record.ban.as_ref().filter(|ban| ban.is_active(now))?;
        let reason = evidence::open_ban_reason(ban.reason.as_deref()?, user, self.0.keyring())?;
        Some(untrusted(&reason))
    }

    /// Sets the verdict of a report that has none.
    ///
    /// # Errors
    /// Returns [`AdminError::ReportNotFound`], [`AdminError::AlreadyDecided`] or
    /// [`AdminError::Unavailable`]. No report is changed then.
    pub async fn resolve(
        &self,
        id: &str,
        verdict: Verdict,
        by: &Operator,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let key = ReportKey::from_hex(id).ok_or(AdminError::ReportNotFound)?;
        let ReportKey { reported, reporter } = key;
        let action = format!("resolved as {verdict:?} the report of {reported} by {reporter}");
        self.audit(&action, by, now).await?;
        let decision = Decision { verdict, at: now, by: by.0.clone() };
        match self.0.store().resolve(key, decision).await? {
            Resolution::Resolved => Ok(()),
            Resolution::AlreadyDecided(decision) => Err(AdminError::AlreadyDecided(decision)),
            Resolution::NotFound => Err(AdminError::ReportNotFound),
        }
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
        by: &Operator,
        now: Timestamp,
    ) -> Result<UserRecord, AdminError> {
        self.audit(&format!("looked up {user}"), by, now).await?;
        let record = self.0.store().record(user).await?;
        Ok(UserRecord {
            code: user.to_hex(),
            reports: record.reports.len(),
            dismissed: record.reports.iter().filter(|report| report.is_dismissed()).count(),
            apart: record.blocked.len(),
            chats: record.history.chats,
            made: record.history.reports,
            made_dismissed: record.history.dismissed,
            barred_until: suspension(&record, now).map(barred_until),
            banned: record.ban.as_ref().is_some_and(|ban| ban.is_active(now)),
            reason: self.ban_reason(user, &record, now),
        })
    }

    /// Suspends a user until [`AdminService::unban`], or for `hours`.
    ///
    /// # Errors
    /// Returns [`AdminError::InvalidBan`], or [`AdminError::Unavailable`] if the moderation store is
    /// unavailable.
    pub async fn ban(
        &self,
        user: UserId,
        reason: Option<&str>,
        hours: Option<u64>,
        by: &Operator,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let reason = reason.map(str::trim);
        let is_valid =
            |reason: &str| !reason.is_empty() && reason.chars().count() <= MAX_REASON_CHARS;
        if !reason.is_none_or(is_valid) || !hours.is_none_or(|n| (1..=MAX_BAN_HOURS).contains(&n)) {
            return Err(AdminError::InvalidBan);
        }
        let length = hours.map(|hours| format!(" for {hours} h")).unwrap_or_default();
        self.audit(&format!("banned {user}{length}"), by, now).await?;
        let seal = |reason| {
            self.0.seal(|keyring, rng| evidence::seal_ban_reason(reason, user, keyring, rng))
        };
        let ban = Ban {
            at: now,
            until: hours.map(|hours| now + Duration::from_secs(hours * 60 * 60)),
            reason: reason.map(seal).transpose()?,
        };
        Ok(self.0.store().ban(user, ban).await?)
    }

    /// Lifts a ban and all penalties.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn unban(
        &self,
        user: UserId,
        by: &Operator,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        self.audit(&format!("unbanned {user}"), by, now).await?;
        Ok(self.0.store().unban(user, now).await?)
    }

    /// The last entries of the audit log, oldest first.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn audit_log(&self) -> Result<Vec<AuditEntry>, AdminError> {
        let entry = |entry: AuditEntry| AuditEntry { action: untrusted(&entry.action), ..entry };
        Ok(self.0.store().audit_log().await?.into_iter().map(entry).collect())
    }

    /// Appends an action to the audit log. Call this before the action.
    ///
    /// # Errors
    /// Returns [`AdminError::Unavailable`] if the moderation store is unavailable.
    pub async fn audit(
        &self,
        action: &str,
        by: &Operator,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let entry = AuditEntry { at: now, by: by.0.clone(), action: action.to_owned() };
        Ok(self.0.store().append_audit(entry).await?)
    }
}

fn parse_cursor(cursor: Option<&str>) -> Result<Option<Cursor>, AdminError> {
    let Some(text) = cursor else { return Ok(None) };
    Cursor::decode(text).map(Some).ok_or(AdminError::InvalidCursor)
}

/// A suspension as a number: its end in milliseconds since the Unix epoch, or 0.
const fn barred_until(suspension: Suspension) -> u64 {
    match suspension {
        Suspension::Until(until) => until.as_millis(),
        Suspension::UntilReviewed => 0,
    }
}
