//! [`Occurrence`]: one date of a series, and [`Expansion`], a bounded list of them.

use jiff::civil::Date;
use jiff::{Timestamp, ZonedDateTime};

/// Maximum number of occurrences that one call returns.
pub const MAX_OCCURRENCES: usize = 1_000;

/// Maximum span of one expansion, in years.
pub const MAX_YEARS: i16 = 10;

/// One date of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The nominal date, which is the key of the occurrence within its series.
    pub date: Date,
    /// The resolved time in the zone of the series. `None` for an all-day series. If the local time
    /// does not exist on that day, this one is later by the length of the gap.
    pub at: Option<ZonedDateTime>,
}

impl Occurrence {
    /// Whether the occurrence is due: its time has come, or its day is over. The day of an all-day
    /// occurrence is a day in the zone of `now`.
    pub fn is_overdue(&self, now: &ZonedDateTime) -> bool {
        match &self.at {
            Some(at) => at.timestamp() < now.timestamp(),
            None => self.date < now.date(),
        }
    }

    /// Whether the occurrence begins on or before the moment `now`; an all-day one begins with its
    /// day in the zone of `now`.
    pub fn has_begun(&self, now: &ZonedDateTime) -> bool {
        match &self.at {
            Some(at) => at.timestamp() <= now.timestamp(),
            None => self.date <= now.date(),
        }
    }

    /// The point in time, `None` for an all-day occurrence.
    pub fn instant(&self) -> Option<Timestamp> {
        self.at.as_ref().map(ZonedDateTime::timestamp)
    }
}

/// Occurrences in a range, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    pub occurrences: Vec<Occurrence>,
    /// Whether the range holds more occurrences than the limits admit.
    pub truncated: bool,
}
