//! [`Recurrence`]: rules that repeat a date, and the occurrences that follow from them.
//!
//! A recurrence counts either from the due date ([`Series`], an RFC 5545 `RRULE`) or from the last
//! completion ([`AfterCompletion`], which has no `RRULE` form). Occurrences are computed and never
//! stored. The key of an occurrence is its nominal date, because a rule has at most one occurrence
//! per day. The key survives a change of the time of day or of the zone.
//!
//! # Decisions
//! - Dates are expanded in civil time, and each one is then resolved in the zone of the series. A
//!   local time that a transition skips moves forward by the length of the gap, and a repeated one
//!   means its first pass (`jiff`'s `Compatible`). No occurrence is dropped, which deviates from
//!   RFC 5545 3.3.10, because a to-do must not vanish.
//! - An all-day series has no zone. Its dates are never a midnight in UTC.
//! - A month without the day of the rule is skipped: `BYMONTHDAY=31` has 7 occurrences a year, and
//!   February 29 one in four years. `BYMONTHDAY=-1` is the last day of every month.
//! - The start is an occurrence only if it matches the rule. `COUNT` counts excluded dates, too.
//! - An expansion returns at most [`MAX_OCCURRENCES`] and spans at most [`MAX_YEARS`] years.
//! - The search for the next occurrence begins in the period of the query, not at the start.
//!
//! To support another `BY…` part, add a field in `rule.rs`, apply it in `pattern.rs`, and read and
//! write it in `rule_text.rs`.

mod after_completion;
mod bound;
mod completion;
pub(crate) mod days;
mod occurrence;
mod pattern;
mod rule;
mod rule_error;
mod rule_text;
mod series;
mod series_text;
mod start;

pub use after_completion::AfterCompletion;
pub use completion::{CatchUp, CompletionStep, Recurrence};
pub use occurrence::{Expansion, MAX_OCCURRENCES, MAX_YEARS, Occurrence};
pub use rule::{
    MAX_COUNT, MAX_INTERVAL, RecurrenceRule, RepeatFrequency, RuleDay, RuleEnd, UntilBound,
};
pub use rule_error::RuleError;
pub use series::Series;
pub use start::SeriesStart;
