//! [`suspension`]: the penalty for the reports of one user. Suspensions grow longer with each step,
//! and the last step is a ban.
//!
//! Pure. The penalty is computed from the reports that count and never stored, so that a dismissed
//! report needs no update elsewhere.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

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

/// Weight of a report by a reporter without dismissed reports: one step.
pub const FULL_WEIGHT: u32 = 60;

/// Weight of the next report by a reporter with `dismissed` dismissed reports.
#[must_use]
pub fn report_weight(dismissed: usize) -> u32 {
    FULL_WEIGHT / u32::try_from(dismissed + 1).unwrap_or(u32::MAX)
}

/// The end of the period during which a user is not matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// The suspension at `now` that follows from `reports`, which are by different reporters. `None` if
/// the user is not suspended.
#[must_use]
pub fn suspension(reports: &[CountedReport], now: Timestamp) -> Option<Suspension> {
    let mut reports = reports.to_vec();
    reports.sort_unstable_by_key(|report| report.at);
    let (mut score, mut last, mut until) = (0, Timestamp::default(), Timestamp::default());
    for CountedReport { at, weight } in reports {
        let steps = at.since(last).as_millis() / STEP_DECAY.as_millis();
        let decay = u32::try_from(steps).unwrap_or(u32::MAX).saturating_mul(FULL_WEIGHT);
        let before = score.min(u32::MAX - weight).saturating_sub(decay);
        (score, last) = (before + weight, at);
        let step = score / FULL_WEIGHT;
        if step > before / FULL_WEIGHT {
            match PENALTIES.get(step as usize - 1) {
                Some(duration) => until = until.max(at + *duration),
                None => return Some(Suspension::UntilReviewed),
            }
        }
    }
    (now < until).then_some(Suspension::Until(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const WEEK: Duration = STEP_DECAY;

    fn day(number: u64) -> Timestamp {
        START + Duration::from_secs(number * 24 * HOUR)
    }

    fn reports_on(days: &[u64]) -> Vec<CountedReport> {
        days.iter().map(|n| CountedReport { at: day(*n), weight: FULL_WEIGHT }).collect()
    }

    #[test]
    fn penalty_rises_with_each_reporter_and_the_seventh_is_a_ban() {
        for (index, duration) in PENALTIES.iter().enumerate() {
            let reports = reports_on(&vec![0; index + 1]);
            assert_eq!(suspension(&reports, START), Some(Suspension::Until(START + *duration)));
            assert_eq!(suspension(&reports, START + *duration), None, "the suspension has ended");
        }
        let ban = suspension(&reports_on(&[0; 7]), START + WEEK * 50);
        assert_eq!(ban, Some(Suspension::UntilReviewed));
        assert_eq!(suspension(&[], START), None);
    }

    #[test]
    fn penalty_step_decays_after_a_week() {
        for (last_report, step) in [(6, 2), (7, 1), (90, 0)] {
            let now = day(last_report);
            assert_eq!(
                suspension(&reports_on(&[0, 0, last_report]), now),
                Some(Suspension::Until(now + PENALTIES[step]))
            );
        }
    }

    #[test]
    fn penalty_weighs_reporters_with_dismissed_reports_less() {
        let light = CountedReport { at: START, weight: report_weight(1) };
        assert_eq!(suspension(&[light], START), None);
        assert_eq!(suspension(&[light; 2], START), Some(Suspension::Until(START + PENALTIES[0])));
        assert_eq!(
            [report_weight(0), report_weight(2), report_weight(usize::MAX - 1)],
            [FULL_WEIGHT, FULL_WEIGHT / 3, 0]
        );
    }
}
