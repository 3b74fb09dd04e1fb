//! [`RecurrenceRule`]: the supported subset of an RFC 5545 `RRULE`, as data.
//!
//! The text form is in `rule_text.rs`, the dates that follow from a rule in `pattern.rs`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};

use super::rule_error::RuleError;

/// Maximum `INTERVAL`.
pub const MAX_INTERVAL: u16 = 1_000;

/// Maximum `COUNT`: a daily rule over 27 years.
pub const MAX_COUNT: u32 = 10_000;

/// Length of a period of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepeatFrequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A weekday of a rule, as in `MO`, `2FR` or `-1SU`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleDay {
    /// Position in the month or year, from its end if negative. `None` means every one.
    pub ordinal: Option<i8>,
    pub weekday: Weekday,
}

impl RuleDay {
    pub const fn every(weekday: Weekday) -> Self {
        Self { ordinal: None, weekday }
    }

    pub const fn nth(ordinal: i8, weekday: Weekday) -> Self {
        Self { ordinal: Some(ordinal), weekday }
    }
}

/// The end of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleEnd {
    Never,
    /// Number of occurrences, including excluded ones.
    Count(u32),
    Until(UntilBound),
}

/// The last moment of a rule, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UntilBound {
    /// The nominal date of the last occurrence.
    Day(Date),
    /// A local time in the zone of the series.
    Local(DateTime),
    /// A point in time. For an all-day series, its date in UTC counts.
    Instant(Timestamp),
}

/// A repetition without its start. Lists are empty if the part is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecurrenceRule {
    pub frequency: RepeatFrequency,
    /// Number of periods from one to the next, at least 1.
    pub interval: u16,
    /// `BYMONTH`, 1 to 12.
    pub months: Vec<i8>,
    /// `BYMONTHDAY`, 1 to 31, or -1 to -31 from the end of the month.
    pub month_days: Vec<i8>,
    /// `BYDAY`.
    pub days: Vec<RuleDay>,
    /// `BYSETPOS`: positions among the dates of one period, from the end if negative.
    pub positions: Vec<i16>,
    /// `WKST`, which decides where the periods of a weekly rule begin.
    pub week_start: Weekday,
    pub end: RuleEnd,
}

impl RecurrenceRule {
    /// The rule "every `interval` periods" without other parts.
    pub const fn every(interval: u16, frequency: RepeatFrequency) -> Self {
        Self {
            frequency,
            interval,
            months: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
            end: RuleEnd::Never,
        }
    }

    /// Whether the rule has no `BY…` part, so that the start decides all dates.
    pub const fn is_plain(&self) -> bool {
        self.months.is_empty()
            && self.month_days.is_empty()
            && self.days.is_empty()
            && self.positions.is_empty()
    }

    /// Checks the ranges and combinations of all parts.
    ///
    /// # Errors
    /// Returns [`RuleError`] for the first part that RFC 5545 or a limit of this module forbids.
    pub fn check(&self) -> Result<(), RuleError> {
        if self.interval == 0 || self.interval > MAX_INTERVAL {
            return Err(RuleError::Range { part: "INTERVAL", range: "1 to 1000" });
        }
        match self.end {
            RuleEnd::Count(count) if count == 0 || count > MAX_COUNT => {
                return Err(RuleError::Range { part: "COUNT", range: "1 to 10000" });
            }
            _ => {}
        }
        if self.months.iter().any(|month| !(1..=12).contains(month)) {
            return Err(RuleError::Range { part: "BYMONTH", range: "1 to 12" });
        }
        if self.month_days.iter().any(|day| *day == 0 || !(-31..=31).contains(day)) {
            return Err(RuleError::Range { part: "BYMONTHDAY", range: "1 to 31 or -31 to -1" });
        }
        let (last, range) = match self.frequency {
            RepeatFrequency::Daily => (1, "1 or -1 in a day"),
            RepeatFrequency::Weekly => (7, "1 to 7 or -7 to -1 in a week"),
            RepeatFrequency::Monthly => (31, "1 to 31 or -31 to -1 in a month"),
            RepeatFrequency::Yearly => (366, "1 to 366 or -366 to -1 in a year"),
        };
        if self.positions.iter().any(|place| *place == 0 || !(-last..=last).contains(place)) {
            return Err(RuleError::Range { part: "BYSETPOS", range });
        }
        if self
            .days
            .iter()
            .any(|day| day.ordinal.is_some_and(|n| n == 0 || !(-53..=53).contains(&n)))
        {
            return Err(RuleError::Range {
                part: "BYDAY",
                range: "an ordinal of 1 to 53 or -53 to -1",
            });
        }
        self.check_combinations()
    }

    fn check_combinations(&self) -> Result<(), RuleError> {
        let ordinals = self.days.iter().any(|day| day.ordinal.is_some());
        let short = matches!(self.frequency, RepeatFrequency::Daily | RepeatFrequency::Weekly);
        if ordinals && short {
            return Err(RuleError::Combination("an ordinal in BYDAY needs FREQ=MONTHLY or YEARLY"));
        }
        if self.frequency == RepeatFrequency::Weekly && !self.month_days.is_empty() {
            return Err(RuleError::Combination("BYMONTHDAY is not allowed with FREQ=WEEKLY"));
        }
        let only_positions =
            self.months.is_empty() && self.month_days.is_empty() && self.days.is_empty();
        if !self.positions.is_empty() && only_positions {
            return Err(RuleError::Combination("BYSETPOS needs another BY part"));
        }
        Ok(())
    }
}
