//! The clause for a time of day: `at 9`, `5pm`, `14:30`, `noon`, `in the morning`, `tonight`.

use jiff::civil::Time;

use super::cursor::PhraseCursor;
use super::vocabulary::{DayPart, day_part};
use super::word::{WordKind, hour_of_day};

/// A time clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeReading {
    /// A clock time, and whether its half of the day is certain.
    Clock(Time, bool),
    Part(DayPart),
    /// Midnight, which on a named day can be its begin or its end.
    Midnight,
    /// The evening of today.
    Tonight,
}

/// Time of `tonight` without a clock time.
pub(super) const TONIGHT: Time = Time::constant(20, 0, 0, 0);

const NOON: Time = Time::constant(12, 0, 0, 0);

/// Reads a time clause.
pub(super) fn read_time(cursor: &mut PhraseCursor<'_>) -> Option<TimeReading> {
    let mut ahead = *cursor;
    let reading = read_from(&mut ahead)?;
    *cursor = ahead;
    Some(reading)
}

fn read_from(cursor: &mut PhraseCursor<'_>) -> Option<TimeReading> {
    if cursor.take(&["tonight", "tonite"]) {
        return Some(TimeReading::Tonight);
    }
    let at = cursor.take(&["at"]);
    if cursor.take(&["noon", "midday"]) {
        return Some(TimeReading::Clock(NOON, true));
    }
    if cursor.take(&["midnight"]) {
        return Some(TimeReading::Midnight);
    }
    if let Some(WordKind::Clock(time, certain)) = cursor.kind() {
        cursor.at += 1;
        return Some(match half_of_day(cursor) {
            "" => TimeReading::Clock(*time, *certain),
            half => TimeReading::Clock(with_half(*time, half)?, true),
        });
    }
    if let Some(WordKind::Number(number)) = cursor.kind() {
        cursor.at += 1;
        return read_number(*number, at, cursor);
    }
    // `in the morning`, `this evening`, `at night`, `morning`.
    if !cursor.take_all(&["in", "the"]) {
        cursor.take(&["this"]);
    }
    cursor.read(day_part).map(TimeReading::Part)
}

/// A number that is an hour: after `at`, or before `pm` or `o'clock`.
fn read_number(number: u32, at: bool, cursor: &mut PhraseCursor<'_>) -> Option<TimeReading> {
    let half = half_of_day(cursor);
    let exact = cursor.take(&["oclock"]);
    let half = if half.is_empty() { half_of_day(cursor) } else { half };
    // `at 1430` has the minutes, too.
    let (hour, minute) = if number >= 100 { (number / 100, number % 100) } else { (number, 0) };
    let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
    if !at && half.is_empty() && !exact {
        // `9 in the morning` and `9 this evening`, but not `9 in march`.
        let mut ahead = *cursor;
        let linked = ahead.take_all(&["in", "the"]) || ahead.take(&["this", "at"]);
        ahead.read(day_part).filter(|_| linked && number < 13)?;
    }
    let time = Time::new(hour_of_day(hour, half)?, minute, 0, 0).ok()?;
    Some(TimeReading::Clock(time, !half.is_empty() || hour > 12))
}

/// `am` or `pm` as a word; empty otherwise.
fn half_of_day(cursor: &mut PhraseCursor<'_>) -> &'static str {
    if cursor.take(&["am"]) {
        "am"
    } else if cursor.take(&["pm"]) {
        "pm"
    } else {
        ""
    }
}

fn with_half(time: Time, half: &str) -> Option<Time> {
    Time::new(hour_of_day(time.hour(), half)?, time.minute(), time.second(), 0).ok()
}

/// The time that a clock time and a part of the day mean together.
pub(super) fn combined(clock: Option<(Time, bool)>, part: Option<DayPart>) -> Option<Time> {
    let Some((time, certain)) = clock else { return part.map(DayPart::time) };
    let hour = time.hour();
    let moves = match part {
        Some(DayPart::Afternoon) => (1..=7).contains(&hour),
        Some(DayPart::Evening) => (4..=11).contains(&hour),
        // `2 at night` is 02:00.
        Some(DayPart::Night) => (6..=11).contains(&hour),
        Some(DayPart::Morning) | None => false,
    };
    if certain || !moves {
        Some(time)
    } else {
        Time::new(hour + 12, time.minute(), time.second(), 0).ok()
    }
}
