//! [`DatePattern`]: the civil dates of a rule, period by period, from any date onward.
//!
//! A period is a day, week, month or year. Period 0 contains the start, and period `k` begins `k`
//! intervals later, so that the period of any date follows from a division. `COUNT`, `UNTIL` and
//! excluded dates are applied in `series.rs`.

use jiff::civil::{Date, Weekday};

use super::days::{
    day_of_month, days_between, month_at, month_index, plus_days, week_begin, weekday_from,
};
use super::rule::{RecurrenceRule, RepeatFrequency, RuleDay};

/// A rule and the start that fills its missing parts.
#[derive(Clone, Copy)]
pub(super) struct DatePattern<'a> {
    pub rule: &'a RecurrenceRule,
    pub start: Date,
}

impl<'a> DatePattern<'a> {
    /// All dates on or after `from` and the start, in order, until the year 9999.
    pub fn dates_from(self, from: Date) -> PatternDates<'a> {
        let from = from.max(self.start);
        PatternDates {
            pattern: self,
            period: self.period_of(from),
            from,
            dates: Vec::new(),
            taken: 0,
        }
    }

    /// The last period that begins on or before `date`, which is not before the start.
    fn period_of(&self, date: Date) -> i64 {
        let units = match self.rule.frequency {
            RepeatFrequency::Daily => days_between(self.start, date),
            RepeatFrequency::Weekly => {
                let week = |day| week_begin(day, self.rule.week_start).unwrap_or(day);
                days_between(week(self.start), week(date)) / 7
            }
            RepeatFrequency::Monthly => month_index(date) - month_index(self.start),
            RepeatFrequency::Yearly => i64::from(date.year()) - i64::from(self.start.year()),
        };
        units / i64::from(self.rule.interval.max(1))
    }

    /// Writes the dates of a period into `dates`, in order. Returns the period to continue with, or
    /// `None` after the year 9999.
    fn fill(&self, period: i64, dates: &mut Vec<Date>) -> Option<i64> {
        dates.clear();
        let step = period.checked_mul(i64::from(self.rule.interval.max(1)))?;
        match self.rule.frequency {
            RepeatFrequency::Daily => {
                let day = plus_days(self.start, step)?;
                if !self.allows_month(day) {
                    return self.period_in_allowed_month(period, day);
                }
                if self.allows_month_day(day) && self.allows_weekday(day) {
                    dates.push(day);
                }
            }
            RepeatFrequency::Weekly => {
                let week =
                    plus_days(week_begin(self.start, self.rule.week_start)?, step.checked_mul(7)?)?;
                self.fill_week(week, dates);
            }
            RepeatFrequency::Monthly => {
                let month = month_at(month_index(self.start).checked_add(step)?)?;
                if self.allows_month(month) {
                    self.fill_month(month, dates);
                }
            }
            RepeatFrequency::Yearly => {
                let year = i16::try_from(i64::from(self.start.year()).checked_add(step)?).ok()?;
                self.fill_year(Date::new(year, 1, 1).ok()?, dates);
            }
        }
        dates.sort_unstable();
        dates.dedup();
        self.pick_positions(dates);
        Some(period + 1)
    }

    /// The first period of a daily rule after `period` that can be in a month of the rule.
    fn period_in_allowed_month(&self, period: i64, day: Date) -> Option<i64> {
        let index = month_index(day);
        let month =
            (1..=12).filter_map(|k| month_at(index + k)).find(|first| self.allows_month(*first))?;
        let days = days_between(self.start, month);
        let interval = i64::from(self.rule.interval.max(1));
        Some(((days + interval - 1) / interval).max(period + 1))
    }

    fn fill_week(&self, week: Date, dates: &mut Vec<Date>) {
        let one = [RuleDay::every(self.start.weekday())];
        let days = if self.rule.days.is_empty() { &one[..] } else { &self.rule.days };
        let days = days.iter().filter_map(|day| weekday_from(week, day.weekday));
        dates.extend(days.filter(|day| self.allows_month(*day)));
    }

    fn fill_month(&self, first: Date, dates: &mut Vec<Date>) {
        let rule = self.rule;
        if !rule.month_days.is_empty() {
            let days = rule.month_days.iter().filter_map(|day| day_of_month(first, *day));
            dates.extend(
                days.filter(|day| self.allows_weekday_in(*day, first, first.last_of_month())),
            );
        } else if rule.days.is_empty() {
            dates.extend(day_of_month(first, self.start.day()));
        } else {
            rule.days
                .iter()
                .for_each(|day| push_weekdays(*day, first, first.last_of_month(), dates));
        }
    }

    fn fill_year(&self, first: Date, dates: &mut Vec<Date>) {
        let rule = self.rule;
        let last = first.last_of_year();
        if !rule.months.is_empty() {
            let index = month_index(first);
            let months =
                rule.months.iter().filter_map(|month| month_at(index + i64::from(*month) - 1));
            months.for_each(|month| self.fill_month(month, dates));
        } else if !rule.month_days.is_empty() {
            let index = month_index(first);
            for month in (0..12).filter_map(|k| month_at(index + k)) {
                let days = rule.month_days.iter().filter_map(|day| day_of_month(month, *day));
                dates.extend(days.filter(|day| self.allows_weekday_in(*day, first, last)));
            }
        } else if rule.days.is_empty() {
            dates.extend(Date::new(first.year(), self.start.month(), self.start.day()).ok());
        } else {
            rule.days.iter().for_each(|day| push_weekdays(*day, first, last, dates));
        }
    }

    fn pick_positions(&self, dates: &mut Vec<Date>) {
        if self.rule.positions.is_empty() {
            return;
        }
        let len = i64::try_from(dates.len()).unwrap_or(i64::MAX);
        let index = |place: i64| if place < 0 { len + place } else { place - 1 };
        let picked = self.rule.positions.iter().map(|place| index(i64::from(*place)));
        let mut picked: Vec<Date> = picked
            .filter_map(|place| {
                usize::try_from(place).ok().and_then(|place| dates.get(place)).copied()
            })
            .collect();
        picked.sort_unstable();
        picked.dedup();
        *dates = picked;
    }

    fn allows_month(&self, day: Date) -> bool {
        self.rule.months.is_empty() || self.rule.months.contains(&day.month())
    }

    fn allows_month_day(&self, day: Date) -> bool {
        let from_end = day.day() - day.days_in_month() - 1;
        let days = &self.rule.month_days;
        days.is_empty() || days.contains(&day.day()) || days.contains(&from_end)
    }

    fn allows_weekday(&self, day: Date) -> bool {
        let days = &self.rule.days;
        days.is_empty() || days.iter().any(|wanted| wanted.weekday == day.weekday())
    }

    /// Whether `BYDAY` allows `day`, with ordinals counted between `first` and `last`.
    fn allows_weekday_in(&self, day: Date, first: Date, last: Date) -> bool {
        let from_begin = days_between(first, day) / 7 + 1;
        let from_end = -(days_between(day, last) / 7) - 1;
        let matches = |wanted: &RuleDay| {
            let ordinal = wanted.ordinal.map(i64::from);
            wanted.weekday == day.weekday()
                && ordinal.is_none_or(|n| n == from_begin || n == from_end)
        };
        self.rule.days.is_empty() || self.rule.days.iter().any(matches)
    }
}

/// Adds the dates between `first` and `last` that `day` means.
fn push_weekdays(day: RuleDay, first: Date, last: Date, dates: &mut Vec<Date>) {
    match day.ordinal {
        None => {
            let mut next = weekday_from(first, day.weekday);
            while let Some(date) = next.filter(|date| *date <= last) {
                dates.push(date);
                next = plus_days(date, 7);
            }
        }
        Some(ordinal) => dates.extend(nth_weekday(day.weekday, i64::from(ordinal), first, last)),
    }
}

/// The `ordinal`-th `weekday` between `first` and `last`, from the end if negative.
fn nth_weekday(weekday: Weekday, ordinal: i64, first: Date, last: Date) -> Option<Date> {
    let date = if ordinal > 0 {
        plus_days(weekday_from(first, weekday)?, (ordinal - 1) * 7)?
    } else {
        plus_days(week_begin(last, weekday)?, (ordinal + 1) * 7)?
    };
    (first <= date && date <= last).then_some(date)
}

/// Iterator over the dates of a [`DatePattern`].
pub(super) struct PatternDates<'a> {
    pattern: DatePattern<'a>,
    period: i64,
    from: Date,
    dates: Vec<Date>,
    taken: usize,
}

impl Iterator for PatternDates<'_> {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        loop {
            while let Some(date) = self.dates.get(self.taken).copied() {
                self.taken += 1;
                if date >= self.from {
                    return Some(date);
                }
            }
            self.taken = 0;
            self.period = self.pattern.fill(self.period, &mut self.dates)?;
        }
    }
}
