//! Rules for stored dates that are later than now: a clock that was wrong wrote them.
//!
//! Pure. Without a rule, a report or ban of that time would last until its date has come.
//! Readers take such a date as now. Once the date is certain, the stores store now in its place,
//! with [`latest_plausible`] and [`correct`].

use std::time::Duration;

use super::store::Ban;
use crate::kernel::clock::Timestamp;

/// Time by which a date may be later than a certain one, because it was read after it.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The latest date of stored data that stays as it is, when `now` is certain.
#[must_use]
pub fn latest_plausible(now: Timestamp) -> Timestamp {
    now + TOLERANCE
}

/// Sets a date to `now` if it is too late to be right.
pub fn correct(date: &mut Timestamp, now: Timestamp) {
    if *date > latest_plausible(now) {
        *date = now;
    }
}

/// The date as it counts at `now`.
#[must_use]
pub fn by_now(date: Timestamp, now: Timestamp) -> Timestamp {
    date.min(now)
}

impl Ban {
    /// The ban as it counts at `now`: one from later begins now, with its length.
    #[must_use]
    pub fn by_now(&self, now: Timestamp) -> Self {
        let ahead_ms = self.at.millis_after(now).max(0);
        let until = self.until.map(|until| until.shifted(-ahead_ms));
        Self { at: by_now(self.at, now), until, reason: self.reason.clone() }
    }

    /// Lets the ban begin at `now` if its date is too late to be right.
    pub fn correct(&mut self, now: Timestamp) {
        if self.at > latest_plausible(now) {
            *self = self.by_now(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    #[test]
    fn date_from_later_counts_as_now() {
        assert_eq!([by_now(NOW + YEAR, NOW), by_now(NOW, NOW + YEAR)], [NOW, NOW]);
        let read = |mut date: Timestamp| {
            correct(&mut date, NOW);
            date
        };
        assert_eq!(read(NOW + YEAR), NOW);
        assert_eq!(read(latest_plausible(NOW)), latest_plausible(NOW), "the clock is not exact");
        assert_eq!(read(Timestamp::default()), Timestamp::default());
    }

    #[test]
    fn ban_from_later_has_its_length_from_now() {
        let ban = |at: Timestamp| Ban { at, until: Some(at + 2 * YEAR), reason: Some(vec![1]) };
        let mut corrected = ban(NOW + YEAR);
        corrected.correct(NOW);
        assert_eq!(corrected, ban(NOW));
        assert_eq!(ban(NOW + YEAR).by_now(NOW), ban(NOW));
        assert_eq!(ban(NOW).by_now(NOW + YEAR), ban(NOW), "an earlier one stays");
        let endless = Ban { until: None, ..ban(NOW + YEAR) };
        assert_eq!(endless.by_now(NOW).until, None);
    }
}
