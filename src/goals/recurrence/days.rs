//! Arithmetic on civil dates in whole days and months, without spans.
//!
//! Every function returns `None` past the year 9999, where a series ends.

use jiff::Span;
use jiff::civil::{Date, Weekday};

/// The date `days` after `date`, or before it if negative.
pub(crate) fn plus_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(Span::new().try_days(days).ok()?).ok()
}

/// Days from `from` to `to`; negative if `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// The last date on or before `date` that is a `weekday`.
pub(crate) fn week_begin(date: Date, weekday: Weekday) -> Option<Date> {
    plus_days(date, -i64::from(date.weekday().since(weekday)))
}

/// The first date on or after `date` that is a `weekday`.
pub(crate) fn weekday_from(date: Date, weekday: Weekday) -> Option<Date> {
    plus_days(date, i64::from(date.weekday().until(weekday)))
}

/// Number of months from the year 0 to the month of `date`.
pub(crate) fn month_index(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// The first day of the month with the given [`month_index`].
pub(crate) fn month_at(index: i64) -> Option<Date> {
    let year = i16::try_from(index.div_euclid(12)).ok()?;
    let month = i8::try_from(index.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}

/// The day of the month `day`, where `-1` is the last one. `None` if the month lacks it.
pub(crate) fn day_of_month(first: Date, day: i8) -> Option<Date> {
    let days = first.days_in_month();
    let day = if day < 0 { days + 1 + day } else { day };
    Date::new(first.year(), first.month(), day).ok()
}

/// `date` moved by `months`; a day that the target month lacks becomes the month's last one.
pub(crate) fn plus_months(date: Date, months: i64) -> Option<Date> {
    let first = month_at(month_index(date).checked_add(months)?)?;
    day_of_month(first, date.day().min(first.days_in_month()))
}
