//! [`is_poorly_rated`]: whether a user's ratings are mostly bad.
//!
//! Pure. The result is computed from the ratings on every call and never stored, as with reports.
//! A rating weighs like a report, and nothing if the rater has no history.

use std::time::Duration;

use super::history::FULL_WEIGHT;
use crate::kernel::clock::Timestamp;

/// Time to live of a rating.
pub const RATING_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Minimum number of bad ratings, because fewer may be chance.
const MIN_BAD_RATINGS: u32 = 3;

/// At least one of this number of the user's chats must have a bad rating.
const CHATS_PER_BAD_RATING: u32 = 10;

/// Number of chats beyond which the required ratings grow no further.
const MAX_COUNTED_CHATS: u32 = 100;

/// A rating of a chat. Only the newest rating by each rater counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    pub at: Timestamp,
    pub good: bool,
    /// [`FULL_WEIGHT`] or less; 0 for a rater without a history.
    pub weight: u32,
}

/// Returns `true` if at least three ratings are bad, at least two for each good one, and at least
/// one for ten of the user's `chats`.
#[must_use]
pub fn is_poorly_rated(ratings: &[Rating], chats: u32, now: Timestamp) -> bool {
    let sum = |good: bool| -> u32 {
        let counted = ratings
            .iter()
            .filter(|rating| rating.good == good && now.since(rating.at) < RATING_TTL);
        counted.map(|rating| rating.weight).fold(0, u32::saturating_add)
    };
    let (good, bad) = (sum(true), sum(false));
    let share = chats.min(MAX_COUNTED_CHATS) / CHATS_PER_BAD_RATING;
    bad >= share.max(MIN_BAD_RATINGS) * FULL_WEIGHT && bad >= good.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn ratings(good: usize, bad: usize) -> Vec<Rating> {
        let rating = |good| Rating { at: START, good, weight: FULL_WEIGHT };
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
            assert_eq!(is_poorly_rated(&ratings(good, bad), 0, START), expected, "{good} {bad}");
        }
    }

    #[test]
    fn rating_is_poor_only_for_a_share_of_the_chats() {
        for (bad, chats, expected) in [
            (3, 39, true),
            (3, 40, false),
            (4, 40, true),
            (9, u32::MAX, false),
            (10, u32::MAX, true),
        ] {
            assert_eq!(is_poorly_rated(&ratings(0, bad), chats, START), expected, "{bad} {chats}");
        }
    }

    #[test]
    fn rating_without_weight_does_not_count() {
        let invented = vec![Rating { at: START, good: false, weight: 0 }; 200];
        assert!(!is_poorly_rated(&invented, 0, START));
        assert!(is_poorly_rated(&[invented, ratings(0, 3)].concat(), 0, START));
    }

    #[test]
    fn rating_expires_after_a_month() {
        assert!(is_poorly_rated(
            &ratings(0, 3),
            0,
            START + RATING_TTL.saturating_sub(Duration::from_millis(1))
        ));
        assert!(!is_poorly_rated(&ratings(0, 3), 0, START + RATING_TTL));
    }
}
