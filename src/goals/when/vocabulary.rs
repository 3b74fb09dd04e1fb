//! English names of weekdays, months, numbers, units and parts of the day.

use jiff::civil::{Time, Weekday};

/// A unit of a span or of a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanUnit {
    Minute,
    Hour,
    Day,
    Workday,
    Week,
    Fortnight,
    Month,
    Quarter,
    Year,
}

/// A part of the day, which stands for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayPart {
    Morning,
    Afternoon,
    Evening,
    Night,
}

impl DayPart {
    /// The time that the part of the day means without a clock time.
    pub fn time(self) -> Time {
        Time::constant(
            match self {
                Self::Morning => 9,
                Self::Afternoon => 15,
                Self::Evening => 19,
                Self::Night => 22,
            },
            0,
            0,
            0,
        )
    }
}

pub(super) fn day_part(name: &str) -> Option<DayPart> {
    match name {
        "morning" | "mornings" => Some(DayPart::Morning),
        "afternoon" | "afternoons" => Some(DayPart::Afternoon),
        "evening" | "evenings" => Some(DayPart::Evening),
        "night" | "nights" => Some(DayPart::Night),
        _ => None,
    }
}

/// The weekday of a name, and whether the name is a plural.
pub(super) fn weekday(name: &str) -> Option<(Weekday, bool)> {
    let names: [(&[&str], Weekday); 7] = [
        (&["mon", "monday"], Weekday::Monday),
        (&["tue", "tues", "tuesday"], Weekday::Tuesday),
        (&["wed", "weds", "wednesday"], Weekday::Wednesday),
        (&["thu", "thur", "thurs", "thursday"], Weekday::Thursday),
        (&["fri", "friday"], Weekday::Friday),
        (&["sat", "saturday"], Weekday::Saturday),
        (&["sun", "sunday"], Weekday::Sunday),
    ];
    let find =
        |name: &str| names.iter().find(|(names, _)| names.contains(&name)).map(|(_, day)| *day);
    let plural = || name.strip_suffix('s').filter(|name| name.ends_with("day")).and_then(find);
    find(name).map(|day| (day, false)).or_else(|| plural().map(|day| (day, true)))
}

pub(super) const fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month, 1 to 12, of a name or its first three letters.
pub(super) fn month(name: &str) -> Option<i8> {
    if name == "sept" {
        return Some(9);
    }
    let matches =
        |full: &&str| full.eq_ignore_ascii_case(name) || full[..3].eq_ignore_ascii_case(name);
    MONTHS.iter().zip(1..).find(|(full, _)| matches(full)).map(|(_, month)| month)
}

pub(super) fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("January")
}

pub(super) fn number(name: &str) -> Option<u32> {
    let names = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    names.iter().zip(1..).find(|(word, _)| **word == name).map(|(_, number)| number)
}

/// The number of an ordinal; -1 for `last`.
pub(super) fn ordinal(name: &str) -> Option<i32> {
    let names = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth",
    ];
    if name == "last" {
        return Some(-1);
    }
    names.iter().zip(1..).find(|(word, _)| **word == name).map(|(_, number)| number)
}

pub(super) fn unit(name: &str) -> Option<SpanUnit> {
    Some(match name {
        "minute" | "minutes" | "min" | "mins" | "m" => SpanUnit::Minute,
        "hour" | "hours" | "hr" | "hrs" | "h" => SpanUnit::Hour,
        "day" | "days" | "d" => SpanUnit::Day,
        "weekday" | "weekdays" | "workday" | "workdays" => SpanUnit::Workday,
        "week" | "weeks" | "w" | "wk" | "wks" => SpanUnit::Week,
        "fortnight" | "fortnights" => SpanUnit::Fortnight,
        "month" | "months" | "mo" => SpanUnit::Month,
        "quarter" | "quarters" => SpanUnit::Quarter,
        "year" | "years" | "y" | "yr" | "yrs" => SpanUnit::Year,
        _ => return None,
    })
}
