//! The iCalendar text of a series or recurrence: `DTSTART`, `RRULE` and `EXDATE` lines.
//!
//! The same text serves storage and calendars. A rule that counts from completion is written as
//! `X-AFTER-COMPLETION`, which calendars ignore.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::after_completion::AfterCompletion;
use super::completion::Recurrence;
use super::days::plus_days;
use super::rule::{RecurrenceRule, RuleEnd, UntilBound};
use super::rule_error::{RuleError, shortened};
use super::rule_text::{basic_date, basic_date_time, read_date, read_date_time};
use super::series::Series;
use super::start::{SeriesStart, zone_named};

/// Maximum length of the text of a recurrence, in bytes; about 1,000 excluded dates.
const MAX_TEXT_BYTES: usize = 20_000;

const AFTER_COMPLETION: &str = "X-AFTER-COMPLETION";

impl Series {
    /// The `RRULE` value with `UNTIL` as RFC 5545 demands it: a date for an all-day series, UTC
    /// otherwise. The occurrences are the same.
    pub fn rule_text(&self) -> String {
        with_standard_until(self.rule(), self.start()).to_string()
    }

    /// The `DTSTART`, `RRULE` and `EXDATE` lines, separated by `\n`.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\nRRULE:{}", start_line(self.start()), self.rule_text());
        if !self.excluded().is_empty() {
            let dates = self.excluded().iter().map(|date| start_value(&self.start().on(*date)));
            let dates = dates.collect::<Vec<_>>().join(",");
            let _ = write!(text, "\nEXDATE{}:{dates}", start_parameters(self.start()));
        }
        text
    }
}

impl AfterCompletion {
    /// The `DTSTART` and `X-AFTER-COMPLETION` lines, separated by `\n`.
    pub fn to_text(&self) -> String {
        let rule = with_standard_until(self.rule(), self.start());
        format!("{}\n{AFTER_COMPLETION}:{rule}", start_line(self.start()))
    }
}

impl Recurrence {
    /// The lines that [`Recurrence::parse`] reads.
    pub fn to_text(&self) -> String {
        match self {
            Self::FromDue(series) => series.to_text(),
            Self::FromCompletion(rule) => rule.to_text(),
        }
    }

    /// Parses `DTSTART`, `RRULE` and `EXDATE` lines. A `DTSTART` without a zone is in `floating`.
    ///
    /// # Errors
    /// Returns [`RuleError`] if a line is missing, unknown or unreadable, or the rule is refused.
    pub fn parse(text: &str, floating: &TimeZone) -> Result<Self, RuleError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(RuleError::TooLong(MAX_TEXT_BYTES));
        }
        let text = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
        let lines: Vec<PropertyLine<'_>> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(PropertyLine::read)
            .collect::<Result<_, _>>()?;
        let one = |name: &'static str| {
            let mut found = lines.iter().filter(|line| line.name == name);
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(RuleError::Repeated(name.to_owned())),
                (line, None) => Ok(line),
            }
        };
        let start = one("DTSTART")?.ok_or(RuleError::Missing("DTSTART"))?.start(floating)?;
        if let Some(line) = one(AFTER_COMPLETION)? {
            return AfterCompletion::new(start, line.value.parse()?).map(Self::FromCompletion);
        }
        let rule = one("RRULE")?.ok_or(RuleError::Missing("RRULE"))?.value.parse()?;
        let mut series = Series::new(start, rule)?;
        for line in lines.iter().filter(|line| line.name == "EXDATE") {
            for value in line.value.split(',') {
                if let Some(date) = excluded_date(&series, line, value.trim())? {
                    series = series.without(date);
                }
            }
        }
        Ok(Self::FromDue(series))
    }
}

/// A content line: `NAME;PARAMETER=VALUE:VALUE`.
struct PropertyLine<'a> {
    name: String,
    zone: Option<&'a str>,
    value: &'a str,
}

impl<'a> PropertyLine<'a> {
    fn read(line: &'a str) -> Result<Self, RuleError> {
        let (head, value) = line.split_once(':').ok_or_else(|| RuleError::value("line", line))?;
        let mut parts = head.split(';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_uppercase();
        if !matches!(name.as_str(), "DTSTART" | "RRULE" | "EXDATE" | AFTER_COMPLETION) {
            return Err(RuleError::Unsupported(shortened(&name)));
        }
        let zone = parts
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.eq_ignore_ascii_case("TZID"));
        Ok(Self { name, zone: zone.map(|(_, zone)| zone.trim_matches('"')), value: value.trim() })
    }

    fn start(&self, floating: &TimeZone) -> Result<SeriesStart, RuleError> {
        if let Some(date) = read_date(self.value) {
            return Ok(SeriesStart::Day(date));
        }
        let unreadable = || RuleError::value(&self.name, self.value);
        if let Some(local) = self.value.strip_suffix('Z') {
            return Ok(SeriesStart::Moment(
                read_date_time(local).ok_or_else(unreadable)?,
                TimeZone::UTC,
            ));
        }
        let zone = self.zone.map_or_else(|| Ok(floating.clone()), zone_named)?;
        Ok(SeriesStart::Moment(read_date_time(self.value).ok_or_else(unreadable)?, zone))
    }
}

/// The nominal date that one value of an `EXDATE` line excludes. `None` if no occurrence of the
/// series has that time. A date alone excludes the occurrence of that day, also in a timed series.
fn excluded_date(
    series: &Series,
    line: &PropertyLine<'_>,
    value: &str,
) -> Result<Option<Date>, RuleError> {
    let unreadable = || RuleError::value("EXDATE", value);
    if let Some(date) = read_date(value) {
        return Ok(Some(date));
    }
    let Some(own_zone) = series.start().zone() else {
        let local = read_date_time(value.trim_end_matches('Z')).ok_or_else(unreadable)?;
        return Ok(Some(local.date()));
    };
    let (local, zone) = if let Some(local) = value.strip_suffix('Z') {
        (read_date_time(local).ok_or_else(unreadable)?, TimeZone::UTC)
    } else {
        let zone = line.zone.map_or_else(|| Ok(own_zone.clone()), zone_named)?;
        (read_date_time(value).ok_or_else(unreadable)?, zone)
    };
    let instant = zone.to_timestamp(local).map_err(|_| unreadable())?;
    let date = own_zone.to_datetime(instant).date();
    // A gap at midnight can move an occurrence to the day after its nominal date.
    let days = [Some(date), plus_days(date, -1)];
    let at = |date: &Date| series.start().occurrence(*date).and_then(|found| found.instant());
    Ok(days.into_iter().flatten().find(|date| at(date) == Some(instant)))
}

fn with_standard_until(rule: &RecurrenceRule, start: &SeriesStart) -> RecurrenceRule {
    let mut rule = rule.clone();
    let RuleEnd::Until(bound) = rule.end else { return rule };
    let standard = match start.zone() {
        None => UntilBound::Day(match bound {
            UntilBound::Day(day) => day,
            UntilBound::Local(at) => at.date(),
            UntilBound::Instant(at) => TimeZone::UTC.to_datetime(at).date(),
        }),
        Some(zone) => {
            let instant = |at: DateTime| zone.to_timestamp(at).unwrap_or(Timestamp::MAX);
            UntilBound::Instant(match bound {
                UntilBound::Day(day) => instant(day.at(23, 59, 59, 0)),
                UntilBound::Local(at) => instant(at),
                UntilBound::Instant(at) => at,
            })
        }
    };
    rule.end = RuleEnd::Until(standard);
    rule
}

fn start_line(start: &SeriesStart) -> String {
    format!("DTSTART{}:{}", start_parameters(start), start_value(start))
}

fn start_parameters(start: &SeriesStart) -> String {
    match start.zone().and_then(TimeZone::iana_name) {
        None => ";VALUE=DATE".to_owned(),
        Some("UTC") => String::new(),
        Some(name) => format!(";TZID={name}"),
    }
}

fn start_value(start: &SeriesStart) -> String {
    match start {
        SeriesStart::Day(date) => basic_date(*date),
        SeriesStart::Moment(at, zone) if zone.iana_name() == Some("UTC") => {
            format!("{}Z", basic_date_time(*at))
        }
        SeriesStart::Moment(at, _) => basic_date_time(*at),
    }
}
