//! The clause for a repetition: `every 2 weeks on monday`, `daily`, `2nd friday of each month`.
//!
//! The ordinal of "every 2nd friday" counts Fridays, as "every other friday" does. With "of the
//! month" or "of each month" it counts within the month.

use jiff::civil::Weekday;

use super::context::PhraseContext;
use super::cursor::PhraseCursor;
use super::day::read_month_day;
use super::error::WhenError;
use super::repeat_days::{
    nth_rule, read_month_days, read_nth, read_weekdays, within_month, workdays,
};
use super::vocabulary::{self, SpanUnit};
use super::word::WordKind;
use crate::goals::recurrence::{RecurrenceRule, RepeatFrequency, RuleDay};

/// A repetition without its start.
pub(super) struct RepeatReading {
    pub rule: RecurrenceRule,
    pub from_completion: bool,
}

type RuleAttempt = Result<Option<RecurrenceRule>, WhenError>;

/// Reads a repetition.
pub(super) fn read_repeat(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<RepeatReading>, WhenError> {
    let mut ahead = *cursor;
    let mut from_completion = false;
    ahead.take(&["once"]);
    let rule = if ahead.take(&["every", "each", "ev"]) {
        from_completion = ahead.take_kind(&WordKind::Bang);
        ahead.take(&["single"]);
        read_every(&mut ahead, context)?
    } else {
        ahead = *cursor;
        match read_adverb(&mut ahead, context)? {
            Some(rule) => Some(rule),
            None => read_without_every(&mut ahead)?,
        }
    };
    let Some(rule) = rule else { return Ok(None) };
    *cursor = ahead;
    if ahead.take(&["after", "from"]) {
        ahead.take(&["the", "last", "each"]);
        if ahead.take(&["completion", "completing", "done", "finishing", "completed", "doing"]) {
            ahead.take(&["it", "that"]);
            from_completion = true;
            *cursor = ahead;
        }
    }
    Ok(Some(RepeatReading { rule, from_completion }))
}

/// `daily`, `weekly on monday`, `monthly on the 31st`, `yearly on feb 29`.
fn read_adverb(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> RuleAttempt {
    if cursor.take_all(&["once", "a"]) || cursor.take_all(&["once", "per"]) {
        return read_counted(1, false, cursor, context);
    }
    let (interval, unit) = match cursor.name() {
        "daily" | "everyday" => (1, SpanUnit::Day),
        "weekly" => (1, SpanUnit::Week),
        "fortnightly" => (2, SpanUnit::Week),
        "monthly" => (1, SpanUnit::Month),
        "quarterly" => (3, SpanUnit::Month),
        "yearly" | "annually" => (1, SpanUnit::Year),
        "hourly" => return Err(too_often(cursor)),
        "biweekly" | "bimonthly" | "biannually" => {
            return Err(WhenError::Unsupported {
                words: cursor.name().to_owned(),
                reason: "it can mean twice in or every second period; write for example \"every 2 weeks\"",
            });
        }
        _ => return Ok(None),
    };
    cursor.at += 1;
    read_after_unit(interval, unit, cursor, context)
}

fn too_often(cursor: &PhraseCursor<'_>) -> WhenError {
    WhenError::Unsupported {
        words: cursor.name().to_owned(),
        reason: "a task repeats at most once a day",
    }
}

/// The words after `every`.
fn read_every(cursor: &mut PhraseCursor<'_>, context: &PhraseContext<'_>) -> RuleAttempt {
    if cursor.take(&["other"]) {
        return read_counted(2, false, cursor, context);
    }
    let mut ahead = *cursor;
    if let Some(number) = ahead.number() {
        if vocabulary::month(ahead.name()).is_some() {
            return read_yearly_dates(cursor);
        }
        let interval = to_interval(number, &ahead)?;
        *cursor = ahead;
        return read_counted(interval, false, cursor, context);
    }
    if let Some(ordinal) = ahead.ordinal() {
        return read_every_ordinal(ordinal, cursor, context);
    }
    read_counted(1, false, cursor, context)
}

fn to_interval(number: u32, cursor: &PhraseCursor<'_>) -> Result<u16, WhenError> {
    u16::try_from(number).ok().filter(|interval| (1..=1_000).contains(interval)).ok_or_else(|| {
        WhenError::Impossible {
            words: cursor.since(cursor.at.saturating_sub(1)),
            reason: "an interval is 1 to 1000",
        }
    })
}

/// The words after `every` that begin with an ordinal.
fn read_every_ordinal(
    ordinal: i32,
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> RuleAttempt {
    // `every first monday of the month`, `every last day`, `every 2nd friday of march`.
    let mut ahead = *cursor;
    if let Some(rule) = within_month(&mut ahead)? {
        *cursor = ahead;
        return Ok(Some(rule));
    }
    if let Some(rule) = read_yearly_dates(&mut ahead)? {
        *cursor = ahead;
        return Ok(Some(rule));
    }
    let mut ahead = *cursor;
    ahead.ordinal();
    let counts_periods =
        vocabulary::unit(ahead.name()).is_some() || vocabulary::weekday(ahead.name()).is_some();
    if counts_periods && ordinal > 1 {
        let words = ahead.since(cursor.at);
        let weekday =
            vocabulary::weekday(ahead.name()).map(|(weekday, _)| vocabulary::weekday_name(weekday));
        let interval = to_interval(ordinal.unsigned_abs(), &ahead)?;
        *cursor = ahead;
        if let Some(weekday) = weekday.filter(|_| ordinal <= 5) {
            let name = weekday.to_lowercase();
            context.note(format!(
                "\"every {words} {name}\" counts {weekday}s; for once a month, write \"{words} {name} of each month\""
            ));
        }
        return read_counted(interval, true, cursor, context);
    }
    // `every first monday` and `every 1st and 3rd monday` can only count within the month.
    if let Some((ordinals, kind)) = read_nth(cursor) {
        return Ok(Some(nth_rule(kind, &ordinals)));
    }
    // `every 31st`, `every 1st and 15th`.
    read_month_days(cursor).map(|days| {
        days.map(|month_days| RecurrenceRule {
            month_days,
            ..RecurrenceRule::every(1, RepeatFrequency::Monthly)
        })
    })
}

/// A unit, weekdays or a part of the day after an interval.
fn read_counted(
    interval: u16,
    ordinal: bool,
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> RuleAttempt {
    if matches!(vocabulary::unit(cursor.name()), Some(SpanUnit::Minute | SpanUnit::Hour)) {
        return Err(too_often(cursor));
    }
    if let Some(unit) = cursor.unit() {
        return read_after_unit(interval, unit, cursor, context);
    }
    if cursor.take(&["weekend", "weekends"]) {
        let days = vec![RuleDay::every(Weekday::Saturday), RuleDay::every(Weekday::Sunday)];
        return Ok(Some(RecurrenceRule {
            days,
            ..RecurrenceRule::every(interval, RepeatFrequency::Weekly)
        }));
    }
    // The time clause reads the part of the day.
    if vocabulary::day_part(cursor.name()).is_some() {
        return Ok(Some(RecurrenceRule::every(interval, RepeatFrequency::Daily)));
    }
    if let Some(days) = read_weekdays(cursor) {
        let frequency = RepeatFrequency::Weekly;
        let rule = RecurrenceRule { days, ..RecurrenceRule::every(interval, frequency) };
        return Ok(Some(with_month_day(rule, cursor)));
    }
    if ordinal {
        return Ok(None);
    }
    read_yearly_dates(cursor).map(|rule| rule.map(|rule| RecurrenceRule { interval, ..rule }))
}

/// `every friday the 13th`: the weekday only on that day of the month.
fn with_month_day(rule: RecurrenceRule, cursor: &mut PhraseCursor<'_>) -> RecurrenceRule {
    let mut ahead = *cursor;
    ahead.take(&["the"]);
    let Some(WordKind::Ordinal(day)) = ahead.kind() else { return rule };
    ahead.at += 1;
    match i8::try_from(*day) {
        Ok(day @ 1..=31) if rule.interval == 1 && ahead.name() != "of" => {
            *cursor = ahead;
            RecurrenceRule { frequency: RepeatFrequency::Monthly, month_days: vec![day], ..rule }
        }
        _ => rule,
    }
}

/// The rest of a repetition after its unit: `on monday`, `on the 31st`, `on the first monday`, `on feb 29`.
fn read_after_unit(
    interval: u16,
    unit: SpanUnit,
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> RuleAttempt {
    let (frequency, interval) = match unit {
        SpanUnit::Minute | SpanUnit::Hour => return Err(too_often(cursor)),
        SpanUnit::Day => return Ok(Some(RecurrenceRule::every(interval, RepeatFrequency::Daily))),
        SpanUnit::Workday if interval == 1 => return Ok(Some(workdays())),
        SpanUnit::Workday => {
            return Err(WhenError::Unsupported {
                words: cursor.since(cursor.at.saturating_sub(2)),
                reason: "workdays repeat without an interval",
            });
        }
        SpanUnit::Week => (RepeatFrequency::Weekly, interval),
        SpanUnit::Fortnight => (RepeatFrequency::Weekly, interval.saturating_mul(2)),
        SpanUnit::Month => (RepeatFrequency::Monthly, interval),
        SpanUnit::Quarter => (RepeatFrequency::Monthly, interval.saturating_mul(3)),
        SpanUnit::Year => (RepeatFrequency::Yearly, interval),
    };
    let plain = RecurrenceRule::every(interval, frequency);
    let mut ahead = *cursor;
    let on = ahead.take(&["on", "in"]);
    ahead.take(&["the"]);
    let found = match frequency {
        RepeatFrequency::Weekly => {
            read_weekdays(&mut ahead).map(|days| RecurrenceRule { days, ..plain.clone() })
        }
        RepeatFrequency::Monthly => {
            let nth = within_month(&mut ahead)?
                .or_else(|| read_nth(&mut ahead).map(|(ordinals, kind)| nth_rule(kind, &ordinals)));
            let nth = nth.map(|rule| RecurrenceRule { interval, ..rule });
            match nth {
                Some(rule) => Some(rule),
                None => read_month_days(&mut ahead)?
                    .map(|month_days| RecurrenceRule { month_days, ..plain.clone() }),
            }
        }
        _ => read_yearly_dates(&mut ahead)?
            .or_else(|| {
                within_month(&mut ahead).ok().flatten().filter(|rule| rule.frequency == frequency)
            })
            .map(|rule| RecurrenceRule { interval, ..rule }),
    };
    if let Some(rule) = found {
        *cursor = ahead;
        return Ok(Some(rule));
    }
    if on && frequency == RepeatFrequency::Weekly && ahead.ordinal().is_some() {
        let words = cursor.words.get(cursor.at..ahead.at).unwrap_or_default();
        return Err(context.impossible(words, "a week has weekdays, not days of the month"));
    }
    // `every month at 5pm`: the time is another clause.
    Ok(Some(plain))
}

/// `feb 29`, `jan 15 and jul 15`.
fn read_yearly_dates(cursor: &mut PhraseCursor<'_>) -> RuleAttempt {
    cursor.take(&["the"]);
    let begin = cursor.at;
    let Some((month, day)) = read_month_day(cursor) else { return Ok(None) };
    let mut months = vec![month];
    loop {
        let mut ahead = *cursor;
        ahead.take_kind(&WordKind::Comma);
        ahead.take(&["and"]);
        match read_month_day(&mut ahead) {
            Some((month, same)) if same == day => {
                months.push(month);
                *cursor = ahead;
            }
            Some(_) => {
                return Err(WhenError::Unsupported {
                    words: ahead.since(begin),
                    reason: "one rule has one day in all its months; make two tasks",
                });
            }
            None => break,
        }
    }
    let rule = RecurrenceRule {
        months,
        month_days: vec![day],
        ..RecurrenceRule::every(1, RepeatFrequency::Yearly)
    };
    Ok(Some(rule))
}

/// `mondays and thursdays`, `weekdays`, `2nd friday of each month`, `15th of every month`.
fn read_without_every(cursor: &mut PhraseCursor<'_>) -> RuleAttempt {
    if cursor.take(&["weekdays", "workdays"]) {
        return Ok(Some(workdays()));
    }
    if cursor.take(&["weekends"]) {
        let days = vec![RuleDay::every(Weekday::Saturday), RuleDay::every(Weekday::Sunday)];
        return Ok(Some(RecurrenceRule {
            days,
            ..RecurrenceRule::every(1, RepeatFrequency::Weekly)
        }));
    }
    let plural = vocabulary::weekday(cursor.name()).is_some_and(|(_, plural)| plural);
    let mut ahead = *cursor;
    ahead.at += 1;
    // `monday to friday`
    let is_range = (ahead.take(&["to", "through", "thru"]) || ahead.take_kind(&WordKind::Dash))
        && vocabulary::weekday(ahead.name()).is_some();
    if plural || is_range {
        let days = read_weekdays(cursor);
        return Ok(days.map(|days| RecurrenceRule {
            days,
            ..RecurrenceRule::every(1, RepeatFrequency::Weekly)
        }));
    }
    let mut ahead = *cursor;
    ahead.take(&["the"]);
    let begin = ahead.at;
    let Some(rule) = within_month(&mut ahead)? else { return Ok(None) };
    // Without `each` or `every`, the words name one date.
    let repeats = ahead.words.get(begin..ahead.at).unwrap_or_default();
    if !repeats.iter().any(|word| word.text == "each" || word.text == "every") {
        return Ok(None);
    }
    *cursor = ahead;
    Ok(Some(rule))
}
