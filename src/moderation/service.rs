//! [`ModerationService`]: the use cases of moderation. It blocks, reports and rates users, and
//! returns a user's [`Permissions`].
//!
//! Penalty and rating rules belong to `penalty.rs` and `rating.rs`, operator actions to `admin.rs`.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;

use super::dates::by_now;
use super::evidence::{Evidence, ReportReason};
use super::history::ChatActivity;
use super::penalty::{self, CountedReport, Suspension};
use super::rating::{self, Rating};
use super::report::{Report, ReportKey};
use super::store::{ModerationRecord, ModerationStore, NoticeState};
use super::unsaved_blocks::UnsavedBlocks;
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::keyring::Keyring;
use crate::kernel::store::{StoreError, StoreErrorKind};
use crate::rate_limit::gcra::{LimitedAction, RateLimited};
use crate::rate_limit::limiter::RateLimiter;

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

/// A report as its reporter makes it.
#[derive(Clone, Debug)]
pub struct Complaint {
    pub reporter: UserId,
    pub reported: UserId,
    pub reason: ReportReason,
    /// Messages of the reported user to the reporter, oldest first.
    pub transcript: Vec<String>,
    pub activity: ChatActivity,
    /// Keyed hash of the reporter's network; `None` if the caller relays calls of many users.
    pub network: Option<UserId>,
}

/// Moderates users over a [`ModerationStore`] and an optional [`RateLimiter`].
pub struct ModerationService {
    store: Arc<dyn ModerationStore>,
    keyring: Keyring,
    rng: Mutex<StdRng>,
    /// `None` when rate limiting is disabled.
    limiter: Option<Arc<dyn RateLimiter>>,
    failures: FailureLog,
    unsaved_blocks: UnsavedBlocks,
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
        let (rng, unsaved_blocks) = (Mutex::new(rng), UnsavedBlocks::default());
        Self { store, keyring, rng, limiter, failures, unsaved_blocks }
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

    /// Takes back the last admission of `action`, because the call had no effect.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store of the rate limiter is unavailable.
    pub async fn refund(&self, user: UserId, action: LimitedAction) -> Result<(), StoreError> {
        match &self.limiter {
            Some(limiter) => limiter.refund(user, action).await,
            None => Ok(()),
        }
    }

    /// The store, for the operator's actions.
    pub(super) fn store(&self) -> &dyn ModerationStore {
        &*self.store
    }

    pub(super) const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Encrypts with `seal`, which needs the random source.
    pub(super) fn seal(
        &self,
        seal: impl FnOnce(&Keyring, &mut StdRng) -> Option<Vec<u8>>,
    ) -> Result<Vec<u8>, StoreError> {
        let sealed = seal(&self.keyring, &mut self.rng.lock());
        sealed.ok_or_else(|| self.failures.record(StoreErrorKind::Encode, "text for operators"))
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
        let mut record = self.store.record(user).await?;
        record.blocked.extend(self.unsaved_blocks.of(user));
        Ok(Permissions {
            suspension: suspension(&record, now),
            poorly_rated: rating::is_poorly_rated(&record.ratings, record.history.chats, now),
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

    /// Counts a chat in the histories of its users. Call this once both have written in it.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn count_chat(
        &self,
        user: UserId,
        partner: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.count_chat(user, partner, now).await
    }

    /// Stores a user's rating of a chat with `target`, unless one of them wrote nothing in it.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn rate(
        &self,
        user: UserId,
        target: UserId,
        good: bool,
        activity: ChatActivity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !activity.both_wrote() {
            return Ok(());
        }
        let record = self.store.record(user).await?;
        let counts = record.history.is_established(now) && suspension(&record, now).is_none();
        let weight = if counts { record.history.next_weight(activity) } else { 0 };
        self.store.rate(user, target, Rating { at: now, good, weight }).await
    }

    /// Deletes a user's notice state, all ratings by and of the user, and when and how often the user
    /// chatted. Blocks, reports and rate limits stay, because a user must not be able to shed them.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        self.store.forget(user).await
    }

    /// Blocks two users from each other. Returns whether the block is saved. If not, it applies on
    /// this instance and is saved once the store works again.
    pub async fn block(&self, user: UserId, target: UserId, now: Timestamp) -> bool {
        let is_saved = self.store.block(user, target, now).await.is_ok();
        if !is_saved {
            self.unsaved_blocks.insert(user, target);
        }
        is_saved
    }

    async fn save_blocks(&self, now: Timestamp) -> Result<(), StoreError> {
        while let Some((user, target)) = self.unsaved_blocks.first() {
            self.store.block(user, target, now).await?;
            self.unsaved_blocks.remove(user, target);
        }
        Ok(())
    }

    /// Stores a complaint. A second report of a user by the same reporter has no effect. A report
    /// by a suspended user, or of a user who wrote nothing, is stored for the operator only. Returns
    /// whether the reported user is suspended now.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable or the evidence cannot be
    /// sealed.
    pub async fn report(&self, complaint: Complaint, now: Timestamp) -> Result<bool, StoreError> {
        let Complaint { reporter, reported, reason, transcript, activity, network } = complaint;
        let (own, record) =
            tokio::try_join!(self.store.record(reporter), self.store.record(reported))?;
        let counts = suspension(&own, now).is_none();
        let key = ReportKey { reported, reporter };
        let evidence = Evidence::new(reason.details, transcript);
        let sealed = self.seal(|keyring, rng| evidence.seal(key, keyring, rng))?;
        let report = Report {
            reporter,
            reported,
            at: now,
            topic: reason.topic,
            weight: if counts { own.history.next_weight(activity) } else { 0 },
            established: own.history.is_established(now),
            both_wrote: activity.both_wrote(),
            reported_chats: record.history.chats,
            network,
            decision: None,
            evidence: Some(sealed),
        };
        self.store.report(report).await?;
        let record = self.store.record(reported).await?;
        let is_suspended = suspension(&record, now).is_some();
        tracing::info!(
            user = %reported,
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

    /// Deletes what is stored only as long as the lobby knows these users.
    pub fn on_eviction(&self, users: &[UserId]) {
        self.store.on_eviction(users);
    }

    /// Corrects dates that a clock ahead has written, when `now` is certain.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the moderation store is unavailable.
    pub async fn correct_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.correct_dates(now).await
    }

    /// Deletes expired data of the store and the rate limiter, and saves blocks that the store
    /// could not save before.
    ///
    /// # Errors
    /// Returns [`StoreError`] if one of them is unavailable.
    pub async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        if let Some(limiter) = &self.limiter {
            limiter.evict_expired(now).await?;
        }
        self.save_blocks(now).await?;
        self.store.purge(now).await
    }
}

/// The suspension of the user with this record: the operator's ban, or what the reports cause.
pub(super) fn suspension(record: &ModerationRecord, now: Timestamp) -> Option<Suspension> {
    let ban = record.ban.as_ref().filter(|ban| ban.is_active(now));
    let ban =
        ban.map(|ban| ban.by_now(now).until.map_or(Suspension::UntilReviewed, Suspension::Until));
    let is_pardoned =
        |report: &Report| record.pardoned_at.is_some_and(|pardoned_at| report.at <= pardoned_at);
    let reports = record.reports.iter().filter(|report| !is_pardoned(report));
    let reports = reports.filter_map(CountedReport::from_report);
    let reports: Vec<_> =
        reports.map(|report| CountedReport { at: by_now(report.at, now), ..report }).collect();
    ban.max(penalty::suspension(&reports, now))
}
