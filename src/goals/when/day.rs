//! The clause for one date: `tomorrow`, `jan 15`, `in 3 days`, `next friday`, `03/04`.
//!
//! Each function tries one form. It returns `None` and leaves the cursor if the words have another
//! form, and an error if they have this form but no single meaning. Clauses about periods, such as
//! `end of month`, are in `period.rs`.

use jiff::civil::{Date, Weekday};

use super::context::PhraseContext;
use super::cursor::PhraseCursor;
use super::error::WhenError;
use super::period::{self, DayForm};
use super::vocabulary::{self, SpanUnit};
use super::word::WordKind;
use crate::goals::recurrence::days::{month_at, month_index, plus_days, plus_months, weekday_from};

/// A date clause: the date, or a weekday that may go with a date.
pub(super) enum DayReading {
    Date(Date),
    Weekday(Weekday),
}

type DateAttempt = Result<Option<Date>, WhenError>;

/// Reads a date clause.
pub(super) fn read_day(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<DayReading>, WhenError> {
    cursor.take(&["the"]);
    let forms: [DayForm; 7] = [
        written,
        named,
        span,
        period::read_period_day,
        modified_weekday,
        month_and_day,
        day_of_any_month,
    ];
    for form in forms {
        let mut ahead = *cursor;
        if let Some(date) = form(&mut ahead, context)? {
            *cursor = ahead;
            return Ok(Some(DayReading::Date(date)));
        }
    }
    let weekday = cursor.read(vocabulary::weekday).map(|(weekday, _)| DayReading::Weekday(weekday));
    Ok(weekday)
}

/// Reads a date, where a weekday alone means the next one after today.
pub(super) fn read_date(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    let begin = cursor.at;
    match read_day(cursor, context)? {
        None => Ok(None),
        Some(DayReading::Date(date)) => Ok(Some(date)),
        Some(DayReading::Weekday(weekday)) => {
            bare_weekday(weekday, begin, cursor, context).map(Some)
        }
    }
}

/// The date of a weekday without a modifier. On the same weekday it is ambiguous.
pub(super) fn bare_weekday(
    weekday: Weekday,
    begin: usize,
    cursor: &PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Date, WhenError> {
    let date = weekday_from(context.today, weekday).ok_or(WhenError::OutOfRange)?;
    if date == context.today {
        return Err(on_the_same_weekday(begin, cursor, context));
    }
    Ok(date)
}

fn on_the_same_weekday(
    begin: usize,
    cursor: &PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> WhenError {
    let name = vocabulary::weekday_name(context.today.weekday());
    let dates = [Some(context.today), plus_days(context.today, 7)];
    let dates: Vec<Date> = dates.into_iter().flatten().collect();
    let words = cursor.words.get(begin..cursor.at).unwrap_or_default();
    context.ambiguous(words, &format!(" because today is {name}, {}", context.today), &dates)
}

/// `2027-01-15`, `03/04`, `03/04/2027`.
fn written(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    let words = cursor.words.get(cursor.at..=cursor.at).unwrap_or_default();
    let Some(kind) = cursor.kind() else { return Ok(None) };
    cursor.at += 1;
    match kind {
        WordKind::Written(date) => Ok(Some(*date)),
        WordKind::Impossible => Err(context.impossible(words, "the calendar has no such date")),
        WordKind::Slashed(a, b, year) => {
            let date = |month: u32, day: u32| {
                let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
                year.map_or_else(
                    || next_date(month, day, context.today),
                    |year| Date::new(year, month, day).ok(),
                )
            };
            match (date(*a, *b), date(*b, *a)) {
                (Some(first), Some(second)) if first != second => {
                    Err(context.ambiguous(words, "", &[first, second]))
                }
                (Some(date), _) | (_, Some(date)) => Ok(Some(date)),
                (None, None) => Err(context.impossible(words, "the calendar has no such date")),
            }
        }
        _ => Ok(None),
    }
}

/// `today`, `tomorrow`, `day after tomorrow`.
fn named(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    let days = if cursor.take_all(&["day", "after", "tomorrow"]) || cursor.take(&["overmorrow"]) {
        2
    } else if cursor.take_all(&["day", "before", "yesterday"]) {
        -2
    } else if cursor.take(&["today", "tod"]) {
        0
    } else if cursor.take(&["tomorrow", "tom", "tmr", "tmrw"]) {
        1
    } else if cursor.take(&["yesterday"]) {
        -1
    } else {
        return Ok(None);
    };
    plus_days(context.today, days).map(Some).ok_or(WhenError::OutOfRange)
}

/// `next workday`, `in 3 days`, `2 weeks ago`, `a week from friday`, `+5 days`, `3 days before end of month`.
fn span(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    if cursor.take(&["next"]) {
        let is_workday = cursor.unit() == Some(SpanUnit::Workday);
        return Ok(plus_workdays(context.today, 1).filter(|_| is_workday));
    }
    let future = cursor.take(&["in", "within"]) || cursor.take_kind(&WordKind::Plus);
    let Some(amount) = cursor.amount() else { return Ok(None) };
    let Some(unit) = cursor.unit() else { return Ok(None) };
    if matches!(unit, SpanUnit::Minute | SpanUnit::Hour) {
        return Ok(None);
    }
    let (origin, amount) = if cursor.take(&["ago"]) {
        (context.today, -i64::from(amount))
    } else if cursor.take_all(&["from", "now"]) || cursor.take_all(&["from", "today"]) {
        (context.today, i64::from(amount))
    } else if !future && cursor.take(&["from", "after"]) {
        let Some(origin) = read_date(cursor, context)? else { return Ok(None) };
        (origin, i64::from(amount))
    } else if !future && cursor.take(&["before"]) {
        let Some(origin) = read_date(cursor, context)? else { return Ok(None) };
        (origin, -i64::from(amount))
    } else if future {
        (context.today, i64::from(amount))
    } else {
        return Ok(None);
    };
    plus_units(origin, amount, unit).map(Some).ok_or(WhenError::OutOfRange)
}

/// `date` moved by an amount of a unit of at least a day.
pub(super) fn plus_units(date: Date, amount: i64, unit: SpanUnit) -> Option<Date> {
    match unit {
        SpanUnit::Minute | SpanUnit::Hour => None,
        SpanUnit::Day => plus_days(date, amount),
        SpanUnit::Workday => plus_workdays(date, amount),
        SpanUnit::Week => plus_days(date, amount.checked_mul(7)?),
        SpanUnit::Fortnight => plus_days(date, amount.checked_mul(14)?),
        SpanUnit::Month => plus_months(date, amount),
        SpanUnit::Quarter => plus_months(date, amount.checked_mul(3)?),
        SpanUnit::Year => plus_months(date, amount.checked_mul(12)?),
    }
}

/// `date` moved by Mondays to Fridays.
fn plus_workdays(date: Date, amount: i64) -> Option<Date> {
    let is_workday = |date: &Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    // Five workdays are a week from any day; the rest is at most four steps over workdays.
    let mut moved = plus_days(date, (amount / 5).checked_mul(7)?)?;
    let step = amount.signum();
    let mut rest = amount % 5;
    while rest != 0 {
        moved = plus_days(moved, step)?;
        rest -= if is_workday(&moved) { step } else { 0 };
    }
    if amount != 0 && !is_workday(&moved) {
        // A multiple of five from a weekend ends on the workday before or after it.
        let back = -step;
        while !is_workday(&moved) {
            moved = plus_days(moved, back)?;
        }
    }
    Some(moved)
}

/// `next friday`, `this friday`, `last friday`, `coming friday`, `friday next week`.
fn modified_weekday(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    let (begin, today) = (cursor.at, context.today);
    let modifier = cursor.name();
    if cursor.take(&["next", "this", "coming", "upcoming", "last", "past", "previous"]) {
        let Some((weekday, _)) = cursor.read(vocabulary::weekday) else { return Ok(None) };
        let coming = weekday_from(today, weekday).ok_or(WhenError::OutOfRange)?;
        return match modifier {
            "this" => Ok(Some(coming)),
            "last" | "past" | "previous" => {
                let days =
                    if coming == today { 7 } else { 7 - i64::from(today.weekday().until(weekday)) };
                plus_days(today, -days).map(Some).ok_or(WhenError::OutOfRange)
            }
            _ if coming == today => Err(on_the_same_weekday(begin, cursor, context)),
            _ => {
                if let Some(later) = plus_days(coming, 7).filter(|_| modifier == "next") {
                    context.note(format!(
                        "for the {} after that, write {later}",
                        vocabulary::weekday_name(weekday)
                    ));
                }
                Ok(Some(coming))
            }
        };
    }
    let Some((weekday, _)) = cursor.read(vocabulary::weekday) else { return Ok(None) };
    let weeks = if cursor.take_all(&["next", "week"]) {
        1
    } else if cursor.take_all(&["this", "week"]) {
        0
    } else if cursor.take_all(&["last", "week"]) {
        -1
    } else {
        return Ok(None);
    };
    period::week_of(today)
        .and_then(|week| weekday_from(plus_days(week, weeks * 7)?, weekday))
        .map(Some)
        .ok_or(WhenError::OutOfRange)
}

/// `jan 15`, `15 jan 2027`, `15th of january`.
fn month_and_day(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    let begin = cursor.at;
    let Some((month, day)) = read_month_day(cursor) else { return Ok(None) };
    let words =
        |cursor: &PhraseCursor<'_>| cursor.words.get(begin..cursor.at).unwrap_or_default().to_vec();
    let date = match cursor.year() {
        Some(year) => Date::new(year, month, day).ok(),
        None => next_date(month, day, context.today),
    };
    date.map(Some)
        .ok_or_else(|| context.impossible(&words(cursor), "the calendar has no such date"))
}

/// A month and a day in either order.
pub(super) fn read_month_day(cursor: &mut PhraseCursor<'_>) -> Option<(i8, i8)> {
    let mut ahead = *cursor;
    let found = if let Some(month) = ahead.read(vocabulary::month) {
        ahead.take(&["the"]);
        (month, day_number(&mut ahead)?)
    } else {
        let day = day_number(&mut ahead)?;
        ahead.take_kind(&WordKind::Dash);
        ahead.take(&["of"]);
        (ahead.read(vocabulary::month)?, day)
    };
    *cursor = ahead;
    Some(found)
}

/// A day of the month as `15` or `15th`.
fn day_number(cursor: &mut PhraseCursor<'_>) -> Option<i8> {
    let day = match cursor.kind()? {
        WordKind::Number(day) | WordKind::Ordinal(day) => i8::try_from(*day).ok()?,
        _ => i8::try_from(vocabulary::ordinal(cursor.name()).filter(|day| *day > 0)?).ok()?,
    };
    cursor.at += 1;
    Some(day)
}

/// The next date with a month and a day, today included. February 29 is in the next leap year.
fn next_date(month: i8, day: i8, today: Date) -> Option<Date> {
    (today.year()..=today.year().saturating_add(8))
        .filter_map(|year| Date::new(year, month, day).ok())
        .find(|date| *date >= today)
}

/// `the 27th`: this month's, or the next month's that has one.
fn day_of_any_month(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> DateAttempt {
    let Some(WordKind::Ordinal(day)) = cursor.kind() else { return Ok(None) };
    let begin = cursor.at;
    cursor.at += 1;
    if matches!(cursor.name(), "of") || vocabulary::unit(cursor.name()).is_some() {
        return Ok(None);
    }
    let day = i8::try_from(*day).unwrap_or(0);
    let index = month_index(context.today);
    let months = (0..13).filter_map(|k| month_at(index + k));
    let dates = months.filter_map(|first| Date::new(first.year(), first.month(), day).ok());
    let words = cursor.words.get(begin..cursor.at).unwrap_or_default();
    let found = dates.into_iter().find(|date| *date >= context.today);
    found.map(Some).ok_or_else(|| context.impossible(words, "no month has such a day"))
}
