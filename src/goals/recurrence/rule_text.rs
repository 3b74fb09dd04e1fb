//! The RFC 5545 text of a [`RecurrenceRule`]: `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO`.
//!
//! Parsing accepts any order and case of the parts. Writing has one fixed order and leaves out
//! defaults, so that equal rules have equal texts.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use super::rule::{RecurrenceRule, RepeatFrequency, RuleDay, RuleEnd, UntilBound};
use super::rule_error::{RuleError, shortened};

/// Maximum length of the text of a rule, in bytes.
const MAX_RULE_BYTES: usize = 1_000;

const WEEKDAY_CODES: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

impl FromStr for RecurrenceRule {
    type Err = RuleError;

    /// Parses the value of an `RRULE` property, with or without the property's name.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        if text.len() > MAX_RULE_BYTES {
            return Err(RuleError::TooLong(MAX_RULE_BYTES));
        }
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let mut rule = Self::every(1, RepeatFrequency::Daily);
        let mut names = BTreeSet::new();
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| RuleError::value("RRULE", part))?;
            let (name, value) = (name.trim(), value.trim());
            if !names.insert(name) {
                return Err(RuleError::Repeated(shortened(name)));
            }
            read_part(&mut rule, name, value)?;
        }
        if !names.contains("FREQ") {
            return Err(RuleError::NoFrequency);
        }
        if names.contains("COUNT") && names.contains("UNTIL") {
            return Err(RuleError::TwoEnds);
        }
        rule.check()?;
        Ok(rule)
    }
}

fn read_part(rule: &mut RecurrenceRule, name: &str, value: &str) -> Result<(), RuleError> {
    match name {
        "FREQ" => rule.frequency = read_frequency(value)?,
        "INTERVAL" => rule.interval = read_number(name, value)?,
        "COUNT" => rule.end = RuleEnd::Count(read_number(name, value)?),
        "UNTIL" => {
            let bound = read_until(value).ok_or_else(|| RuleError::value(name, value))?;
            rule.end = RuleEnd::Until(bound);
        }
        "BYMONTH" => rule.months = read_list(name, value)?,
        "BYMONTHDAY" => rule.month_days = read_list(name, value)?,
        "BYSETPOS" => rule.positions = read_list(name, value)?,
        "BYDAY" => {
            let day =
                |text: &str| read_day(text.trim()).ok_or_else(|| RuleError::value(name, text));
            rule.days = value.split(',').map(day).collect::<Result<_, _>>()?;
        }
        "WKST" => {
            rule.week_start = read_weekday(value).ok_or_else(|| RuleError::value(name, value))?;
        }
        _ => return Err(RuleError::unsupported(name)),
    }
    Ok(())
}

fn read_frequency(value: &str) -> Result<RepeatFrequency, RuleError> {
    match value {
        "DAILY" => Ok(RepeatFrequency::Daily),
        "WEEKLY" => Ok(RepeatFrequency::Weekly),
        "MONTHLY" => Ok(RepeatFrequency::Monthly),
        "YEARLY" => Ok(RepeatFrequency::Yearly),
        _ => Err(RuleError::Frequency(shortened(value))),
    }
}

fn read_number<T: FromStr>(name: &str, value: &str) -> Result<T, RuleError> {
    value.parse().map_err(|_| RuleError::value(name, value))
}

fn read_list<T: FromStr>(name: &str, value: &str) -> Result<Vec<T>, RuleError> {
    value.split(',').map(|item| read_number(name, item.trim())).collect()
}

fn read_weekday(code: &str) -> Option<Weekday> {
    WEEKDAY_CODES.iter().find(|(name, _)| *name == code).map(|(_, weekday)| *weekday)
}

fn read_day(text: &str) -> Option<RuleDay> {
    let at = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at))?;
    let (ordinal, code) = text.split_at(at);
    let ordinal = if ordinal.is_empty() { None } else { Some(ordinal.parse().ok()?) };
    Some(RuleDay { ordinal, weekday: read_weekday(code)? })
}

fn read_until(value: &str) -> Option<UntilBound> {
    if let Some(local) = value.strip_suffix('Z') {
        let instant = TimeZone::UTC.to_timestamp(read_date_time(local)?).ok()?;
        return Some(UntilBound::Instant(instant));
    }
    read_date(value).map(UntilBound::Day).or_else(|| read_date_time(value).map(UntilBound::Local))
}

/// Parses `20270115`.
pub(super) fn read_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// Parses `20270115T090000`; a leap second counts as the second before.
pub(super) fn read_date_time(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    if time.len() != 6 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let second: i8 = time[4..].parse().ok()?;
    let time = jiff::civil::Time::new(
        time[..2].parse().ok()?,
        time[2..4].parse().ok()?,
        second.min(59),
        0,
    );
    Some(read_date(date)?.to_datetime(time.ok()?))
}

/// Formats a date as `20270115`.
pub(super) fn basic_date(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Formats a local time as `20270115T090000`.
pub(super) fn basic_date_time(at: DateTime) -> String {
    format!("{}T{:02}{:02}{:02}", basic_date(at.date()), at.hour(), at.minute(), at.second())
}

/// Formats a point in time as `20270115T080000Z`.
pub(super) fn basic_instant(at: Timestamp) -> String {
    format!("{}Z", basic_date_time(TimeZone::UTC.to_datetime(at)))
}

fn weekday_code(weekday: Weekday) -> &'static str {
    WEEKDAY_CODES.iter().find(|(_, day)| *day == weekday).map_or("MO", |(code, _)| code)
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl Display for RuleDay {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(ordinal) = self.ordinal {
            write!(f, "{ordinal}")?;
        }
        f.write_str(weekday_code(self.weekday))
    }
}

impl Display for RecurrenceRule {
    /// Formats the value of an `RRULE` property. `UNTIL` has the form of its [`UntilBound`];
    /// [`Series::rule_text`](super::Series::rule_text) writes the form that RFC 5545 demands.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.frequency {
            RepeatFrequency::Daily => "FREQ=DAILY",
            RepeatFrequency::Weekly => "FREQ=WEEKLY",
            RepeatFrequency::Monthly => "FREQ=MONTHLY",
            RepeatFrequency::Yearly => "FREQ=YEARLY",
        })?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        match self.end {
            RuleEnd::Never => {}
            RuleEnd::Count(count) => write!(f, ";COUNT={count}")?,
            RuleEnd::Until(UntilBound::Day(day)) => write!(f, ";UNTIL={}", basic_date(day))?,
            RuleEnd::Until(UntilBound::Local(at)) => write!(f, ";UNTIL={}", basic_date_time(at))?,
            RuleEnd::Until(UntilBound::Instant(at)) => write!(f, ";UNTIL={}", basic_instant(at))?,
        }
        let lists = [
            ("BYMONTH", joined(&self.months)),
            ("BYMONTHDAY", joined(&self.month_days)),
            ("BYDAY", joined(&self.days)),
            ("BYSETPOS", joined(&self.positions)),
        ];
        for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            write!(f, ";{name}={list}")?;
        }
        if self.week_start != Weekday::Monday {
            write!(f, ";WKST={}", weekday_code(self.week_start))?;
        }
        Ok(())
    }
}
