//! Clauses about a week, month, quarter or year: `end of month`, `next week`, `first monday of may`.

use jiff::civil::{Date, Weekday};

use super::context::PhraseContext;
use super::cursor::PhraseCursor;
use super::error::WhenError;
use super::vocabulary::{self, SpanUnit};
use super::word::WordKind;
use crate::goals::recurrence::days::{
    month_at, month_index, plus_days, plus_months, week_begin, weekday_from,
};

/// A span of whole days.
#[derive(Clone, Copy)]
struct DayPeriod {
    first: Date,
    last: Date,
    unit: SpanUnit,
    /// Months until the same words mean another period; `None` if they name only this one.
    cycle: Option<i64>,
}

/// The Monday of the week of `date`.
pub(super) fn week_of(date: Date) -> Option<Date> {
    week_begin(date, Weekday::Monday)
}

/// One form of a date clause.
pub(super) type DayForm =
    fn(&mut PhraseCursor<'_>, &PhraseContext<'_>) -> Result<Option<Date>, WhenError>;

/// Reads one date of a period.
pub(super) fn read_period_day(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<Date>, WhenError> {
    let forms: [DayForm; 4] = [abbreviation, edge, nth_day, whole_period];
    for form in forms {
        let mut ahead = *cursor;
        if let Some(date) = form(&mut ahead, context)? {
            *cursor = ahead;
            return Ok(Some(date));
        }
    }
    Ok(None)
}

/// `eom`.
fn abbreviation(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<Date>, WhenError> {
    let unit = match cursor.name() {
        "eow" => SpanUnit::Week,
        "eom" => SpanUnit::Month,
        "eoq" => SpanUnit::Quarter,
        "eoy" => SpanUnit::Year,
        "eod" => SpanUnit::Day,
        _ => return Ok(None),
    };
    cursor.at += 1;
    if unit == SpanUnit::Day {
        return Ok(Some(context.today));
    }
    let period = period_of(context.today, unit, 0).ok_or(WhenError::OutOfRange)?;
    Ok(Some(last_day(period, context)))
}

/// `end of next month`, `beginning of the year`, `mid january`.
fn edge(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<Date>, WhenError> {
    let edge = cursor.name();
    if !cursor.take(&["end", "start", "beginning", "middle", "mid"]) {
        return Ok(None);
    }
    cursor.take_kind(&WordKind::Dash);
    cursor.take(&["of"]);
    if edge == "end" && (cursor.take_all(&["the", "day"]) || cursor.take(&["day"])) {
        return Ok(Some(context.today));
    }
    let Some(mut period) = period(cursor, context)? else { return Ok(None) };
    let at_edge = |period: DayPeriod| match (edge, period.unit) {
        ("end", _) => Some(last_day(period, context)),
        ("middle" | "mid", SpanUnit::Week) => plus_days(period.first, 2),
        ("middle" | "mid", SpanUnit::Month) => plus_days(period.first, 14),
        ("middle" | "mid", SpanUnit::Quarter) => {
            plus_months(period.first, 1).and_then(|date| plus_days(date, 14))
        }
        ("middle" | "mid", _) => plus_months(period.first, 6),
        _ => Some(period.first),
    };
    let mut date = at_edge(period).ok_or(WhenError::OutOfRange)?;
    if date < context.today && period.cycle.is_some() {
        period = following(period).ok_or(WhenError::OutOfRange)?;
        date = at_edge(period).ok_or(WhenError::OutOfRange)?;
    }
    Ok(Some(date))
}

fn last_day(period: DayPeriod, context: &PhraseContext<'_>) -> Date {
    if period.unit == SpanUnit::Week {
        context.note("a week ends on Sunday here");
    }
    period.last
}

/// `last day of february`, `first monday of next month`, `2nd of the month`, `first workday of may`.
fn nth_day(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<Date>, WhenError> {
    let begin = cursor.at;
    let Some(ordinal) = cursor.ordinal() else { return Ok(None) };
    let Some(kind) = read_day_kind(cursor) else { return Ok(None) };
    if !cursor.take(&["of", "in"]) {
        return Ok(None);
    }
    let Some(mut period) = period(cursor, context)? else { return Ok(None) };
    let mut date = nth_in_period(kind, ordinal, period);
    if date.is_none_or(|date| date < context.today) && period.cycle.is_some() {
        period = following(period).ok_or(WhenError::OutOfRange)?;
        date = nth_in_period(kind, ordinal, period);
    }
    let words = cursor.words.get(begin..cursor.at).unwrap_or_default();
    date.map(Some).ok_or_else(|| context.impossible(words, "the period has no such day"))
}

/// The days among which an ordinal counts.
#[derive(Clone, Copy)]
pub(super) enum DayKind {
    Any,
    Workday,
    Weekday(Weekday),
}

/// `day`, `workday`, `monday`; an ordinal before `of` counts any day.
pub(super) fn read_day_kind(cursor: &mut PhraseCursor<'_>) -> Option<DayKind> {
    if cursor.take(&["day"]) {
        return Some(DayKind::Any);
    }
    if cursor.take(&["workday", "weekday"]) || cursor.take_all(&["business", "day"]) {
        return Some(DayKind::Workday);
    }
    if cursor.name() == "of" {
        return Some(DayKind::Any);
    }
    cursor.read(vocabulary::weekday).map(|(weekday, _)| DayKind::Weekday(weekday))
}

fn nth_in_period(kind: DayKind, ordinal: i32, period: DayPeriod) -> Option<Date> {
    let steps = i64::from(ordinal.unsigned_abs()).checked_sub(1)?;
    let date = match kind {
        DayKind::Any if ordinal > 0 => plus_days(period.first, steps)?,
        DayKind::Any => plus_days(period.last, -steps)?,
        DayKind::Weekday(weekday) if ordinal > 0 => {
            plus_days(weekday_from(period.first, weekday)?, steps * 7)?
        }
        DayKind::Weekday(weekday) => plus_days(week_begin(period.last, weekday)?, -steps * 7)?,
        DayKind::Workday => {
            let (mut date, step) = if ordinal > 0 { (period.first, 1) } else { (period.last, -1) };
            let mut left = steps;
            loop {
                let is_workday = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
                if is_workday && left == 0 {
                    break date;
                }
                left -= i64::from(is_workday);
                date = plus_days(date, step)
                    .filter(|date| period.first <= *date && *date <= period.last)?;
            }
        }
    };
    (period.first <= date && date <= period.last).then_some(date)
}

/// `next week`, `next month`, `weekend`: the first day of the period.
fn whole_period(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<Date>, WhenError> {
    let begin = cursor.at;
    let next = cursor.take(&["next"]);
    let this = !next && cursor.take(&["this", "coming"]);
    if cursor.take(&["weekend"]) {
        let saturday = match context.today.weekday() {
            Weekday::Sunday => context.today,
            _ => weekday_from(context.today, Weekday::Saturday).ok_or(WhenError::OutOfRange)?,
        };
        if !next {
            return Ok(Some(saturday));
        }
        let first = weekday_from(context.today, Weekday::Saturday).ok_or(WhenError::OutOfRange)?;
        let dates = [Some(first), plus_days(first, 7)];
        let words = cursor.words.get(begin..cursor.at).unwrap_or_default();
        let dates: Vec<Date> = dates.into_iter().flatten().collect();
        return Err(context.ambiguous(words, "", &dates));
    }
    if this || !next {
        return Ok(None);
    }
    let Some(unit) = cursor.read(vocabulary::unit).filter(|unit| is_period(*unit)) else {
        return Ok(None);
    };
    // `next week friday` names a day of that week.
    let period = period_of(context.today, unit, 1).ok_or(WhenError::OutOfRange)?;
    if unit == SpanUnit::Week {
        if let Some((weekday, _)) = cursor.read(vocabulary::weekday) {
            return weekday_from(period.first, weekday).map(Some).ok_or(WhenError::OutOfRange);
        }
        context
            .note("\"next week\" means its Monday; for seven days from today, write \"in a week\"");
    } else {
        context.note("the first day of the period is meant");
    }
    Ok(Some(period.first))
}

const fn is_period(unit: SpanUnit) -> bool {
    matches!(unit, SpanUnit::Week | SpanUnit::Month | SpanUnit::Quarter | SpanUnit::Year)
}

/// `the month`, `next week`, `january 2027`, `2027`.
fn period(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<DayPeriod>, WhenError> {
    let today = context.today;
    let (steps, is_fixed) = if cursor.take(&["next"]) {
        (1, true)
    } else if cursor.take(&["last", "previous"]) {
        (-1, true)
    } else if cursor.take(&["this"]) {
        (0, true)
    } else {
        cursor.take(&["the"]);
        (0, false)
    };
    if let Some(unit) = cursor.read(vocabulary::unit) {
        if !is_period(unit) {
            return Ok(None);
        }
        let period = period_of(today, unit, steps).ok_or(WhenError::OutOfRange)?;
        return Ok(Some(if is_fixed { DayPeriod { cycle: None, ..period } } else { period }));
    }
    if let Some(month) = cursor.read(vocabulary::month) {
        let year = cursor.year();
        let index = i64::from(year.unwrap_or(today.year())) * 12 + i64::from(month) - 1;
        let moved = if year.is_none() && index < month_index(today) { index + 12 } else { index };
        let first = month_at(moved).ok_or(WhenError::OutOfRange)?;
        let cycle = if year.is_none() { Some(12) } else { None };
        return Ok(Some(DayPeriod {
            first,
            last: first.last_of_month(),
            unit: SpanUnit::Month,
            cycle,
        }));
    }
    let Some(year) = cursor.year() else { return Ok(None) };
    let first = Date::new(year, 1, 1).map_err(|_| WhenError::OutOfRange)?;
    Ok(Some(DayPeriod { first, last: first.last_of_year(), unit: SpanUnit::Year, cycle: None }))
}

/// The period of `unit` around `date`, moved by `steps`.
fn period_of(date: Date, unit: SpanUnit, steps: i64) -> Option<DayPeriod> {
    let (first, months) = match unit {
        SpanUnit::Week => {
            let first = plus_days(week_of(date)?, steps * 7)?;
            return Some(DayPeriod { first, last: plus_days(first, 6)?, unit, cycle: Some(0) });
        }
        SpanUnit::Month => (date.first_of_month(), 1),
        SpanUnit::Quarter => (month_at(month_index(date) / 3 * 3)?, 3),
        SpanUnit::Year => (date.first_of_year(), 12),
        _ => return None,
    };
    let first = plus_months(first, steps * months)?;
    let last = plus_days(plus_months(first, months)?, -1)?;
    Some(DayPeriod { first, last, unit, cycle: Some(months) })
}

/// The next period that the same words can mean: a named month is next year's.
fn following(period: DayPeriod) -> Option<DayPeriod> {
    let next = match period.cycle {
        Some(months @ 1..) => period_of(plus_months(period.first, months)?, period.unit, 0)?,
        _ => period_of(period.first, period.unit, 1)?,
    };
    Some(DayPeriod { cycle: period.cycle, ..next })
}
