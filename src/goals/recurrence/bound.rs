//! The end of a rule, applied to one occurrence.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::occurrence::Occurrence;
use super::rule::{RuleEnd, UntilBound};

/// Whether `UNTIL` admits an occurrence of a series with the time of day `time`. `COUNT` depends on
/// other occurrences and admits all.
pub(super) fn admits(end: RuleEnd, found: &Occurrence, time: Option<Time>) -> bool {
    let RuleEnd::Until(bound) = end else { return true };
    match (bound, time) {
        (UntilBound::Day(day), _) => found.date <= day,
        (UntilBound::Local(bound), None) => found.date <= bound.date(),
        (UntilBound::Local(bound), Some(time)) => found.date.to_datetime(time) <= bound,
        (UntilBound::Instant(bound), _) => match found.instant() {
            Some(at) => at <= bound,
            None => found.date <= TimeZone::UTC.to_datetime(bound).date(),
        },
    }
}
