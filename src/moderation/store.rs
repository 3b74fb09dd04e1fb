//! The storage seam: where blocks, reports and bans are kept.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::rating::Rating;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// How long what somebody wrote is kept with a report of them.
pub const EVIDENCE_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long a block or a report is remembered, where they are not remembered for good.
pub const RECORD_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What a report is about, as the reporter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportTopic {
    Spam,
    Abuse,
    Minor,
    Scam,
    Other,
}

/// All of them, with the words that people type and stores keep.
pub const REPORT_TOPICS: [(&str, ReportTopic); 5] = [
    ("spam", ReportTopic::Spam),
    ("abuse", ReportTopic::Abuse),
    ("minor", ReportTopic::Minor),
    ("scam", ReportTopic::Scam),
    ("other", ReportTopic::Other),
];

impl ReportTopic {
    /// Reads the word for one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        REPORT_TOPICS.iter().find(|(name, _)| *name == word).map(|(_, topic)| *topic)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        REPORT_TOPICS.iter().find(|(_, topic)| *topic == self).map_or("other", |(name, _)| name)
    }
}

/// What somebody who looked at a report decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Upheld,
    Dismissed,
}

/// A report. The reporter has one of each person.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    pub reporter: UserId,
    pub reported: UserId,
    pub at: Timestamp,
    pub topic: ReportTopic,
    /// What it counts on the ladder.
    pub weight: u32,
    pub verdict: Option<Verdict>,
    /// What was written, sealed; nothing once [`EVIDENCE_FOR`] is over.
    pub evidence: Option<Vec<u8>>,
}

/// Evidence stays out of logs.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reporter, reported: person, topic, .. } = self;
        write!(f, "Report({reporter} of {person}: {topic:?})")
    }
}

/// What somebody knows of how people treat each other here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeState {
    /// They were told.
    Shown,
    /// They said that it is fine with them.
    Accepted,
}

/// What an operator did, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub action: String,
}

/// The most that a list returns.
pub const LIST_LIMIT: usize = 100;

/// What is kept of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModerationRecord {
    /// Whom they blocked, and who blocked them.
    pub blocked: HashSet<UserId>,
    /// Reports of them, without the evidence, oldest first.
    pub reports: Vec<Report>,
    /// Since when an operator has banned them.
    pub banned_at: Option<Timestamp>,
    /// When an operator last lifted what there was: reports up to then count no more.
    pub pardoned_at: Option<Timestamp>,
    pub notice: Option<NoticeState>,
    /// Of those they met, each has one.
    pub ratings: Vec<Rating>,
}

/// A ledger kept somewhere. What a method does to one person is one atomic step; where two are concerned,
/// a call in between may see it done to one of them, and is as good as one before. What is added stays added: whatever it
/// means is worked out from all of it when it is read, so that nothing is lost between two writers.
#[async_trait]
pub trait ModerationStore: Send + Sync {
    /// Keeps two people apart.
    async fn block(&self, who: UserId, whom: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// What is kept of a person.
    async fn record(&self, who: UserId) -> Result<ModerationRecord, StoreError>;

    /// Adds a report, unless this reporter has made one of this person; says whether it did.
    async fn report(&self, report: Report) -> Result<bool, StoreError>;

    /// How many reports this person has made that were dismissed.
    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError>;

    /// The reports that nobody has decided yet, oldest first, with their evidence; at most [`LIST`].
    async fn open_reports(&self) -> Result<Vec<Report>, StoreError>;

    /// Decides a report, also one that was decided before; says whether there is such a one.
    async fn resolve(
        &self,
        person: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError>;

    /// Bars somebody until [`Ledger::unban`].
    async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Lifts a ban, and lets the reports that there are count no more.
    async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Those of whom something is kept and whose code begins so; at most [`LIST`].
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError>;

    /// Keeps that somebody was told how people treat each other here, or agreed to it. Who agreed has
    /// seen it for good.
    async fn record_notice(
        &self,
        who: UserId,
        consent: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Keeps what the rater says of a chat with this person, instead of what they said before.
    async fn rate(&self, rater: UserId, person: UserId, rating: Rating) -> Result<(), StoreError>;

    /// Adds to the log of what operators did. Nothing takes anything out of it.
    async fn append_audit(&self, note: AuditEntry) -> Result<(), StoreError>;

    /// The last of the log, oldest first; at most [`LIST`].
    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError>;

    /// Whether the store is there.
    async fn check(&self) -> Result<(), StoreError>;

    /// Deletes what is too old to be kept.
    async fn purge(&self, now: Timestamp) -> Result<(), StoreError>;
}
