//! Behaviour of `goals::recurrence`: rules, time zones, completion, and text.

use jiff::ZonedDateTime;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use random_connect::goals::recurrence::{
    MAX_OCCURRENCES, Recurrence, RecurrenceRule, RuleError, Series, SeriesStart,
};

pub(super) fn parse(text: &str) -> Recurrence {
    Recurrence::parse(text, &TimeZone::UTC).expect("a recurrence")
}

pub(super) fn series(text: &str) -> Series {
    match parse(text) {
        Recurrence::FromDue(series) => series,
        Recurrence::FromCompletion(_) => panic!("a series is expected"),
    }
}

pub(super) fn all_day(start: &str, rule: &str) -> Series {
    series(&format!("DTSTART;VALUE=DATE:{start}\nRRULE:{rule}"))
}

fn refused(rule: &str) -> RuleError {
    let text = format!("DTSTART;VALUE=DATE:20270101\nRRULE:{rule}");
    Recurrence::parse(&text, &TimeZone::UTC).expect_err("an error")
}

pub(super) fn at(text: &str) -> ZonedDateTime {
    text.parse().expect("a time")
}

pub(super) fn dates(series: &Series, from: Date, to: Date) -> Vec<String> {
    series.occurrences(from, to).occurrences.iter().map(|found| found.date.to_string()).collect()
}

pub(super) fn first(series: &Series, count: usize) -> Vec<String> {
    let first = series.first();
    let next =
        |found: &random_connect::goals::recurrence::Occurrence| series.next_after(found.date);
    std::iter::successors(first, next).take(count).map(|found| found.date.to_string()).collect()
}

#[test]
fn goals_recurrence_skips_months_without_the_31st() {
    let series = all_day("20270131", "FREQ=MONTHLY;BYMONTHDAY=31");
    assert_eq!(first(&series, 4), ["2027-01-31", "2027-03-31", "2027-05-31", "2027-07-31"]);
}

#[test]
fn goals_recurrence_last_day_is_in_every_month() {
    let series = all_day("20270131", "FREQ=MONTHLY;BYMONTHDAY=-1");
    assert_eq!(first(&series, 4), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]);
}

#[test]
fn goals_recurrence_february_29_is_in_leap_years_only() {
    let series = all_day("20280229", "FREQ=YEARLY");
    assert_eq!(first(&series, 3), ["2028-02-29", "2032-02-29", "2036-02-29"]);
    // 2100 is no leap year.
    assert_eq!(
        series.next_after(date(2096, 2, 29)).map(|found| found.date),
        Some(date(2104, 2, 29))
    );
}

#[test]
fn goals_recurrence_ordinal_weekdays_count_in_the_month() {
    let series = all_day("20270101", "FREQ=MONTHLY;BYDAY=2FR,-1MO");
    assert_eq!(first(&series, 4), ["2027-01-08", "2027-01-25", "2027-02-12", "2027-02-22"]);
}

#[test]
fn goals_recurrence_week_start_decides_which_weeks_count() {
    // RFC 5545, section 3.8.5.3: the same rule with two week starts.
    let monday = all_day("19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO");
    assert_eq!(first(&monday, 9), ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]);
    let sunday = all_day("19970805", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU");
    assert_eq!(first(&sunday, 9), ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]);
}

#[test]
fn goals_recurrence_count_includes_excluded_dates() {
    let text = "DTSTART;VALUE=DATE:20270101\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;VALUE=DATE:20270102,20270103";
    assert_eq!(first(&series(text), 9), ["2027-01-01", "2027-01-04"]);
}

#[test]
fn goals_recurrence_skipped_local_time_moves_forward_and_is_not_lost() {
    let series = series("DTSTART;TZID=Europe/Berlin:20270327T023000\nRRULE:FREQ=DAILY;COUNT=3");
    let found = series.occurrences(date(2027, 3, 27), date(2027, 3, 30)).occurrences;
    let times: Vec<String> =
        found.iter().filter_map(|found| found.at.as_ref()).map(ToString::to_string).collect();
    assert_eq!(
        times,
        [
            "2027-03-27T02:30:00+01:00[Europe/Berlin]",
            "2027-03-28T03:30:00+02:00[Europe/Berlin]",
            "2027-03-29T02:30:00+02:00[Europe/Berlin]",
        ]
    );
    assert_eq!(found[1].date, date(2027, 3, 28));
}

#[test]
fn goals_recurrence_repeated_local_time_is_its_first_pass() {
    let series = series("DTSTART;TZID=Europe/Berlin:20271031T023000\nRRULE:FREQ=DAILY;COUNT=2");
    let found = series.first().and_then(|found| found.at).expect("a time");
    assert_eq!(found.to_string(), "2027-10-31T02:30:00+02:00[Europe/Berlin]");
}

#[test]
fn goals_recurrence_day_that_a_zone_skips_keeps_its_key() {
    // Samoa had no December 30, 2011. Both occurrences stay, with different nominal dates.
    let series = series("DTSTART;TZID=Pacific/Apia:20111229T090000\nRRULE:FREQ=DAILY;COUNT=3");
    let found = series.occurrences(date(2011, 12, 29), date(2011, 12, 31)).occurrences;
    assert_eq!(found.iter().map(|found| found.date.day()).collect::<Vec<_>>(), [29, 30, 31]);
    assert_eq!(found[1].instant(), found[2].instant());
}

#[test]
fn goals_recurrence_all_day_dates_are_the_same_in_every_zone() {
    let series = all_day("20270101", "FREQ=DAILY");
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"] {
        let from = at(&format!("2027-01-05T00:00[{zone}]"));
        let to = at(&format!("2027-01-06T00:00[{zone}]"));
        let found = series.occurrences_within(&from, &to).occurrences;
        assert_eq!(
            found.iter().map(|found| found.date).collect::<Vec<_>>(),
            [date(2027, 1, 5)],
            "{zone}"
        );
    }
}

#[test]
fn goals_recurrence_timed_occurrences_of_a_day_follow_the_zone_of_the_user() {
    let series = series("DTSTART;TZID=Europe/Berlin:20270101T010000\nRRULE:FREQ=DAILY");
    // 01:00 in Berlin is 19:00 the day before in New York.
    let from = at("2027-01-05T00:00[America/New_York]");
    let to = at("2027-01-06T00:00[America/New_York]");
    let found = series.occurrences_within(&from, &to).occurrences;
    assert_eq!(found.iter().map(|found| found.date).collect::<Vec<_>>(), [date(2027, 1, 6)]);
}

#[test]
fn goals_recurrence_expansion_is_bounded_and_says_so() {
    let daily = all_day("20000101", "FREQ=DAILY");
    let found = daily.occurrences(date(2000, 1, 1), date(2030, 1, 1));
    assert_eq!((found.occurrences.len(), found.truncated), (MAX_OCCURRENCES, true));
    let yearly = all_day("20000101", "FREQ=YEARLY");
    let found = yearly.occurrences(date(2000, 1, 1), date(2030, 1, 1));
    assert_eq!((found.occurrences.len(), found.truncated), (11, true));
    let found = yearly.occurrences(date(2000, 1, 1), date(2005, 1, 1));
    assert_eq!((found.occurrences.len(), found.truncated), (6, false));
}

#[test]
fn goals_recurrence_next_of_an_old_series_needs_no_walk() {
    // A walk would visit 3.6 million dates per call.
    let rules = [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=MO,TH",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
    ];
    for rule in rules {
        let old = all_day("00010101", rule);
        for day in 1..=28 {
            for _ in 0..100 {
                assert!(old.next_after(date(9990, 6, day)).is_some(), "{rule}");
            }
        }
    }
}

#[test]
fn goals_recurrence_until_day_includes_its_last_occurrence_in_every_zone() {
    // lennart-k/rustical#198: a date in UNTIL of a timed series must not remove the rule.
    for zone in ["Pacific/Auckland", "America/Los_Angeles", "Europe/Berlin"] {
        let text = format!("DTSTART;TZID={zone}:20270101T230000\nRRULE:FREQ=DAILY;UNTIL=20270103");
        let series = series(&text);
        assert_eq!(first(&series, 9), ["2027-01-01", "2027-01-02", "2027-01-03"], "{zone}");
    }
}

#[test]
fn goals_recurrence_until_includes_its_own_moment() {
    let head = "DTSTART;TZID=Europe/Berlin:20270101T090000\nRRULE:FREQ=DAILY;UNTIL=";
    assert_eq!(first(&series(&format!("{head}20270103T080000Z")), 9).len(), 3);
    assert_eq!(first(&series(&format!("{head}20270103T075959Z")), 9).len(), 2);
    assert_eq!(first(&series(&format!("{head}20270103T090000")), 9).len(), 3);
}

#[test]
fn goals_recurrence_until_is_written_as_rfc_5545_demands() {
    let timed =
        series("DTSTART;TZID=Europe/Berlin:20270101T090000\nRRULE:FREQ=DAILY;UNTIL=20270103");
    assert_eq!(timed.rule_text(), "FREQ=DAILY;UNTIL=20270103T225959Z");
    let all_day = all_day("20270101", "FREQ=DAILY;UNTIL=20270103T225959Z");
    assert_eq!(all_day.rule_text(), "FREQ=DAILY;UNTIL=20270103");
}

#[test]
fn goals_recurrence_excluded_instants_and_dates_are_read() {
    let head = "DTSTART;TZID=Europe/Berlin:20270327T023000\nRRULE:FREQ=DAILY;COUNT=3";
    // 03:30 summer time, where the skipped 02:30 moves to.
    for line in [
        "EXDATE:20270328T013000Z",
        "EXDATE;TZID=Europe/Berlin:20270328T023000",
        "EXDATE;VALUE=DATE:20270328",
    ] {
        let series = series(&format!("{head}\r\n{line}\r\n"));
        assert_eq!(first(&series, 9), ["2027-03-27", "2027-03-29"], "{line}");
    }
    let other_time = series(&format!("{head}\nEXDATE;TZID=Europe/Berlin:20270328T110000"));
    assert_eq!(first(&other_time, 9).len(), 3);
}

#[test]
fn goals_recurrence_excluded_instant_after_a_gap_at_midnight_is_found() {
    // On March 30, 2024, 23:30 did not exist in Nuuk: it moves to 00:30 on March 31, 01:30 UTC.
    let text = "DTSTART;TZID=America/Nuuk:20240329T233000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20240331T013000Z";
    assert_eq!(first(&series(text), 9), ["2024-03-29", "2024-03-31"]);
}

#[test]
fn goals_recurrence_text_survives_a_round_trip() {
    let texts = [
        "DTSTART;VALUE=DATE:20270131\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1\nEXDATE;VALUE=DATE:20270228",
        "DTSTART;TZID=Europe/Berlin:20270115T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU\n\
         EXDATE;TZID=Europe/Berlin:20270125T090000",
        "DTSTART:20270115T090000Z\nRRULE:FREQ=YEARLY;COUNT=5;BYMONTH=1,7;BYDAY=-1SU",
        "DTSTART;VALUE=DATE:20270115\nX-AFTER-COMPLETION:FREQ=WEEKLY;INTERVAL=2",
    ];
    for text in texts {
        assert_eq!(parse(text).to_text(), text);
    }
    let folded = "dtstart;value=DATE:20270131\r\nrrule:freq=monthly;by\r\n monthday=-1\r\n";
    assert_eq!(
        parse(folded).to_text(),
        "DTSTART;VALUE=DATE:20270131\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1"
    );
}

#[test]
fn goals_recurrence_refused_rules_name_the_part() {
    assert_eq!(refused("FREQ=HOURLY"), RuleError::Frequency("HOURLY".into()));
    assert_eq!(refused("INTERVAL=2"), RuleError::NoFrequency);
    assert_eq!(refused("FREQ=DAILY;BYHOUR=9"), RuleError::Unsupported("BYHOUR".into()));
    assert_eq!(refused("FREQ=DAILY;FREQ=DAILY"), RuleError::Repeated("FREQ".into()));
    assert_eq!(refused("FREQ=DAILY;COUNT=2;UNTIL=20270201"), RuleError::TwoEnds);
    assert_eq!(refused("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), RuleError::NeverOccurs);
    assert_eq!(refused("FREQ=DAILY;UNTIL=20261231"), RuleError::NeverOccurs);
    assert!(matches!(refused("FREQ=DAILY;INTERVAL=0"), RuleError::Range { part: "INTERVAL", .. }));
    assert!(matches!(refused("FREQ=DAILY;COUNT=99999"), RuleError::Range { part: "COUNT", .. }));
    assert!(matches!(refused("FREQ=WEEKLY;BYDAY=2MO"), RuleError::Combination(_)));
    assert!(matches!(refused("FREQ=WEEKLY;BYDAY=XX"), RuleError::Value { .. }));
    let text = "DTSTART;TZID=Mars/Base:20270101T090000\nRRULE:FREQ=DAILY";
    assert_eq!(Recurrence::parse(text, &TimeZone::UTC), Err(RuleError::Zone("Mars/Base".into())));
}

#[test]
fn goals_recurrence_overdue_has_past_occurrences_only() {
    // greirson/mcp-todoist#29, #32: `overdue` returned future and dateless tasks.
    let daily = parse("DTSTART;TZID=Europe/Berlin:20270101T180000\nRRULE:FREQ=DAILY");
    let found = daily.overdue(date(2027, 1, 8), &at("2027-01-10T12:00[Europe/Berlin]"));
    let days: Vec<Date> = found.occurrences.iter().map(|found| found.date).collect();
    assert_eq!(days, [date(2027, 1, 8), date(2027, 1, 9)]);
    // The same moment, seen from Auckland, where it is January 11.
    let now = at("2027-01-10T12:00[Europe/Berlin]")
        .with_time_zone(TimeZone::get("Pacific/Auckland").expect("a zone"));
    assert_eq!(daily.overdue(date(2027, 1, 8), &now), found);
    let all_day = parse("DTSTART;VALUE=DATE:20270108\nRRULE:FREQ=DAILY");
    let found = all_day.overdue(date(2027, 1, 10), &at("2027-01-10T23:59[Europe/Berlin]"));
    assert!(found.occurrences.is_empty(), "a day is not over before midnight");
}

#[test]
fn goals_recurrence_upcoming_compares_moments_not_texts() {
    // Doist/todoist-mcp#50: dates were compared by splitting ISO texts.
    let series = series("DTSTART;TZID=Asia/Tokyo:20270110T080000\nRRULE:FREQ=DAILY");
    // January 10, 23:30 UTC is 08:30 on January 11 in Tokyo.
    let next = series.upcoming(&at("2027-01-10T23:30[UTC]")).expect("a next one");
    assert_eq!(next.date, date(2027, 1, 12));
}

#[test]
fn goals_recurrence_new_time_and_zone_keep_the_dates() {
    let text =
        "DTSTART;TZID=Europe/Berlin:20270101T090000\nRRULE:FREQ=DAILY;UNTIL=20270105T080000Z";
    let series = series(text).without(date(2027, 1, 2));
    let before = first(&series, 9);
    let auckland = TimeZone::get("Pacific/Auckland").expect("a zone");
    let moved = series.at_time(Some((jiff::civil::time(22, 0, 0, 0), auckland))).expect("a series");
    assert_eq!(first(&moved, 9), before);
    assert_eq!(first(&moved.at_time(None).expect("a series"), 9), before);
}

#[test]
fn goals_recurrence_new_time_adds_no_date_after_until() {
    // UNTIL is one hour before the occurrence of January 5.
    let series = series(
        "DTSTART;TZID=Europe/Berlin:20270101T090000\nRRULE:FREQ=DAILY;UNTIL=20270105T070000Z",
    );
    assert_eq!(first(&series, 9).len(), 4);
    assert_eq!(first(&series.at_time(None).expect("a series"), 9).len(), 4);
}

#[test]
fn goals_recurrence_aligned_series_starts_with_an_occurrence() {
    let series = all_day("20270115", "FREQ=WEEKLY;BYDAY=MO").aligned();
    assert_eq!(series.to_text(), "DTSTART;VALUE=DATE:20270118\nRRULE:FREQ=WEEKLY;BYDAY=MO");
}

#[test]
fn goals_recurrence_preview_has_three_dates() {
    let rule: RecurrenceRule = "FREQ=MONTHLY;BYMONTHDAY=31".parse().expect("a rule");
    let series = Series::new(SeriesStart::Day(date(2027, 1, 31)), rule).expect("a series");
    let found = Recurrence::FromDue(series.clone()).preview(date(2027, 2, 1));
    assert_eq!(found.iter().map(|found| found.date.month()).collect::<Vec<_>>(), [3, 5, 7]);
    assert_eq!(
        dates(&series, date(2027, 2, 1), date(2027, 7, 31)),
        ["2027-03-31", "2027-05-31", "2027-07-31"]
    );
}
