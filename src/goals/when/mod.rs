//! [`read_when`]: dates and repetitions in English, resolved by the server against a given time.
//!
//! A model must not compute dates. It passes the user's words, and the answer repeats what they
//! mean, with weekday and zone. A phrase with two meanings is an error that lists both, so that the
//! model asks instead of guessing.
//!
//! # Grammar
//! Clauses in any order: a date, a time, a zone, a repetition, a start and an end.
//!
//! | clause | examples |
//! |---|---|
//! | date | `today`, `tomorrow`, `in 3 days`, `2 weeks ago`, `a week from friday`, `friday`, `next friday`, `friday next week`, `next month`, `end of month`, `last day of february`, `first monday of may`, `mid january`, `jan 15`, `15th of january 2027`, `the 27th`, `2027-01-15`, `15.01.2027` |
//! | time | `5pm`, `at 9`, `14:30`, `noon`, `morning` (09:00), `afternoon` (15:00), `evening` (19:00), `night` (22:00), `tonight` (20:00), `in 2 hours` |
//! | repetition | `every day`, `every weekday`, `every 2 weeks on mon and thu`, `every 2nd friday`, `2nd friday of each month`, `every month on the 31st`, `every last day of the month`, `every year on feb 29`, `every! 2 weeks` |
//! | start, end | `starting tomorrow`, `until 2027-03-01`, `for 5 times`, `for 3 months` |
//!
//! # Decisions
//! - A date without a year is the next one, today included. A weekday alone is the next one.
//! - "friday" and "next friday" on a Friday, `03/04`, "next weekend", and midnight on a named day
//!   are ambiguous. A date with another weekday than stated is an error with both dates.
//! - "next friday" on another day is the first Friday after today; a note has the one after that.
//! - "every 2nd friday" is every other Friday; "2nd friday of each month" is monthly.
//! - "every!" counts from completion.
//!
//! To add a word, extend `vocabulary.rs`. To add a form of a date, add a function to `day.rs` or
//! `period.rs` and list it there.

mod context;
mod cursor;
mod day;
mod echo;
mod error;
mod period;
mod repeat;
mod repeat_days;
mod resolve;
mod sentence;
mod time;
mod value;
mod vocabulary;
mod word;

use jiff::ZonedDateTime;

pub use echo::{describe, echo, named_date, named_moment};
pub use error::{MAX_PHRASE_BYTES, WhenError, WhenReading};
pub use value::{WhenAnswer, WhenValue};

/// Reads a date, time or repetition relative to `now`, whose zone is the user's.
///
/// # Errors
/// Returns [`WhenError`] if the phrase has several meanings, contradicts itself, names an impossible
/// date, or has words without a meaning.
pub fn read_when(phrase: &str, now: &ZonedDateTime) -> Result<WhenAnswer, WhenError> {
    let phrase = phrase.trim();
    if phrase.len() > MAX_PHRASE_BYTES {
        return Err(WhenError::TooLong);
    }
    let words = word::words(phrase);
    if words.is_empty() {
        return Err(WhenError::Empty);
    }
    let context = context::PhraseContext::new(phrase, now.date());
    let mut sentence = sentence::read_sentence(&words, &context)?;
    let value = resolve::resolve(&mut sentence, &words, now, &context)?;
    let echo = echo::echo(&value);
    Ok(WhenAnswer { value, echo, notes: context.into_notes() })
}
