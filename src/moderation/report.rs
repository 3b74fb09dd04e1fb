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
}

/// An operator's decision on a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Upheld,
    Dismissed,
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
    /// `None` until an operator decides.
    pub verdict: Option<Verdict>,
    /// The sealed transcript and reason. `None` once [`EVIDENCE_TTL`] has passed.
    pub evidence: Option<Vec<u8>>,
}

/// Omits the evidence, so that it never appears in a log.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reporter, reported, topic, .. } = self;
        write!(f, "Report({reporter} of {reported}: {topic:?})")
    }
}
