//! What ratings of somebody come to: whether others would rather not meet them.
//!
//! Pure, and worked out from the ratings whenever it is asked, as with reports.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// How long a rating counts.
pub const RATING_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// So many bad ratings at least; fewer are chance.
const MIN_BAD_RATINGS: usize = 3;

/// What somebody said of a chat. They have one rating of each person, the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    pub at: Timestamp,
    pub good: bool,
}

/// Whether somebody is often rated badly: by several, and by at least two for each who liked it.
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
        let of = |good| Rating { at: START, good };
        [vec![of(true); good], vec![of(false); bad]].concat()
    }

    #[test]
    fn rating_is_poor_with_three_bad_and_twice_as_many_as_good() {
        for (good, bad, shunned) in [
            (0, 0, false),
            (0, 2, false),
            (0, 3, true),
            (2, 3, false),
            (2, 4, true),
            (50, 10, false),
        ] {
            assert_eq!(is_poorly_rated(&ratings(good, bad), START), shunned, "{good} {bad}");
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
