//! [`Report`]: a complaint about a user, its [`ReportTopic`] and its [`Verdict`].
//!
//! Plain data. The penalties that follow from reports belong to `penalty.rs`, storage to
//! `store.rs`. To add a topic, add a variant and a row in [`REPORT_TOPICS`].

use std::fmt;
use std::time::Duration;

use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// Time to live of a report's evidence.
pub const EVIDENCE_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The topic of a report, as chosen by the reporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportTopic {
    Spam,
    Abuse,
    Minor,
    Scam,
    Other,
}

/// All topics, with the words that users type and stores contain.
pub const REPORT_TOPICS: [(&str, ReportTopic); 5] = [
    ("spam", ReportTopic::Spam),
    ("abuse", ReportTopic::Abuse),
    ("minor", ReportTopic::Minor),
    ("scam", ReportTopic::Scam),
    ("other", ReportTopic::Other),
];

/// All topics, gravest first, in the order of an operator's list.
const BY_GRAVITY: [ReportTopic; 5] = [
    ReportTopic::Minor,
    ReportTopic::Scam,
    ReportTopic::Abuse,
    ReportTopic::Spam,
    ReportTopic::Other,
];

impl ReportTopic {
    /// The topic named `word`. `None` if there is no such topic.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        REPORT_TOPICS.iter().find(|(name, _)| *name == word).map(|(_, topic)| *topic)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        REPORT_TOPICS.iter().find(|(_, topic)| *topic == self).map_or("other", |(name, _)| name)
    }

    /// 0 for the gravest topic.
    #[must_use]
    pub fn rank(self) -> usize {
        BY_GRAVITY.iter().position(|topic| *topic == self).unwrap_or(BY_GRAVITY.len())
    }
}

/// An operator's judgment of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Upheld,
    Dismissed,
}

/// An operator's decision on a report. A report is decided once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub at: Timestamp,
    /// The fingerprint of the token that decided. Empty for a decision by version 0.1.0.
    pub by: String,
}

/// The users of a report, which identify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportKey {
    pub reported: UserId,
    pub reporter: UserId,
}

impl ReportKey {
    /// 64 hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.reported.to_hex() + &self.reporter.to_hex()
    }

    /// Parses the output of [`ReportKey::to_hex`]. `None` if it is malformed.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let (reported, reporter) = hex.split_at_checked(32)?;
        Some(Self { reported: UserId::from_hex(reported)?, reporter: UserId::from_hex(reporter)? })
    }
}

/// A report. A reporter has at most one report of each user.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    pub reporter: UserId,
    pub reported: UserId,
    pub at: Timestamp,
    pub topic: ReportTopic,
    /// Amount that the report adds to the penalty score.
    pub weight: u32,
    /// Whether the reporter had a history; see
    /// [`UserHistory::is_established`](super::history::UserHistory::is_established).
    pub established: bool,
    /// Whether both users wrote in the chat.
    pub both_wrote: bool,
    /// Number of chats of the reported user at that time.
    pub reported_chats: u32,
    /// Keyed hash of the reporter's network; `None` if the caller relays calls of many users.
    pub network: Option<UserId>,
    /// `None` until an operator decides.
    pub decision: Option<Decision>,
    /// The sealed transcript and reason. `None` once [`EVIDENCE_TTL`] has passed.
    pub evidence: Option<Vec<u8>>,
}

impl Report {
    #[must_use]
    pub const fn key(&self) -> ReportKey {
        ReportKey { reported: self.reported, reporter: self.reporter }
    }

    #[must_use]
    pub fn is_dismissed(&self) -> bool {
        self.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::Dismissed)
    }
}

/// Omits the evidence, so that it never appears in a log.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reporter, reported, topic, .. } = self;
        write!(f, "Report({reporter} of {reported}: {topic:?})")
    }
}
