//! [`ModerationService`]: the use cases of moderation. It blocks, reports and rates users, and
//! returns a user's [`Permissions`].
//!
//! Penalty and rating rules belong to `penalty.rs` and `rating.rs`, operator actions to `admin.rs`.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::penalty::{self, CountedReport, Suspension};
use super::rating::{self, Rating};
use super::report::{Report, ReportTopic, Verdict};
use super::store::{ModerationRecord, ModerationStore, NoticeState};
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::keyring::Keyring;
use crate::kernel::store::{StoreError, StoreErrorKind};
use crate::rate_limit::gcra::{LimitedAction, RateLimited};
use crate::rate_limit::limiter::RateLimiter;

/// The reason for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportReason {
    pub topic: ReportTopic,
    /// The reporter's text; empty if it was only the name of a topic.
    pub details: String,
}

impl ReportReason {
    /// Parses the name of a topic in any case. Any other text becomes the details of
    /// [`ReportTopic::Other`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let word = text.to_lowercase();
        match ReportTopic::parse(word.trim_end_matches(['.', '!'])) {
            Some(topic) => Self { topic, details: String::new() },
            None => Self { topic: ReportTopic::Other, details: text.to_owned() },
        }
    }
}

/// The content that an operator needs to judge a report. Stored as sealed JSON.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The reporter's details.
    pub words: String,
    /// The last messages of the reported user to the reporter, oldest first.
    pub said: Vec<String>,
}

/// The operator's policy for the notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoticePolicy {
    /// The notice is shown once, with the first partner.
    #[default]
    On,
    /// A user must accept the notice before the first match.
    Require,
    Off,
}

/// The restrictions of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Users that are never matched with this user.
    pub blocked: HashSet<UserId>,
    /// `None` if the user is not suspended.
    pub suspension: Option<Suspension>,
    /// `None` if the notice was never shown.
    pub notice: Option<NoticeState>,
    pub poorly_rated: bool,
}

/// Moderates users over a [`ModerationStore`] and an optional [`RateLimiter`].
pub struct ModerationService {
    store: Arc<dyn ModerationStore>,
    keyring: Keyring,
    rng: Mutex<StdRng>,
    /// `None` when rate limiting is disabled.
    limiter: Option<Arc<dyn RateLimiter>>,
    failures: FailureLog,
}

impl ModerationService {
    /// Creates a service. `limiter` is `None` to disable rate limiting.
    #[must_use]
    pub fn new(
        store: Arc<dyn ModerationStore>,
        keyring: Keyring,
        limiter: Option<Arc<dyn RateLimiter>>,
        rng: StdRng,
    ) -> Self {
        let failures = FailureLog::new("moderation");
        Self { store, keyring, rng: Mutex::new(rng), limiter, failures }
    }

    /// Checks that the moderation store is available.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it is not.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.store.check().await
    }

    /// Checks that the rate limiter is available, if rate limiting is enabled.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it is not.
    pub async fn check_rate_limiter(&self) -> Result<(), StoreError> {
        match &self.limiter {
            Some(limiter) => limiter.check().await,
            None => Ok(()),
        }
    }

    /// Admits a call and counts all of its `actions`, or returns the first one that exceeds its
    /// limit and counts none. `actions` is not called when rate limiting is disabled.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store of the rate limiter is unavailable.
    pub async fn admit(
        &self,
        user: UserId,
        key: Option<IdempotencyKey>,
        actions: impl FnOnce() -> Vec<LimitedAction>,
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError> {
        match &self.limiter {
            Some(limiter) => limiter.admit(user, key, &actions(), now).await,
            None => Ok(Ok(())),
        }
    }

    /// The store, for the operator's actions.
    pub(super) fn store(&self) -> &dyn ModerationStore {
        &*self.store
    }

    /// Decrypts evidence. `None` if no key of the keyring opens it.
    pub(super) fn open_evidence(&self, sealed: &[u8]) -> Option<Evidence> {
        serde_json::from_slice(&self.keyring.open(sealed)?).ok()
    }

    /// The permissions of a user at `now`.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn permissions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Permissions, StoreError> {
        let record = self.store.record(user).await?;
        Ok(Permissions {
            suspension: suspension(&record, now),
            poorly_rated: rating::is_poorly_rated(&record.ratings, now),
            blocked: record.blocked,
            notice: record.notice,
        })
    }

    /// Records that a user has seen or accepted the notice.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.record_notice(user, notice, now).await
    }

    /// Stores a user's rating of a chat with `target`.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn rate(
        &self,
        user: UserId,
        target: UserId,
        good: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.rate(user, target, Rating { at: now, good }).await
    }

    /// Blocks two users from each other.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn block(
        &self,
        user: UserId,
        target: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.block(user, target, now).await
    }

    /// Reports `target`, whose last messages are `transcript`. A second report of a user by the
    /// same reporter has no effect. Returns whether `target` is suspended now.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable or the evidence cannot be
    /// sealed.
    pub async fn report(
        &self,
        reporter: UserId,
        target: UserId,
        reason: ReportReason,
        transcript: Vec<String>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let weight = penalty::report_weight(self.store.dismissed_count(reporter).await?);
        let evidence = Evidence { words: reason.details, said: transcript };
        let sealed = serde_json::to_vec(&evidence)
            .ok()
            .and_then(|json| self.keyring.seal(&json, &mut *self.rng.lock()))
            .ok_or_else(|| self.failures.record(StoreErrorKind::Encode, "evidence"))?;
        let report = Report {
            reporter,
            reported: target,
            at: now,
            topic: reason.topic,
            weight,
            verdict: None,
            evidence: Some(sealed),
        };
        self.store.report(report).await?;
        let record = self.store.record(target).await?;
        let is_suspended = suspension(&record, now).is_some();
        tracing::info!(
            user = %target,
            reports = record.reports.len(),
            barred = is_suspended,
            "reported"
        );
        Ok(is_suspended)
    }

    /// Closes the moderation store at shutdown.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Deletes expired data of the store and the rate limiter.
    ///
    /// # Errors
    /// Returns [`StoreError`] if one of them is unavailable.
    pub async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        if let Some(limiter) = &self.limiter {
            limiter.evict_expired(now).await?;
        }
        self.store.purge(now).await
    }
}

fn suspension(record: &ModerationRecord, now: Timestamp) -> Option<Suspension> {
    if record.banned_at.is_some() {
        return Some(Suspension::UntilReviewed);
    }
    let counts = |report: &&Report| {
        report.verdict != Some(Verdict::Dismissed)
            && record.pardoned_at.is_none_or(|pardoned_at| report.at > pardoned_at)
    };
    let counted = |report: &Report| CountedReport { at: report.at, weight: report.weight };
    let reports: Vec<_> = record.reports.iter().filter(counts).map(counted).collect();
    penalty::suspension(&reports, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_reason_parses_topics_or_free_text() {
        let without_details = |topic| ReportReason { topic, details: String::new() };
        assert_eq!(ReportReason::parse("Spam"), without_details(ReportTopic::Spam));
        assert_eq!(ReportReason::parse("minor."), without_details(ReportTopic::Minor));
        let details = "spam and threats".to_owned();
        assert_eq!(
            ReportReason::parse(&details),
            ReportReason { topic: ReportTopic::Other, details }
        );
        assert_eq!(ReportTopic::parse("scam").map(ReportTopic::name), Some("scam"));
    }
}
