//! [`ModerationStore`]: the trait of a backend that stores blocks, reports, bans, notices, ratings
//! and the audit log. Rules do not belong here: a backend stores data, and the service evaluates
//! it.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use super::rating::Rating;
use super::report::{Report, Verdict};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// Time to live of reports and notice states, and of blocks in a store that expires them.
pub const RECORD_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Maximum length of a returned list.
pub const LIST_LIMIT: usize = 100;

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
    pub action: String,
}

/// The stored moderation data of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModerationRecord {
    /// Users that this user blocked, and users that blocked this user.
    pub blocked: HashSet<UserId>,
    /// Reports of this user, without evidence, oldest first.
    pub reports: Vec<Report>,
    /// Time of the operator's ban. `None` if the user is not banned.
    pub banned_at: Option<Timestamp>,
    /// Time of the last unban. Earlier reports do not count.
    pub pardoned_at: Option<Timestamp>,
    /// `None` if the notice was never shown.
    pub notice: Option<NoticeState>,
    /// Ratings of this user, one per rater.
    pub ratings: Vec<Rating>,
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
pub trait ModerationStore: Send + Sync {
    /// Blocks two users from each other.
    async fn block(&self, user: UserId, target: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// The stored data of a user.
    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError>;

    /// Adds a report, unless the reporter has already reported this user. Returns whether it was
    /// added.
    async fn report(&self, report: Report) -> Result<bool, StoreError>;

    /// Number of the reporter's reports that were dismissed.
    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError>;

    /// Reports without a verdict, with their evidence, oldest first. At most [`LIST_LIMIT`].
    async fn open_reports(&self) -> Result<Vec<Report>, StoreError>;

    /// Sets the verdict of a report and replaces an earlier one. Returns whether the report exists.
    async fn resolve(
        &self,
        reported: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError>;

    /// Suspends a user until [`ModerationStore::unban`].
    async fn ban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Lifts a ban. Reports made until `now` no longer count.
    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Users with stored data whose hex id starts with `prefix`. At most [`LIST_LIMIT`].
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError>;

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

    /// Appends an entry to the audit log. Entries are never removed.
    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// The last entries of the audit log, oldest first. At most [`LIST_LIMIT`].
    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError>;

    /// Checks that the store is available.
    async fn check(&self) -> Result<(), StoreError>;

    /// Writes all data to its final place and ends the connections. Later calls fail.
    async fn close(&self) {}

    /// Deletes expired data.
    async fn purge(&self, now: Timestamp) -> Result<(), StoreError>;
}
