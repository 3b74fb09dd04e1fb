//! [`Series`]: a start, a rule and excluded dates, and the occurrences that follow from them.
//!
//! The text form is in `series_text.rs`.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::bound::admits;
use super::days::{plus_days, plus_months};
use super::occurrence::{Expansion, MAX_OCCURRENCES, MAX_YEARS, Occurrence};
use super::pattern::DatePattern;
use super::rule::{RecurrenceRule, RuleEnd, UntilBound};
use super::rule_error::RuleError;
use super::start::SeriesStart;

/// A repetition that counts from its start. A constructed series has at least one occurrence,
/// unless all of them are excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    start: SeriesStart,
    rule: RecurrenceRule,
    /// Nominal dates without an occurrence (`EXDATE`).
    excluded: BTreeSet<Date>,
    /// The date that `COUNT` ends with, computed once so that later searches need no walk.
    last: Option<Date>,
}

impl Series {
    /// A series from its parts.
    ///
    /// # Errors
    /// Returns [`RuleError`] if a part is out of range, the zone has no name, or the rule never has
    /// an occurrence, such as February 30.
    pub fn new(start: SeriesStart, rule: RecurrenceRule) -> Result<Self, RuleError> {
        rule.check()?;
        let start = start.checked()?;
        let mut series = Self { start, rule, excluded: BTreeSet::new(), last: None };
        if let RuleEnd::Count(count) = series.rule.end {
            let date = series.start.date();
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            series.last = series.pattern().dates_from(date).take(count).last();
        }
        if series.walk(series.start.date()).next().is_none() {
            return Err(RuleError::NeverOccurs);
        }
        Ok(series)
    }

    /// This series without the occurrence on `date`.
    #[must_use]
    pub fn without(mut self, date: Date) -> Self {
        self.excluded.insert(date);
        self
    }

    /// This series, starting with its first occurrence, as calendars expect of `DTSTART`. Intervals
    /// then count from that occurrence.
    #[must_use]
    pub fn aligned(self) -> Self {
        let first = self.pattern().dates_from(self.start.date()).next();
        let start = first.map_or_else(|| self.start.clone(), |date| self.start.on(date));
        Self { start, ..self }
    }

    /// The same dates at another time of day and zone; `None` makes the series all-day. Excluded
    /// dates stay excluded, because they are nominal.
    ///
    /// # Errors
    /// Returns [`RuleError`] if the zone has no name or `UNTIL` now precedes the first occurrence.
    pub fn at_time(&self, time: Option<(Time, TimeZone)>) -> Result<Self, RuleError> {
        let date = self.start.date();
        let start = match time {
            None => SeriesStart::Day(date),
            Some((time, zone)) => SeriesStart::Moment(date.to_datetime(time), zone),
        };
        let mut rule = self.rule.clone();
        if let RuleEnd::Until(_) = rule.end {
            // A bound to the minute would cut a later time of day on the last date.
            let last = self.last_date().unwrap_or(date);
            rule.end = RuleEnd::Until(UntilBound::Day(last));
        }
        let mut series = Self::new(start, rule)?;
        series.excluded.clone_from(&self.excluded);
        Ok(series)
    }

    pub const fn start(&self) -> &SeriesStart {
        &self.start
    }

    pub const fn rule(&self) -> &RecurrenceRule {
        &self.rule
    }

    pub const fn excluded(&self) -> &BTreeSet<Date> {
        &self.excluded
    }

    /// The first occurrence. `None` if all occurrences are excluded.
    pub fn first(&self) -> Option<Occurrence> {
        self.walk(self.start.date()).next()
    }

    /// The occurrence with the nominal date `date`, if the series has one.
    pub fn occurrence_on(&self, date: Date) -> Option<Occurrence> {
        self.walk(date).next().filter(|found| found.date == date)
    }

    /// The first occurrence on or after the nominal date `date`.
    pub fn next_from(&self, date: Date) -> Option<Occurrence> {
        self.walk(date).next()
    }

    /// The first occurrence after the nominal date `date`.
    pub fn next_after(&self, date: Date) -> Option<Occurrence> {
        self.walk(plus_days(date, 1)?).next()
    }

    /// The first occurrence that is not over: later than `now`, or all day today or later.
    pub fn upcoming(&self, now: &ZonedDateTime) -> Option<Occurrence> {
        let day_before = plus_days(self.start.local_date(now), -1)?;
        self.walk(day_before).find(|found| !found.is_overdue(now))
    }

    /// The occurrences with nominal dates from `from` to `to`, inclusive.
    pub fn occurrences(&self, from: Date, to: Date) -> Expansion {
        self.expand(from, to, |_| true)
    }

    /// The occurrences from `from` until before `to`. All-day ones count by the civil dates of both,
    /// so that a range of one local day holds them on that day in every zone.
    pub fn occurrences_within(&self, from: &ZonedDateTime, to: &ZonedDateTime) -> Expansion {
        let (Some(first), Some(last)) =
            (plus_days(self.start.local_date(from), -1), plus_days(self.start.local_date(to), 1))
        else {
            return Expansion::default();
        };
        self.expand(first, last, |found| {
            if let Some(at) = found.instant() {
                from.timestamp() <= at && at < to.timestamp()
            } else {
                let ends_at_midnight = to.time() == Time::midnight();
                from.date() <= found.date
                    && (found.date < to.date() || (found.date == to.date() && !ends_at_midnight))
            }
        })
    }

    /// The occurrences from the nominal date `pending` that are over at `now`.
    pub fn overdue(&self, pending: Date, now: &ZonedDateTime) -> Expansion {
        self.expand(pending, self.start.local_date(now), |found| found.is_overdue(now))
    }

    /// All occurrences on or after `from`, in order. May go on until the year 9999.
    pub(super) fn walk(&self, from: Date) -> impl Iterator<Item = Occurrence> + '_ {
        self.pattern()
            .dates_from(from)
            .take_while(|date| self.last.is_none_or(|last| *date <= last))
            .map_while(|date| self.start.occurrence(date))
            .take_while(|found| self.is_before_end(found))
            .filter(|found| !self.excluded.contains(&found.date))
    }

    fn pattern(&self) -> DatePattern<'_> {
        DatePattern { rule: &self.rule, start: self.start.date() }
    }

    fn expand(&self, from: Date, to: Date, wanted: impl Fn(&Occurrence) -> bool) -> Expansion {
        let from = from.max(self.start.date());
        let horizon = plus_months(from, i64::from(MAX_YEARS) * 12).unwrap_or(Date::MAX);
        let mut expansion = Expansion::default();
        for found in
            self.walk(from).take_while(|found| found.date <= to).filter(|found| wanted(found))
        {
            if expansion.occurrences.len() == MAX_OCCURRENCES || found.date > horizon {
                expansion.truncated = true;
                break;
            }
            expansion.occurrences.push(found);
        }
        expansion
    }

    fn is_before_end(&self, found: &Occurrence) -> bool {
        admits(self.rule.end, found, self.start.time())
    }

    /// The last nominal date that `UNTIL` admits.
    fn last_date(&self) -> Option<Date> {
        let RuleEnd::Until(bound) = self.rule.end else { return None };
        let local = |at: Timestamp| -> DateTime {
            self.start.zone().unwrap_or(&TimeZone::UTC).to_datetime(at)
        };
        let date = match bound {
            UntilBound::Day(day) => day,
            UntilBound::Local(bound) => bound.date(),
            UntilBound::Instant(at) => local(at).date(),
        };
        // The bound may fall before the time of day on its date.
        let on_date = self.start.occurrence(date).is_some_and(|found| self.is_before_end(&found));
        if on_date { Some(date) } else { plus_days(date, -1) }
    }
}
