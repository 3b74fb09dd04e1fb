//! [`ModerationStore`]: the trait of a backend that stores blocks, reports, bans, notices, ratings
//! and histories. [`OperatorStore`] is the part that only operators use, with the audit log. Rules
//! do not belong here: a backend stores data, and the service evaluates it.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use super::history::UserHistory;
use super::rating::Rating;
use super::report::{Decision, Report, ReportKey};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// Time to live of reports, notice states and histories, and of blocks in a store that expires
/// them.
pub const RECORD_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Maximum length of a list for an operator.
pub const LIST_LIMIT: usize = 100;

/// Maximum length of a list that the service reads to evaluate it.
pub const SCAN_LIMIT: usize = 1_000;

/// Whether a user has seen or accepted the notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeState {
    /// The notice was shown to the user.
    Shown,
    /// The user accepted the notice.
    Accepted,
}

/// An operator's action and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// The fingerprint of the token that acted. Empty in entries of version 0.1.0.
    pub by: String,
    pub action: String,
}

/// An operator's ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    pub at: Timestamp,
    /// `None` for a ban until it is lifted.
    pub until: Option<Timestamp>,
    /// The operator's reason, sealed. `None` if there is none.
    pub reason: Option<Vec<u8>>,
}

impl Ban {
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The stored moderation data of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModerationRecord {
    /// Users that this user blocked, and users that blocked this user.
    pub blocked: HashSet<UserId>,
    /// Reports of this user, without evidence, oldest first.
    pub reports: Vec<Report>,
    /// The operator's last ban, also once it has ended. `None` if there is none or it was lifted.
    pub ban: Option<Ban>,
    /// Time of the last unban. Earlier reports do not count.
    pub pardoned_at: Option<Timestamp>,
    /// `None` if the notice was never shown.
    pub notice: Option<NoticeState>,
    /// Ratings of this user, one per rater.
    pub ratings: Vec<Rating>,
    pub history: UserHistory,
}

/// The result of [`OperatorStore::resolve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    Resolved,
    /// The report has this decision and keeps it.
    AlreadyDecided(Decision),
    NotFound,
}

/// A storage backend for moderation data.
///
/// A method changes the data of one user in one atomic step. A method that changes two users may be
/// observed after the first of them; such an observer behaves like one before the change.
///
/// Data is only added. Its consequences are computed from all of it on every read, so that two
/// concurrent writers lose nothing.
///
/// Every method returns [`StoreError`] if the store is unavailable.
#[async_trait]
pub trait ModerationStore: OperatorStore {
    /// Blocks two users from each other.
    async fn block(&self, user: UserId, target: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// The stored data of a user.
    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError>;

    /// Counts a chat of two users in both histories. Does not store that the two met.
    async fn count_chat(
        &self,
        user: UserId,
        partner: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Adds a report and counts it in the reporter's history, unless the reporter has already
    /// reported this user. Returns whether it was added.
    async fn report(&self, report: Report) -> Result<bool, StoreError>;

    /// Records that a user has seen or accepted the notice. [`NoticeState::Shown`] never replaces
    /// [`NoticeState::Accepted`].
    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Stores the rater's rating of `rated`, and replaces an earlier one.
    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError>;

    /// Deletes a user's notice state, all ratings by and of the user, and when and how often the
    /// user chatted. Blocks, reports and an operator's decisions stay, and so does how many reports
    /// the user made.
    async fn forget(&self, user: UserId) -> Result<(), StoreError>;

    /// Deletes the notice states of users that the lobby has evicted, in a store that a restart
    /// empties. Other stores keep them for [`RECORD_TTL`].
    fn on_eviction(&self, _users: &[UserId]) {}

    /// Checks that the store is available.
    async fn check(&self) -> Result<(), StoreError>;

    /// Writes all data to its final place and ends the connections. Later calls fail.
    async fn close(&self) {}

    /// Corrects what a clock that was ahead has written, when `now` is certain: each date later than
    /// [`latest_plausible`](super::dates::latest_plausible) becomes `now`, and a ban keeps its length.
    /// The audit log stays as it is.
    async fn correct_dates(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes expired data.
    async fn purge(&self, now: Timestamp) -> Result<(), StoreError>;
}

/// The part of a backend that only operators use.
///
/// Every method returns [`StoreError`] if the store is unavailable.
#[async_trait]
pub trait OperatorStore: Send + Sync {
    /// Reports without a decision, without evidence, by time, then reported user, then reporter. At
    /// most [`SCAN_LIMIT`], after the first `skip`.
    async fn open_reports(&self, skip: usize) -> Result<Vec<Report>, StoreError>;

    /// The evidence of each report; `None` for one without.
    async fn evidence(&self, reports: &[ReportKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Decides a report that has no decision.
    async fn resolve(
        &self,
        report: ReportKey,
        decision: Decision,
    ) -> Result<Resolution, StoreError>;

    /// Bans a user, and replaces an earlier ban.
    async fn ban(&self, user: UserId, ban: Ban) -> Result<(), StoreError>;

    /// Lifts a ban. Reports made until `now` no longer count.
    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Users with a ban or a report, in the order of their ids. At most [`SCAN_LIMIT`], after
    /// `after`.
    async fn accused_users(&self, after: Option<UserId>) -> Result<Vec<UserId>, StoreError>;

    /// Users with stored data whose hex id starts with `prefix`. At most [`LIST_LIMIT`].
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError>;

    /// Appends an entry to the audit log. Entries are never removed.
    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// The last entries of the audit log, oldest first. At most [`LIST_LIMIT`].
    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError>;
}
