//! The use cases: two people are kept apart, somebody is reported, and what a person may do is looked
//! up.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::penalty;
use super::penalty::{CountedReport, Suspension};
use super::rating;
use super::rating::Rating;
use super::store::{ModerationRecord, ModerationStore, NoticeState, Report, ReportTopic, Verdict};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::keyring::Keyring;
use crate::kernel::store::StoreError;
use crate::rate_limit::gcra::{LimitedAction, RateLimited};
use crate::rate_limit::limiter::RateLimiter;

/// Why somebody is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportReason {
    pub topic: ReportTopic,
    /// What the reporter wrote, where it was more than the topic's word.
    pub details: String,
}

impl ReportReason {
    /// Reads a topic's word, or anything else as a reason of the reporter's own.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let word = text.to_lowercase();
        match ReportTopic::parse(word.trim_end_matches(['.', '!'])) {
            Some(topic) => Self { topic, details: String::new() },
            None => Self { topic: ReportTopic::Other, details: text.to_owned() },
        }
    }
}

/// What is kept with a report so that somebody can judge it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The reporter's own reason.
    pub words: String,
    /// What the reported person wrote last, oldest first.
    pub said: Vec<String>,
}

/// Whether people are told how they treat each other here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoticePolicy {
    /// Once, with their first partner.
    #[default]
    On,
    /// They have to agree before they meet anyone.
    Require,
    Off,
}

/// What somebody may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Whom they are never to meet.
    pub blocked: HashSet<UserId>,
    pub suspension: Option<Suspension>,
    /// What they know of how people treat each other here.
    pub notice: Option<NoticeState>,
    /// Whether many of those they met would rather not have.
    pub poorly_rated: bool,
}

/// Keeps people apart and bars them, over whichever ledger it is given.
pub struct ModerationService {
    store: Arc<dyn ModerationStore>,
    keyring: Keyring,
    rng: Mutex<StdRng>,
    /// Nothing where nobody is limited.
    limiter: Option<Arc<dyn RateLimiter>>,
}

impl ModerationService {
    /// Without a throttle everybody may do everything as often as they like.
    #[must_use]
    pub fn new(
        store: Arc<dyn ModerationStore>,
        keyring: Keyring,
        limiter: Option<Arc<dyn RateLimiter>>,
        rng: StdRng,
    ) -> Self {
        Self { store, keyring, rng: Mutex::new(rng), limiter }
    }

    /// Whether all that is kept here is there.
    ///
    /// # Errors
    /// When one of the stores fails.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await?;
        match &self.limiter {
            Some(throttle) => throttle.check().await,
            None => Ok(()),
        }
    }

    /// Admits a call that does all of `acts`, and counts them; or says which of them comes too early,
    /// and counts none. Where nobody is limited, nobody asks what it does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admit(
        &self,
        who: UserId,
        key: Option<IdempotencyKey>,
        acts: impl FnOnce() -> Vec<LimitedAction>,
        now: Timestamp,
    ) -> Result<Result<(), RateLimited>, StoreError> {
        match &self.limiter {
            Some(throttle) => throttle.admit(who, key, &acts(), now).await,
            None => Ok(Ok(())),
        }
    }

    /// What the operator's side looks into.
    pub(super) fn store(&self) -> &dyn ModerationStore {
        &*self.store
    }

    /// Evidence as it was before it was sealed; nothing if it was by another key.
    pub(super) fn open_evidence(&self, sealed: &[u8]) -> Option<Evidence> {
        serde_json::from_slice(&self.keyring.open(sealed)?).ok()
    }

    /// What a person may do now.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn permissions(
        &self,
        who: UserId,
        now: Timestamp,
    ) -> Result<Permissions, StoreError> {
        let entry = self.store.record(who).await?;
        let bar = suspension(&entry, now);
        let shunned = rating::is_poorly_rated(&entry.ratings, now);
        Ok(Permissions {
            blocked: entry.blocked,
            suspension: bar,
            notice: entry.notice,
            poorly_rated: shunned,
        })
    }

    /// Keeps that somebody was told how people treat each other here, or agreed to it.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn record_notice(
        &self,
        who: UserId,
        consent: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.record_notice(who, consent, now).await
    }

    /// Keeps what somebody says of a chat with `whom`.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn rate(
        &self,
        who: UserId,
        whom: UserId,
        good: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.rate(who, whom, Rating { at: now, good }).await
    }

    /// Keeps two people apart from now on.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn block(&self, who: UserId, whom: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.store.block(who, whom, now).await
    }

    /// Reports `whom`, who wrote `said`. A second report of one person by the same reporter changes
    /// nothing. Returns whether the reported person is barred now.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn report(
        &self,
        who: UserId,
        whom: UserId,
        grounds: ReportReason,
        said: Vec<String>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let weight = penalty::report_weight(self.store.dismissed_count(who).await?);
        let evidence = Evidence { words: grounds.details, said };
        let written = serde_json::to_vec(&evidence).map_err(|_| StoreError)?;
        let sealed = self.keyring.seal(&written, &mut *self.rng.lock()).ok_or(StoreError)?;
        let report = Report {
            reporter: who,
            reported: whom,
            at: now,
            topic: grounds.topic,
            weight,
            verdict: None,
            evidence: Some(sealed),
        };
        self.store.report(report).await?;
        let entry = self.store.record(whom).await?;
        let bar = suspension(&entry, now);
        tracing::info!(user = %whom, reports = entry.reports.len(), barred = bar.is_some(), "reported");
        Ok(bar.is_some())
    }

    /// Deletes what is too old to be kept.
    ///
    /// # Errors
    /// When the ledger's store fails.
    pub async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        if let Some(throttle) = &self.limiter {
            throttle.evict_expired(now).await?;
        }
        self.store.purge(now).await
    }
}

fn suspension(entry: &ModerationRecord, now: Timestamp) -> Option<Suspension> {
    if entry.banned_at.is_some() {
        return Some(Suspension::UntilReviewed);
    }
    let counts = |report: &&Report| {
        report.verdict != Some(Verdict::Dismissed)
            && entry.pardoned_at.is_none_or(|pardoned| report.at > pardoned)
    };
    let charge = |report: &Report| CountedReport { at: report.at, weight: report.weight };
    let charges: Vec<_> = entry.reports.iter().filter(counts).map(charge).collect();
    penalty::suspension(&charges, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_reason_parses_topics_or_free_text() {
        let plain = |topic| ReportReason { topic, details: String::new() };
        assert_eq!(ReportReason::parse("Spam"), plain(ReportTopic::Spam));
        assert_eq!(ReportReason::parse("minor."), plain(ReportTopic::Minor));
        let words = "spam and threats".to_owned();
        assert_eq!(
            ReportReason::parse(&words),
            ReportReason { topic: ReportTopic::Other, details: words }
        );
        assert_eq!(ReportTopic::parse("scam").map(ReportTopic::name), Some("scam"));
    }
}
