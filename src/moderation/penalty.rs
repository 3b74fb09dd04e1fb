//! What reports of one person lead to: pauses that grow longer, and in the end a ban.
//!
//! Pure: everything follows from the reports that count, so that nothing has to be kept in step when
//! one of them is dismissed.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// How long somebody is barred on each step. After the last comes a ban until somebody has reviewed
/// it.
const PENALTIES: [Duration; 6] = [
    Duration::from_secs(MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(25 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(12 * HOUR),
    Duration::from_secs(72 * HOUR),
];

/// After so long without a report somebody is a step lower.
const STEP_DECAY: Duration = Duration::from_secs(7 * 24 * HOUR);

/// What the report of somebody of whose reports none was dismissed weighs: a step.
pub const FULL_WEIGHT: u32 = 60;

/// The weight of the next report of somebody of whose reports so many were dismissed.
#[must_use]
pub fn report_weight(dismissed: usize) -> u32 {
    FULL_WEIGHT / u32::try_from(dismissed + 1).unwrap_or(u32::MAX)
}

/// Until when somebody may not meet anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    Until(Timestamp),
    /// Somebody has to look at it first.
    UntilReviewed,
}

/// A report that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedReport {
    pub at: Timestamp,
    pub weight: u32,
}

/// What these reports, each of another reporter, mean at `now`.
#[must_use]
pub fn suspension(charges: &[CountedReport], now: Timestamp) -> Option<Suspension> {
    let mut charges = charges.to_vec();
    charges.sort_unstable_by_key(|charge| charge.at);
    let (mut height, mut last, mut until) = (0, Timestamp::default(), Timestamp::default());
    for CountedReport { at, weight } in charges {
        let steps_lost = at.since(last).as_millis() / STEP_DECAY.as_millis();
        let lost = u32::try_from(steps_lost).unwrap_or(u32::MAX).saturating_mul(FULL_WEIGHT);
        let before = height.min(u32::MAX - weight).saturating_sub(lost);
        (height, last) = (before + weight, at);
        let step = height / FULL_WEIGHT;
        if step > before / FULL_WEIGHT {
            match PENALTIES.get(step as usize - 1) {
                Some(span) => until = until.max(at + *span),
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

    fn charges(days: &[u64]) -> Vec<CountedReport> {
        let day = |n: &u64| START + Duration::from_secs(n * 24 * HOUR);
        days.iter().map(|n| CountedReport { at: day(n), weight: FULL_WEIGHT }).collect()
    }

    #[test]
    fn penalty_rises_with_each_reporter_and_the_seventh_is_a_ban() {
        for (reports, span) in PENALTIES.iter().enumerate() {
            let charges = charges(&vec![0; reports + 1]);
            assert_eq!(suspension(&charges, START), Some(Suspension::Until(START + *span)));
            assert_eq!(suspension(&charges, START + *span), None, "it is over");
        }
        let banned = suspension(&charges(&[0; 7]), START + WEEK * 50);
        assert_eq!(banned, Some(Suspension::UntilReviewed));
        assert_eq!(suspension(&[], START), None);
    }

    #[test]
    fn penalty_step_decays_after_a_week() {
        let now = |n: u64| START + Duration::from_secs(n * 24 * HOUR);
        assert_eq!(
            suspension(&charges(&[0, 0, 6]), now(6)),
            Some(Suspension::Until(now(6) + PENALTIES[2]))
        );
        assert_eq!(
            suspension(&charges(&[0, 0, 7]), now(7)),
            Some(Suspension::Until(now(7) + PENALTIES[1]))
        );
        assert_eq!(
            suspension(&charges(&[0, 0, 90]), now(90)),
            Some(Suspension::Until(now(90) + PENALTIES[0]))
        );
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
