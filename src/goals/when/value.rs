//! [`WhenAnswer`]: the meaning of a phrase, as a value and in words.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use crate::goals::recurrence::Recurrence;

/// The meaning of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhenValue {
    /// An all-day date, the same in every zone.
    Day(Date),
    Moment(ZonedDateTime),
    Repeats(Recurrence),
}

/// A phrase that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhenAnswer {
    pub value: WhenValue,
    /// The value in words, with weekday and zone.
    pub echo: String,
    /// Hints about decisions that the phrase left open.
    pub notes: Vec<String>,
}
