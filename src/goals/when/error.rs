//! [`WhenError`]: why a phrase has no single meaning, and what to pass instead.

use std::fmt::Write;

use jiff::civil::{Date, Weekday};

use super::vocabulary::weekday_name;
use crate::goals::recurrence::RuleError;

/// Maximum length of a phrase, in bytes.
pub const MAX_PHRASE_BYTES: usize = 200;

/// One meaning of an ambiguous phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhenReading {
    pub date: Date,
    /// The phrase with this meaning, to pass in the next call.
    pub text: String,
}

/// The reason why a phrase is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    #[error("the date is empty: write for example \"tomorrow at 9\" or 2027-01-15")]
    Empty,
    #[error("the date is longer than {MAX_PHRASE_BYTES} bytes")]
    TooLong,
    #[error("not understood: \"{words}\"{}", understood_part(.understood))]
    NotUnderstood {
        /// The words without a meaning.
        words: String,
        /// The words with one; may be empty.
        understood: String,
    },
    #[error("\"{words}\" is ambiguous{why}: {}", readings_list(.readings))]
    Ambiguous { words: String, why: String, readings: Vec<WhenReading> },
    #[error(
        "{date} is a {}, not a {}: {}",
        weekday_name(.date.weekday()),
        weekday_name(*.stated),
        readings_list(.readings)
    )]
    WeekdayMismatch {
        date: Date,
        stated: Weekday,
        /// The date as written, and the nearest date with the stated weekday.
        readings: Vec<WhenReading>,
    },
    #[error("\"{words}\" is impossible: {reason}")]
    Impossible { words: String, reason: &'static str },
    #[error("\"{words}\" gives a second {what}; write one")]
    Twice { words: String, what: &'static str },
    #[error("\"{words}\" is not supported: {reason}")]
    Unsupported { words: String, reason: &'static str },
    #[error("the date is outside the years 1 to 9999")]
    OutOfRange,
    #[error(transparent)]
    Rule(#[from] RuleError),
}

fn understood_part(understood: &str) -> String {
    if understood.is_empty() {
        "; write for example \"tomorrow at 9\", \"every 2 weeks on monday\" or 2027-01-15"
            .to_owned()
    } else {
        format!(" (understood: \"{understood}\")")
    }
}

fn readings_list(readings: &[WhenReading]) -> String {
    let mut list = String::new();
    for (at, reading) in readings.iter().enumerate() {
        let separator = if at == 0 { "" } else { " or " };
        let weekday = weekday_name(reading.date.weekday());
        let _ = write!(list, "{separator}{weekday}, {} (write \"{}\")", reading.date, reading.text);
    }
    list
}
