//! The days inside a repetition: weekday lists, days of the month, and the nth day of a month.

use jiff::civil::Weekday;

use super::cursor::PhraseCursor;
use super::error::WhenError;
use super::period::{DayKind, read_day_kind};
use super::vocabulary;
use super::word::WordKind;
use crate::goals::recurrence::{RecurrenceRule, RepeatFrequency, RuleDay};

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// The rule for Monday to Friday.
pub(super) fn workdays() -> RecurrenceRule {
    let days = WEEK[..5].iter().map(|weekday| RuleDay::every(*weekday)).collect();
    RecurrenceRule { days, ..RecurrenceRule::every(1, RepeatFrequency::Weekly) }
}

/// Weekdays joined by commas, `and` or a range, in the order of the week.
pub(super) fn read_weekdays(cursor: &mut PhraseCursor<'_>) -> Option<Vec<RuleDay>> {
    let mut ahead = *cursor;
    let (first, _) = ahead.read(vocabulary::weekday)?;
    let mut found = vec![first];
    *cursor = ahead;
    loop {
        let mut ahead = *cursor;
        let is_range = ahead.take(&["to", "through", "thru"]) || ahead.take_kind(&WordKind::Dash);
        if !is_range {
            let comma = ahead.take_kind(&WordKind::Comma);
            let and = ahead.take(&["and", "or"]);
            if !comma
                && !and
                && ahead.name() == cursor.name()
                && vocabulary::weekday(ahead.name()).is_none()
            {
                break;
            }
            ahead.take(&["on"]);
        }
        let Some((weekday, _)) = ahead.read(vocabulary::weekday) else { break };
        if let Some(last) = found.last().copied().filter(|_| is_range) {
            let steps = last.until(weekday);
            found.extend((1..=steps).map(|step| last.wrapping_add(step)));
        } else {
            found.push(weekday);
        }
        *cursor = ahead;
    }
    found.sort_by_key(|weekday| weekday.to_monday_zero_offset());
    found.dedup();
    Some(found.into_iter().map(RuleDay::every).collect())
}

/// Days of the month: `31st`, `1st and 15th`, `day 15`, `15th and last day`.
pub(super) fn read_month_days(cursor: &mut PhraseCursor<'_>) -> Result<Option<Vec<i8>>, WhenError> {
    let Some(first) = read_month_day(cursor)? else { return Ok(None) };
    let mut found = vec![first];
    loop {
        let mut ahead = *cursor;
        let joined = ahead.take_kind(&WordKind::Comma) | ahead.take(&["and", "or"]);
        ahead.take(&["on"]);
        ahead.take(&["the"]);
        match read_month_day(&mut ahead)? {
            Some(day) if joined => {
                found.push(day);
                *cursor = ahead;
            }
            _ => break,
        }
    }
    cursor.take_all(&["of", "the", "month"]);
    let mut ahead = *cursor;
    if ahead.take(&["of"]) && ahead.take(&["each", "every"]) && ahead.take(&["month"]) {
        *cursor = ahead;
    }
    found.sort_unstable_by_key(|day| (*day < 0, *day));
    found.dedup();
    Ok(Some(found))
}

fn read_month_day(cursor: &mut PhraseCursor<'_>) -> Result<Option<i8>, WhenError> {
    let mut ahead = *cursor;
    let names_day = ahead.take(&["day"]);
    let begin = ahead.at;
    let day = match ahead.kind() {
        Some(WordKind::Number(day) | WordKind::Ordinal(day)) => {
            ahead.at += 1;
            i32::try_from(*day).unwrap_or(i32::MAX)
        }
        _ => match ahead.read(vocabulary::ordinal) {
            Some(day) => day,
            None => return Ok(None),
        },
    };
    // A number before `pm` or `times` is something else.
    let is_time = matches!(ahead.name(), "am" | "pm" | "times" | "oclock") && !names_day;
    let counts = vocabulary::unit(ahead.name()).is_some() && ahead.name() != "day";
    if is_time || counts || vocabulary::weekday(ahead.name()).is_some() {
        return Ok(None);
    }
    let day_follows = ahead.take(&["day"]);
    if day < 0 && !day_follows {
        return Ok(None);
    }
    let day = i8::try_from(day).ok().filter(|day| *day == -1 || (1..=31).contains(day));
    let day = day.ok_or_else(|| WhenError::Impossible {
        words: ahead.since(begin),
        reason: "a month has the days 1 to 31",
    })?;
    *cursor = ahead;
    Ok(Some(day))
}

/// `first monday of the month`, `last day of each month`, `2nd friday of march`.
pub(super) fn within_month(
    cursor: &mut PhraseCursor<'_>,
) -> Result<Option<RecurrenceRule>, WhenError> {
    let mut ahead = *cursor;
    let begin = ahead.at;
    let Some((ordinals, kind)) = read_nth(&mut ahead) else { return Ok(None) };
    if !ahead.take(&["of", "in"]) {
        return Ok(None);
    }
    let mut months = Vec::new();
    ahead.take(&["the", "each", "every", "a"]);
    if let Some(month) = ahead.read(vocabulary::month) {
        months.push(month);
    } else if !ahead.take(&["month"]) {
        return Ok(None);
    }
    let max = match kind {
        DayKind::Any => 31,
        DayKind::Workday => 23,
        DayKind::Weekday(_) => 5,
    };
    if ordinals.iter().any(|ordinal| *ordinal == 0 || *ordinal > max) {
        return Err(WhenError::Impossible {
            words: ahead.since(begin),
            reason: "a month has no such day",
        });
    }
    *cursor = ahead;
    let mut rule = nth_rule(kind, &ordinals);
    if !months.is_empty() {
        rule.months = months;
        rule.frequency = RepeatFrequency::Yearly;
    }
    Ok(Some(rule))
}

/// Ordinals and the days that they count: `first monday`, `2nd and 4th friday`, `last workday`.
pub(super) fn read_nth(cursor: &mut PhraseCursor<'_>) -> Option<(Vec<i32>, DayKind)> {
    let mut ahead = *cursor;
    let mut ordinals = vec![ahead.ordinal()?];
    loop {
        let mut next = ahead;
        let joined = next.take_kind(&WordKind::Comma) | next.take(&["and"]);
        next.take(&["the"]);
        match next.ordinal().filter(|_| joined) {
            Some(ordinal) => ordinals.push(ordinal),
            None => break,
        }
        ahead = next;
    }
    let kind = read_day_kind(&mut ahead)?;
    *cursor = ahead;
    Some((ordinals, kind))
}

/// The monthly rule for the nth days of a kind.
pub(super) fn nth_rule(kind: DayKind, ordinals: &[i32]) -> RecurrenceRule {
    let ordinals = ordinals.iter().map(|ordinal| i8::try_from(*ordinal).unwrap_or(i8::MAX));
    let plain = RecurrenceRule::every(1, RepeatFrequency::Monthly);
    match kind {
        DayKind::Any => RecurrenceRule { month_days: ordinals.collect(), ..plain },
        DayKind::Weekday(weekday) => RecurrenceRule {
            days: ordinals.map(|ordinal| RuleDay::nth(ordinal, weekday)).collect(),
            ..plain
        },
        DayKind::Workday => RecurrenceRule {
            days: workdays().days,
            positions: ordinals.map(i16::from).collect(),
            ..plain
        },
    }
}
