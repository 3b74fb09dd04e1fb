//! [`suspension`]: the penalty for the reports of one user. Suspensions grow longer with each step,
//! and the last step is a ban.
//!
//! Pure. The penalty is computed from the reports that count and never stored, so that a dismissed
//! report needs no update elsewhere.
//!
//! Anyone with the token can invent reporters, so three rules limit what a crowd achieves:
//! - A step follows only a suspension that was served, however many reports arrive at once.
//! - Reports by users without a history cause the first step and no other.
//! - The reports must be a share of the user's chats, so that the more chats went well, the more
//!   reporters an attack needs.

use std::collections::HashSet;
use std::time::Duration;

use super::history::FULL_WEIGHT;
use super::report::{Decision, Report, Verdict};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Duration of the suspension on each step. The next step is a ban until an operator has reviewed
/// the reports.
const PENALTIES: [Duration; 6] = [
    Duration::from_secs(MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(25 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(12 * HOUR),
    Duration::from_secs(72 * HOUR),
];

/// Time without a report after which the penalty decreases by one step.
const STEP_DECAY: Duration = Duration::from_secs(7 * 24 * HOUR);

/// A step beyond the first needs one full report for this number of the user's chats.
const CHATS_PER_FULL_REPORT: u32 = 10;

/// Number of chats beyond which the required reports grow no further, so that no one becomes
/// immune.
const MAX_COUNTED_CHATS: u32 = 100;

/// The end of the period during which a user is not matched. The longer one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspension {
    Until(Timestamp),
    /// Until an operator has reviewed it.
    UntilReviewed,
}

/// A report that counts towards the penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedReport {
    pub at: Timestamp,
    pub weight: u32,
    /// Whether the reporter had a history, or an operator upheld the report.
    pub established: bool,
    /// Number of chats of the reported user at that time.
    pub reported_chats: u32,
    /// The reporter's network, if known. Only the first report from each counts.
    pub network: Option<UserId>,
}

impl CountedReport {
    /// The report as it counts; `None` if it does not.
    #[must_use]
    pub fn from_report(report: &Report) -> Option<Self> {
        let counted = Self {
            at: report.at,
            weight: report.weight,
            established: report.established,
            reported_chats: report.reported_chats,
            network: report.network,
        };
        match &report.decision {
            Some(Decision { verdict: Verdict::Dismissed, .. }) => None,
            // A report that had no effect before the operator's decision takes effect with it.
            Some(Decision { verdict: Verdict::Upheld, at, .. }) if !report.established => {
                Some(Self { at: *at, weight: FULL_WEIGHT, established: true, ..counted })
            }
            _ => Some(counted),
        }
    }
}

/// The state of one user's penalty after some of the reports.
#[derive(Default)]
struct Ladder {
    /// Number of the last suspension, and its end.
    step: usize,
    until: Timestamp,
    last_report: Timestamp,
    /// Weight of all reports, and of those by established reporters.
    total: u32,
    established: u32,
    networks: HashSet<UserId>,
}

impl Ladder {
    /// Adds the next report. Returns `false` once the user is suspended until reviewed.
    fn add(&mut self, report: CountedReport) -> bool {
        if report.network.is_some_and(|network| !self.networks.insert(network)) {
            return true;
        }
        self.decay(report.at);
        self.total = self.total.saturating_add(report.weight);
        if report.established {
            self.established = self.established.saturating_add(report.weight);
        }
        if report.at < self.until || !self.reaches(self.step + 1, report.reported_chats) {
            return true;
        }
        let Some(duration) = PENALTIES.get(self.step) else { return false };
        self.step += 1;
        self.until = report.at + *duration;
        true
    }

    fn decay(&mut self, at: Timestamp) {
        let weeks = at.since(self.last_report).as_millis() / STEP_DECAY.as_millis();
        let weeks = u32::try_from(weeks).unwrap_or(u32::MAX);
        self.last_report = at;
        self.step = self.step.saturating_sub(weeks as usize);
        let weight = weeks.saturating_mul(FULL_WEIGHT);
        self.total = self.total.saturating_sub(weight);
        self.established = self.established.saturating_sub(weight);
    }

    /// Returns `true` if the reports suffice for `step`, for a user with this number of chats.
    fn reaches(&self, step: usize, chats: u32) -> bool {
        let share = FULL_WEIGHT * chats.min(MAX_COUNTED_CHATS) / CHATS_PER_FULL_REPORT;
        let needed = share.max(FULL_WEIGHT);
        if step == 1 {
            return self.total >= needed / 2;
        }
        let steps = u32::try_from(step).unwrap_or(u32::MAX).saturating_mul(FULL_WEIGHT);
        self.established >= needed.max(steps)
    }
}

/// The suspension at `now` that follows from `reports`, which are by different reporters. `None` if
/// the user is not suspended.
#[must_use]
pub fn suspension(reports: &[CountedReport], now: Timestamp) -> Option<Suspension> {
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| report.at);
    let mut ladder = Ladder::default();
    if !reports.into_iter().all(|report| ladder.add(report)) {
        return Some(Suspension::UntilReviewed);
    }
    (now < ladder.until).then_some(Suspension::Until(ladder.until))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn day(number: u64) -> Timestamp {
        START + Duration::from_secs(number * 24 * HOUR)
    }

    /// A report by an established reporter.
    fn report(at: Timestamp) -> CountedReport {
        CountedReport {
            at,
            weight: FULL_WEIGHT,
            established: true,
            reported_chats: 0,
            network: None,
        }
    }

    /// `count` reports, each at the end of the suspension by the one before.
    fn served(count: usize) -> Vec<CountedReport> {
        let mut at = START;
        let durations = PENALTIES.iter().chain([&Duration::ZERO]);
        let next = |duration: &Duration| {
            let report = report(at);
            at = at + *duration;
            report
        };
        durations.map(next).take(count).collect()
    }

    #[test]
    fn penalty_rises_by_one_step_per_served_suspension_and_the_seventh_is_a_ban() {
        for (index, duration) in PENALTIES.iter().enumerate() {
            let reports = served(index + 1);
            let last = reports[index].at;
            assert_eq!(suspension(&reports, last), Some(Suspension::Until(last + *duration)));
            assert_eq!(suspension(&reports, last + *duration), None, "the suspension has ended");
        }
        let ban = suspension(&served(7), START + STEP_DECAY * 50);
        assert_eq!(ban, Some(Suspension::UntilReviewed));
        assert_eq!(suspension(&[], START), None);
    }

    #[test]
    fn penalty_for_many_reports_at_once_is_one_step() {
        let crowd = vec![report(START); 200];
        assert_eq!(suspension(&crowd, START), Some(Suspension::Until(START + PENALTIES[0])));
    }

    #[test]
    fn penalty_step_decays_after_a_week() {
        for (last_report, step) in [(6, 2), (7, 1), (14, 0), (90, 0)] {
            let now = day(last_report) + PENALTIES[0];
            let reports = [report(day(0)), report(day(0) + PENALTIES[0]), report(now)];
            let expected = Some(Suspension::Until(now + PENALTIES[step]));
            assert_eq!(suspension(&reports, now), expected, "{last_report}");
        }
    }

    #[test]
    fn penalty_without_established_reporters_ends_after_the_first_step() {
        let invented = |index: u64| CountedReport {
            established: false,
            ..report(START + Duration::from_secs(index * HOUR))
        };
        let mut reports: Vec<_> = (0..20).map(invented).collect();
        assert_eq!(suspension(&reports[..1], START), Some(Suspension::Until(START + PENALTIES[0])));
        let now = reports[19].at;
        assert_eq!(suspension(&reports, now), None);
        reports.push(report(now));
        assert_eq!(suspension(&reports, now), None, "the first step was served");
        reports.push(report(now));
        assert_eq!(suspension(&reports, now), Some(Suspension::Until(now + PENALTIES[1])));
    }

    #[test]
    fn penalty_needs_reports_of_a_share_of_the_chats() {
        let after = |chats, count: usize| {
            let reports: Vec<_> = served(7).into_iter().take(count).collect();
            let reports: Vec<_> = reports
                .into_iter()
                .map(|report| CountedReport { reported_chats: chats, ..report })
                .collect();
            let last = reports.last().expect("a report").at;
            suspension(&reports, last)
        };
        let until = |count: usize, step: usize| {
            Some(Suspension::Until(served(7)[count - 1].at + PENALTIES[step]))
        };
        assert_eq!(after(19, 1), until(1, 0));
        assert_eq!(after(40, 1), None);
        assert_eq!(after(40, 2), until(2, 0));
        assert_eq!([after(40, 3), after(40, 4)], [None, until(4, 1)]);
        assert_eq!(after(u32::MAX, 4), None);
        assert_eq!(after(u32::MAX, 5), until(5, 0), "no one is immune");
    }

    #[test]
    fn penalty_counts_one_report_per_known_network() {
        let network = Some(UserId::from_bytes([7; 16]));
        let reports: Vec<_> =
            served(4).into_iter().map(|report| CountedReport { network, ..report }).collect();
        assert_eq!(suspension(&reports, reports[1].at), None);
    }

    #[test]
    fn penalty_weighs_light_reports_together() {
        let light = |at| CountedReport { weight: FULL_WEIGHT / 4, ..report(at) };
        assert_eq!(suspension(&[light(START)], START), None);
        let two = [light(START); 2];
        assert_eq!(suspension(&two, START), Some(Suspension::Until(START + PENALTIES[0])));
    }
}
