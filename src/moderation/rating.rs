//! [`is_poorly_rated`]: whether a user's ratings are mostly bad.
//!
//! Pure. The result is computed from the ratings on every call and never stored, as with reports.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// Time to live of a rating.
pub const RATING_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Minimum number of bad ratings, because fewer may be chance.
const MIN_BAD_RATINGS: usize = 3;

/// A rating of a chat. Only the newest rating by each rater counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    pub at: Timestamp,
    pub good: bool,
}

/// Returns `true` if at least three ratings are bad, and at least two for each good one.
#[must_use]
pub fn is_poorly_rated(ratings: &[Rating], now: Timestamp) -> bool {
    let counted = ratings.iter().filter(|rating| now.since(rating.at) < RATING_TTL);
    let (good, bad): (Vec<&Rating>, Vec<&Rating>) = counted.partition(|rating| rating.good);
    bad.len() >= MIN_BAD_RATINGS && bad.len() >= 2 * good.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ratings(good: usize, bad: usize) -> Vec<Rating> {
        let rating = |good| Rating { at: START, good };
        [vec![rating(true); good], vec![rating(false); bad]].concat()
    }

    #[test]
    fn rating_is_poor_with_three_bad_and_twice_as_many_as_good() {
        for (good, bad, expected) in [
            (0, 0, false),
            (0, 2, false),
            (0, 3, true),
            (2, 3, false),
            (2, 4, true),
            (50, 10, false),
        ] {
            assert_eq!(is_poorly_rated(&ratings(good, bad), START), expected, "{good} {bad}");
        }
    }

    #[test]
    fn rating_expires_after_a_month() {
        assert!(is_poorly_rated(
            &ratings(0, 3),
            START + RATING_TTL.saturating_sub(Duration::from_millis(1))
        ));
        assert!(!is_poorly_rated(&ratings(0, 3), START + RATING_TTL));
    }
}
