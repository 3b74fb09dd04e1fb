//! The value of a [`Sentence`]: a date, a moment, or a recurrence, relative to the current time.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{ToSpan, ZonedDateTime};

use super::context::PhraseContext;
use super::cursor::PhraseCursor;
use super::day::{bare_weekday, plus_units};
use super::error::{WhenError, WhenReading};
use super::sentence::{EndReading, Sentence};
use super::time::{TONIGHT, combined};
use super::value::WhenValue;
use super::word::Word;
use crate::goals::recurrence::days::plus_days;
use crate::goals::recurrence::{
    AfterCompletion, Occurrence, Recurrence, RecurrenceRule, RepeatFrequency, RuleEnd, Series,
    SeriesStart, UntilBound,
};

/// Resolves the clauses of a phrase.
pub(super) fn resolve(
    sentence: &mut Sentence,
    words: &[Word],
    now: &ZonedDateTime,
    context: &PhraseContext<'_>,
) -> Result<WhenValue, WhenError> {
    let zone = sentence.zone.take().unwrap_or_else(|| now.time_zone().clone());
    if sentence.repeat.is_some() {
        return resolve_repeat(sentence, now, &zone, context).map(WhenValue::Repeats);
    }
    if sentence.start.is_some() || sentence.end.is_some() {
        return Err(WhenError::Unsupported {
            words: context.phrase.to_owned(),
            reason: "a start or an end needs a repetition, such as \"every day\"",
        });
    }
    if let Some(value) = resolve_instant(sentence, now, &zone, context)? {
        return Ok(value);
    }
    let date = resolve_date(sentence, words, context)?;
    if sentence.midnight {
        return resolve_midnight(date, &zone, context).map(WhenValue::Moment);
    }
    let time = time_of(sentence, context);
    match (date, time) {
        (None, None) => Err(WhenError::Empty),
        (Some(date), None) => Ok(WhenValue::Day(date)),
        (Some(date), Some(time)) => {
            let at = moment(date, time, &zone, context)?;
            if at < *now {
                context.note("this moment has passed");
            }
            Ok(WhenValue::Moment(at))
        }
        (None, Some(time)) => {
            let today = moment(context.today, time, &zone, context)?;
            if today > *now || sentence.tonight {
                return Ok(WhenValue::Moment(today));
            }
            context.note("this time has passed today, so tomorrow is meant");
            let tomorrow = plus_days(context.today, 1).ok_or(WhenError::OutOfRange)?;
            moment(tomorrow, time, &zone, context).map(WhenValue::Moment)
        }
    }
}

/// ISO 8601 instants and `in 2 hours`, which have no other date or time.
fn resolve_instant(
    sentence: &Sentence,
    now: &ZonedDateTime,
    zone: &TimeZone,
    context: &PhraseContext<'_>,
) -> Result<Option<WhenValue>, WhenError> {
    let at = match (sentence.instant, sentence.later) {
        (None, None) => return Ok(None),
        (Some(at), _) => at.to_zoned_datetime(zone.clone()),
        (None, Some(later)) => {
            let at = now.timestamp().checked_add(later).map_err(|_| WhenError::OutOfRange)?;
            let second =
                jiff::Timestamp::from_second(at.as_second()).map_err(|_| WhenError::OutOfRange)?;
            second.to_zoned_datetime(zone.clone())
        }
    };
    if sentence.date.is_some() || sentence.clock.is_some() || sentence.part.is_some() {
        return Err(WhenError::Twice { words: context.phrase.to_owned(), what: "date or time" });
    }
    match sentence.weekday {
        Some(stated) if stated != at.weekday() => Err(mismatch(at.date(), stated)),
        _ => Ok(Some(WhenValue::Moment(at))),
    }
}

/// The date of the phrase, with its weekday checked.
fn resolve_date(
    sentence: &Sentence,
    words: &[Word],
    context: &PhraseContext<'_>,
) -> Result<Option<Date>, WhenError> {
    match (sentence.date, sentence.weekday) {
        (Some(date), Some(stated)) if date.weekday() != stated => Err(mismatch(date, stated)),
        (Some(date), _) => Ok(Some(date)),
        (None, Some(weekday)) => {
            let at = sentence.weekday_at;
            bare_weekday(weekday, at, &PhraseCursor { words, at: at + 1 }, context).map(Some)
        }
        (None, None) if sentence.tonight => Ok(Some(context.today)),
        (None, None) => Ok(None),
    }
}

/// The error for a date with another weekday than stated. The second reading is the nearest date
/// with the stated weekday.
fn mismatch(date: Date, stated: Weekday) -> WhenError {
    let ahead = i64::from(date.weekday().until(stated));
    let nearest = plus_days(date, if ahead > 3 { ahead - 7 } else { ahead });
    let reading = |date: Date| WhenReading { date, text: date.to_string() };
    let readings = [Some(date), nearest].into_iter().flatten().map(reading).collect();
    WhenError::WeekdayMismatch { date, stated, readings }
}

fn time_of(sentence: &Sentence, context: &PhraseContext<'_>) -> Option<Time> {
    if sentence.tonight && sentence.clock.is_none() {
        return Some(TONIGHT);
    }
    let time = combined(sentence.clock, sentence.part)?;
    if sentence.clock.is_some_and(|(_, certain)| !certain)
        && sentence.part.is_none()
        && time.hour() < 7
    {
        let (hour, minute) = (time.hour(), time.minute());
        let evening = format!("{:02}:{minute:02}", hour % 12 + 12);
        context.note(format!("read as {hour:02}:{minute:02}; for the afternoon, write {evening}"));
    }
    Some(time)
}

/// Midnight on a named day can be its begin or its end.
fn resolve_midnight(
    date: Option<Date>,
    zone: &TimeZone,
    context: &PhraseContext<'_>,
) -> Result<ZonedDateTime, WhenError> {
    let next = |date| plus_days(date, 1).ok_or(WhenError::OutOfRange);
    match date {
        None => moment(next(context.today)?, Time::midnight(), zone, context),
        // The begin of today has passed.
        Some(date) if date == context.today => moment(next(date)?, Time::midnight(), zone, context),
        Some(date) => {
            let reading = |date: Date| WhenReading { date, text: format!("{date}T00:00") };
            Err(WhenError::Ambiguous {
                words: context.phrase.to_owned(),
                why: " because midnight can begin or end the day".to_owned(),
                readings: vec![reading(date), reading(next(date)?)],
            })
        }
    }
}

/// A local time in a zone, with a note if a transition skips or repeats it.
fn moment(
    date: Date,
    time: Time,
    zone: &TimeZone,
    context: &PhraseContext<'_>,
) -> Result<ZonedDateTime, WhenError> {
    let ambiguous = zone.to_ambiguous_zoned_datetime(date.to_datetime(time));
    let offset = ambiguous.offset();
    let at = ambiguous.compatible().map_err(|_| WhenError::OutOfRange)?;
    match offset {
        AmbiguousOffset::Gap { .. } => context.note(format!(
            "{:02}:{:02} does not exist on {date} in this zone; {:02}:{:02} is meant",
            time.hour(),
            time.minute(),
            at.hour(),
            at.minute()
        )),
        AmbiguousOffset::Fold { .. } => {
            context.note(format!(
                "{:02}:{:02} occurs twice on {date}; the first is meant",
                time.hour(),
                time.minute()
            ));
        }
        AmbiguousOffset::Unambiguous { .. } => {}
    }
    Ok(at)
}

fn resolve_repeat(
    sentence: &mut Sentence,
    now: &ZonedDateTime,
    zone: &TimeZone,
    context: &PhraseContext<'_>,
) -> Result<Recurrence, WhenError> {
    let Some(repeat) = sentence.repeat.take() else { return Err(WhenError::Empty) };
    if sentence.instant.is_some() || sentence.later.is_some() {
        return Err(WhenError::Twice { words: context.phrase.to_owned(), what: "date" });
    }
    if sentence.date.is_some() || sentence.weekday.is_some() {
        return Err(WhenError::Unsupported {
            words: context.phrase.to_owned(),
            reason: "a date beside a repetition needs \"starting\" or \"until\"",
        });
    }
    let base = sentence.start.unwrap_or(context.today);
    let start = match time_of(sentence, context) {
        None => SeriesStart::Day(base),
        Some(time) => SeriesStart::Moment(base.to_datetime(time), zone.clone()),
    };
    let mut rule = repeat.rule;
    let start = first_start(&start, &rule, sentence.start.is_none(), now)?;
    rule.end = end_of(sentence.end.as_ref(), start.date())?;
    note_skipped(&rule, start.date(), repeat.from_completion, context);
    let series = Series::new(start.clone(), rule.clone())?;
    if repeat.from_completion {
        return Ok(Recurrence::FromCompletion(AfterCompletion::new(start, rule)?));
    }
    Ok(Recurrence::FromDue(series))
}

/// The start moved to the first date that matches the rule. Without an explicit start, it is not in
/// the past. The interval does not count before the first date: "every 2 weeks on monday" begins on
/// the next Monday.
fn first_start(
    start: &SeriesStart,
    rule: &RecurrenceRule,
    must_be_upcoming: bool,
    now: &ZonedDateTime,
) -> Result<SeriesStart, WhenError> {
    let single = RecurrenceRule { interval: 1, end: RuleEnd::Never, ..rule.clone() };
    let candidates = Series::new(start.clone(), single)?;
    let first: Option<Occurrence> = if must_be_upcoming {
        candidates.upcoming(now)
    } else {
        candidates.next_from(start.date())
    };
    first.map(|first| start.on(first.date)).ok_or(WhenError::OutOfRange)
}

fn end_of(end: Option<&EndReading>, first: Date) -> Result<RuleEnd, WhenError> {
    Ok(match end {
        None => RuleEnd::Never,
        Some(EndReading::Times(count)) => RuleEnd::Count(*count),
        Some(EndReading::Until(date)) if *date < first => {
            return Err(WhenError::Impossible {
                words: format!("until {date}"),
                reason: "the repetition ends before its first date",
            });
        }
        Some(EndReading::Until(date)) => RuleEnd::Until(UntilBound::Day(*date)),
        Some(EndReading::Span(amount, unit)) => {
            let after = plus_units(first, i64::from(*amount), *unit);
            let last = after
                .and_then(|date| date.checked_sub(1.day()).ok())
                .ok_or(WhenError::OutOfRange)?;
            RuleEnd::Until(UntilBound::Day(last.max(first)))
        }
    })
}

/// Notes about months and years that a rule skips.
fn note_skipped(
    rule: &RecurrenceRule,
    first: Date,
    from_completion: bool,
    context: &PhraseContext<'_>,
) {
    if from_completion && rule.is_plain() {
        return;
    }
    let day = match rule.month_days[..] {
        [] if rule.is_plain() => first.day(),
        [day] => day,
        _ => return,
    };
    let month = rule.months.first().copied().unwrap_or(first.month());
    match rule.frequency {
        RepeatFrequency::Monthly if day > 28 => context.note(format!(
            "months without day {day} are skipped; for the last day of each month, write \"last day of each month\""
        )),
        RepeatFrequency::Yearly if day == 29 && month == 2 => context.note(
            "only leap years have February 29; for every year, write \"every last day of february\"".to_owned(),
        ),
        _ => {}
    }
}
