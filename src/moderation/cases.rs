//! [`Case`]: the open reports of one user, in the order of an operator's list.
//!
//! Pure. A position in the order is also a cursor, so that reports that are decided between two
//! pages neither hide nor repeat others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::report::Report;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// Maximum number of reports of one user in a list of all users, so that a crowd that reports one
/// user does not hide the reports of others.
pub const REPORTS_PER_CASE: usize = 10;

/// The place of a report among those of its case, or of a case among all: gravest topic first, then
/// the greater weight, then the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    topic: usize,
    weight: Reverse<u32>,
    at: Timestamp,
    user: UserId,
}

impl Rank {
    /// Words separated by dots, for a cursor.
    fn encode(self) -> String {
        let Self { topic, weight: Reverse(weight), at, user } = self;
        format!("{topic}.{weight}.{}.{}", at.as_millis(), user.to_hex())
    }

    fn decode<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(Self {
            topic: words.next()?.parse().ok()?,
            weight: Reverse(words.next()?.parse().ok()?),
            at: Timestamp::from_millis(words.next()?.parse().ok()?),
            user: UserId::from_hex(words.next()?)?,
        })
    }
}

/// A position in a list of reports. The list continues after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    case: Rank,
    report: Option<Rank>,
}

impl Cursor {
    /// The cursor behind all reports of a case.
    #[must_use]
    pub const fn after_case(case: &Case) -> Self {
        Self { case: case.rank, report: None }
    }

    /// The cursor behind a report.
    #[must_use]
    pub fn after_report(case: &Case, report: &Report) -> Self {
        Self { case: case.rank, report: Some(report_rank(report)) }
    }

    #[must_use]
    pub fn encode(self) -> String {
        let report = self.report.map(|report| format!(".{}", report.encode()));
        self.case.encode() + &report.unwrap_or_default()
    }

    /// Parses the output of [`Cursor::encode`]. `None` if it is malformed.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut words = text.split('.').peekable();
        let case = Rank::decode(&mut words)?;
        let report = match words.peek() {
            Some(_) => Some(Rank::decode(&mut words)?),
            None => None,
        };
        words.next().is_none().then_some(Self { case, report })
    }

    /// Returns `true` if the list continues with this report or a later one.
    fn precedes(self, case: Rank, report: Rank) -> bool {
        match self.report {
            Some(last) => (self.case, last) < (case, report),
            None => self.case < case,
        }
    }
}

/// The open reports of one user.
#[derive(Clone, Debug)]
pub struct Case {
    pub reported: UserId,
    /// Gravest first.
    pub reports: Vec<Report>,
    rank: Rank,
}

/// How the reports of a case came about. Many reports without a history, of few chats or from one
/// network are the mark of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub reports: usize,
    /// Number of reports by reporters without a history.
    pub without_history: usize,
    /// Number of reports after mutual chats.
    pub both_wrote: usize,
    /// Number of networks of the reporters; `None` if none is known.
    pub networks: Option<usize>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl Case {
    fn new(reported: UserId, mut reports: Vec<Report>) -> Self {
        reports.sort_by_key(report_rank);
        let rank = Rank {
            topic: reports.iter().map(|report| report.topic.rank()).min().unwrap_or(usize::MAX),
            weight: Reverse(
                reports.iter().fold(0, |sum, report| report.weight.saturating_add(sum)),
            ),
            at: reports.iter().map(|report| report.at).min().unwrap_or_default(),
            user: reported,
        };
        Self { reported, reports, rank }
    }

    /// Returns `true` if a report of this case is after `cursor`.
    #[must_use]
    pub fn is_after(&self, report: &Report, cursor: Option<Cursor>) -> bool {
        cursor.is_none_or(|cursor| cursor.precedes(self.rank, report_rank(report)))
    }

    /// Returns `true` if one of the reports is after `cursor`.
    #[must_use]
    pub fn has_reports_after(&self, cursor: Option<Cursor>) -> bool {
        self.reports.iter().any(|report| self.is_after(report, cursor))
    }

    #[must_use]
    pub fn shape(&self) -> Shape {
        let count = |matches: fn(&Report) -> bool| {
            self.reports.iter().filter(|report| matches(report)).count()
        };
        let networks: HashSet<_> = self.reports.iter().filter_map(|r| r.network).collect();
        let times = || self.reports.iter().map(|report| report.at);
        Shape {
            reports: self.reports.len(),
            without_history: count(|report| !report.established),
            both_wrote: count(|report| report.both_wrote),
            networks: (!networks.is_empty()).then_some(networks.len()),
            first_at: times().min().unwrap_or_default(),
            last_at: times().max().unwrap_or_default(),
        }
    }
}

fn report_rank(report: &Report) -> Rank {
    Rank {
        topic: report.topic.rank(),
        weight: Reverse(report.weight),
        at: report.at,
        user: report.reporter,
    }
}

/// Groups open reports by the reported user, gravest first.
#[must_use]
pub fn cases(reports: Vec<Report>) -> Vec<Case> {
    let mut by_user: BTreeMap<UserId, Vec<Report>> = BTreeMap::new();
    for report in reports {
        by_user.entry(report.reported).or_default().push(report);
    }
    let mut cases: Vec<_> = by_user.into_iter().map(|(user, list)| Case::new(user, list)).collect();
    cases.sort_by_key(|case| case.rank);
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::report::ReportTopic;

    fn user(number: u8) -> UserId {
        UserId::from_bytes([number; 16])
    }

    fn report(reported: u8, reporter: u8, topic: ReportTopic, weight: u32) -> Report {
        Report {
            reporter: user(reporter),
            reported: user(reported),
            at: Timestamp::from_millis(u64::from(reporter)),
            topic,
            weight,
            established: weight > 0,
            both_wrote: weight > 0,
            reported_chats: 0,
            network: (weight == 0).then(|| user(99)),
            decision: None,
            evidence: None,
        }
    }

    #[test]
    fn cases_are_grouped_by_user_and_gravest_first() {
        let reports = vec![
            report(1, 10, ReportTopic::Spam, 60),
            report(2, 11, ReportTopic::Abuse, 30),
            report(3, 12, ReportTopic::Abuse, 60),
            report(1, 13, ReportTopic::Minor, 0),
            report(4, 14, ReportTopic::Scam, 60),
        ];
        let cases = cases(reports);
        let order: Vec<_> = cases.iter().map(|case| case.reported).collect();
        assert_eq!(order, [user(1), user(4), user(3), user(2)]);
        let reporters: Vec<_> = cases[0].reports.iter().map(|report| report.reporter).collect();
        assert_eq!(reporters, [user(13), user(10)]);
    }

    #[test]
    fn case_shape_shows_an_attack() {
        let reports = (10..20).map(|n| report(1, n, ReportTopic::Other, 0));
        let case = Case::new(user(1), reports.collect());
        let shape = case.shape();
        assert_eq!((shape.reports, shape.without_history, shape.both_wrote), (10, 10, 0));
        assert_eq!((shape.networks, shape.last_at.as_millis()), (Some(1), 19));
        let real = Case::new(user(1), vec![report(1, 10, ReportTopic::Spam, 60)]);
        assert_eq!((real.shape().networks, real.shape().both_wrote), (None, 1));
    }

    #[test]
    fn case_cursor_continues_after_a_decided_report() {
        let reports: Vec<_> = (10..14).map(|n| report(1, n, ReportTopic::Spam, 60)).collect();
        let case = Case::new(user(1), reports.clone());
        let cursor = Cursor::after_report(&case, &case.reports[1]);
        let cursor = Cursor::decode(&cursor.encode());
        assert!(cursor.is_some());
        let rest = case.reports.iter().filter(|report| case.is_after(report, cursor));
        let rest: Vec<_> = rest.map(|report| report.reporter).collect();
        assert_eq!(rest, [user(12), user(13)]);
        let after_case = Cursor::decode(&Cursor::after_case(&case).encode());
        assert!(!case.has_reports_after(after_case));
        for malformed in ["", "1", "1.2.3.4", "0.60.10", &format!("0.1.2.{}.3", user(1).to_hex())] {
            assert_eq!(Cursor::decode(malformed), None, "{malformed}");
        }
    }
}
