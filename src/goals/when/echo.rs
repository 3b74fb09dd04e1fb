//! The words that repeat a value to the user: weekday, date, zone, and a rule in English.

use std::fmt::Write;

use jiff::ZonedDateTime;
use jiff::civil::{Date, Time};

use super::value::WhenValue;
use super::vocabulary::{month_name, weekday_name};
use crate::goals::recurrence::{
    Occurrence, Recurrence, RecurrenceRule, RepeatFrequency, RuleDay, RuleEnd, SeriesStart,
    UntilBound,
};

/// A value as weekday, date, time and zone; a recurrence also with its next three dates.
pub fn echo(value: &WhenValue) -> String {
    match value {
        WhenValue::Day(date) => format!("{}, all day", named_date(*date)),
        WhenValue::Moment(at) => named_moment(at),
        WhenValue::Repeats(recurrence) => {
            let Some(first) = recurrence.first() else { return describe(recurrence) };
            let dates = recurrence.preview(first.date);
            let dates: Vec<String> =
                dates.iter().map(|found| occurrence_name(found, recurrence)).collect();
            format!("{}; next: {}", describe(recurrence), dates.join("; "))
        }
    }
}

/// `Friday, 2027-01-15`.
pub fn named_date(date: Date) -> String {
    format!("{}, {date}", weekday_name(date.weekday()))
}

/// `Friday, 2027-01-15 at 17:00 (Europe/Berlin, UTC+01)`.
pub fn named_moment(at: &ZonedDateTime) -> String {
    let zone = at.time_zone().iana_name().unwrap_or("fixed offset");
    let offset = if zone == "UTC" { String::new() } else { format!(", UTC{}", at.offset()) };
    format!("{} at {} ({zone}{offset})", named_date(at.date()), clock(at.time()))
}

/// The date of an occurrence; with the time only if a transition moved it.
fn occurrence_name(found: &Occurrence, recurrence: &Recurrence) -> String {
    let start = recurrence.start();
    match &found.at {
        Some(at) if start.time() != Some(at.time()) => {
            format!("{} at {}", named_date(at.date()), clock(at.time()))
        }
        _ => named_date(found.date),
    }
}

/// A recurrence in English: `every 2 weeks on Friday at 09:00 (Europe/Berlin)`.
pub fn describe(recurrence: &Recurrence) -> String {
    let rule = recurrence.rule();
    let from_completion = matches!(recurrence, Recurrence::FromCompletion(_));
    let start = recurrence.start();
    let mut text = period_words(rule);
    text.push_str(&day_words(rule, start.date(), from_completion));
    if let SeriesStart::Moment(at, zone) = start {
        let _ = write!(
            text,
            " at {} ({})",
            clock(at.time()),
            zone.iana_name().unwrap_or("fixed offset")
        );
    }
    if from_completion {
        text.push_str(", counted from completion");
    }
    match rule.end {
        RuleEnd::Never => {}
        RuleEnd::Count(1) => text.push_str(", once"),
        RuleEnd::Count(count) => {
            let _ = write!(text, ", {count} times");
        }
        RuleEnd::Until(UntilBound::Day(day)) => {
            let _ = write!(text, ", until {}", named_date(day));
        }
        RuleEnd::Until(UntilBound::Local(at)) => {
            let _ = write!(text, ", until {} at {}", named_date(at.date()), clock(at.time()));
        }
        RuleEnd::Until(UntilBound::Instant(at)) => {
            let zone = start.zone().cloned().unwrap_or(jiff::tz::TimeZone::UTC);
            let at = at.to_zoned_datetime(zone);
            let _ = write!(text, ", until {}", named_date(at.date()));
        }
    }
    text
}

fn period_words(rule: &RecurrenceRule) -> String {
    let unit = match rule.frequency {
        RepeatFrequency::Daily => "day",
        RepeatFrequency::Weekly => "week",
        RepeatFrequency::Monthly => "month",
        RepeatFrequency::Yearly => "year",
    };
    if rule.interval == 1 {
        format!("every {unit}")
    } else {
        format!("every {} {unit}s", rule.interval)
    }
}

fn day_words(rule: &RecurrenceRule, first: Date, from_completion: bool) -> String {
    let months: Vec<String> =
        rule.months.iter().map(|month| month_name(*month).to_owned()).collect();
    let month_days: Vec<String> = rule.month_days.iter().map(|day| ordinal_day(*day)).collect();
    let mut days: Vec<String> = rule.days.iter().map(|day| weekday_words(*day)).collect();
    if days == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] {
        days = vec!["Monday to Friday".to_owned()];
    }
    let mut text = String::new();
    if !rule.positions.is_empty() {
        let places: Vec<String> =
            rule.positions.iter().map(|place| place_words(i64::from(*place))).collect();
        let _ = write!(text, " on the {} of", joined(&places));
    }
    if !month_days.is_empty() {
        let _ = write!(text, " on the {}", joined(&month_days));
    }
    if !days.is_empty() {
        let link = match (rule.positions.is_empty(), month_days.is_empty()) {
            (false, true) => "",
            (_, false) => " if it is",
            _ => " on",
        };
        let _ = write!(text, "{link} {}", joined(&days));
    }
    if !months.is_empty() {
        let link = if month_days.is_empty() { "in" } else { "of" };
        let _ = write!(text, " {link} {}", joined(&months));
    }
    if rule.is_plain() && !from_completion {
        text = match rule.frequency {
            RepeatFrequency::Daily => String::new(),
            RepeatFrequency::Weekly => format!(" on {}", weekday_name(first.weekday())),
            RepeatFrequency::Monthly => format!(" on the {}", ordinal_day(first.day())),
            RepeatFrequency::Yearly => format!(" on {} {}", month_name(first.month()), first.day()),
        };
    }
    text
}

fn weekday_words(day: RuleDay) -> String {
    let name = weekday_name(day.weekday);
    match day.ordinal {
        None => name.to_owned(),
        Some(ordinal) => format!("the {} {name}", place_words(i64::from(ordinal))),
    }
}

/// `31st`, `last day`, `2nd to last day`.
fn ordinal_day(day: i8) -> String {
    let place = place_words(i64::from(day));
    if day < 0 { format!("{place} day") } else { place }
}

/// `1st`, `22nd`, `last`, `2nd to last`.
fn place_words(place: i64) -> String {
    if place == -1 {
        return "last".to_owned();
    }
    let number = place.unsigned_abs();
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    let from_end = if place < 0 { " to last" } else { "" };
    format!("{number}{suffix}{from_end}")
}

fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn clock(time: Time) -> String {
    let seconds = if time.second() == 0 { String::new() } else { format!(":{:02}", time.second()) };
    format!("{:02}:{:02}{seconds}", time.hour(), time.minute())
}
