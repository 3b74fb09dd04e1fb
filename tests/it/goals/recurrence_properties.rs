//! Properties of `goals::recurrence` that hold for all rules.

use jiff::civil::{Date, Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use random_connect::goals::recurrence::{
    CatchUp, Recurrence, RecurrenceRule, RepeatFrequency, RuleDay, RuleEnd, Series, SeriesStart,
    UntilBound,
};

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "UTC",
];

fn dates() -> impl Strategy<Value = Date> {
    (1990..2040i16, 1..=12i8, 1..=31i8).prop_map(|(year, month, day)| {
        Date::new(year, month, day).unwrap_or(jiff::civil::date(year, month, 28))
    })
}

fn starts() -> impl Strategy<Value = SeriesStart> {
    let moment = (dates(), 0..24i8, select(vec![0i8, 30]), select(&ZONES[..])).prop_map(
        |(date, hour, minute, zone)| {
            SeriesStart::Moment(
                date.to_datetime(time(hour, minute, 0, 0)),
                TimeZone::get(zone).expect("a zone"),
            )
        },
    );
    prop_oneof![dates().prop_map(SeriesStart::Day), moment]
}

fn weekdays() -> impl Strategy<Value = Weekday> {
    (0..7i8).prop_map(|day| Weekday::from_monday_zero_offset(day).expect("a weekday"))
}

fn rules() -> impl Strategy<Value = RecurrenceRule> {
    let frequency = select(vec![
        RepeatFrequency::Daily,
        RepeatFrequency::Weekly,
        RepeatFrequency::Monthly,
        RepeatFrequency::Yearly,
    ]);
    let day = (proptest::option::of(select(vec![1i8, 2, 5, -1, -2])), weekdays())
        .prop_map(|(ordinal, weekday)| RuleDay { ordinal, weekday });
    let end = prop_oneof![
        Just(RuleEnd::Never),
        (1..30u32).prop_map(RuleEnd::Count),
        dates().prop_map(|date| RuleEnd::Until(UntilBound::Day(date))),
        dates().prop_map(|date| RuleEnd::Until(UntilBound::Local(date.at(12, 0, 0, 0)))),
    ];
    let lists = (
        vec(1..=12i8, 0..3),
        vec(select(vec![1i8, 15, 29, 30, 31, -1, -30]), 0..3),
        vec(day, 0..3),
    );
    (frequency, 1..6u16, lists, weekdays(), end).prop_map(
        |(frequency, interval, lists, week_start, end)| {
            let (months, month_days, days) = lists;
            RecurrenceRule {
                months,
                month_days,
                days,
                week_start,
                end,
                ..RecurrenceRule::every(interval, frequency)
            }
        },
    )
}

fn all_series() -> impl Strategy<Value = Series> {
    (starts(), rules(), vec(0..60i32, 0..3)).prop_filter_map(
        "a refused rule",
        |(start, rule, excluded)| {
            let date = start.date();
            let series = Series::new(start, rule).ok()?;
            Some(
                excluded
                    .into_iter()
                    .fold(series, |series, days| series.without(date.saturating_add(days.days()))),
            )
        },
    )
}

fn walked(series: &Series) -> Vec<Date> {
    let from = series.start().date();
    let to = from.saturating_add(9.years());
    series.occurrences(from, to).occurrences.iter().map(|found| found.date).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn goals_recurrence_next_after_equals_a_walk_from_the_start(series in all_series(), days in 0..2_000i32) {
        let after = series.start().date().saturating_add(days.days());
        let walked = walked(&series);
        if let Some(expected) = walked.iter().find(|date| **date > after) {
            prop_assert_eq!(series.next_after(after).map(|found| found.date), Some(*expected));
        }
        for date in walked.iter().take(5) {
            prop_assert!(series.occurrence_on(*date).is_some());
        }
    }

    #[test]
    fn goals_recurrence_occurrences_are_in_order(series in all_series()) {
        let from = series.start().date();
        let found = series.occurrences(from, from.saturating_add(9.years())).occurrences;
        prop_assert!(found.windows(2).all(|pair| pair[0].date < pair[1].date));
        prop_assert!(found.windows(2).all(|pair| pair[0].instant() <= pair[1].instant()));
        prop_assert!(found.iter().all(|found| !series.excluded().contains(&found.date)));
    }

    #[test]
    fn goals_recurrence_stored_text_has_the_same_occurrences(series in all_series()) {
        let text = series.to_text();
        let stored = Recurrence::parse(&text, &TimeZone::UTC).expect("its own text");
        prop_assert_eq!(stored.to_text(), text);
        let Recurrence::FromDue(stored) = stored else { panic!("a series") };
        prop_assert_eq!(walked(&stored), walked(&series));
    }

    #[test]
    fn goals_recurrence_rule_equals_its_text(rule in rules()) {
        if rule.check().is_ok() {
            prop_assert_eq!(rule.to_string().parse::<RecurrenceRule>(), Ok(rule));
        }
    }

    #[test]
    fn goals_recurrence_completion_loses_no_occurrence(series in all_series(), late in 0..4_000i64) {
        let Some(first) = series.first() else { return Ok(()) };
        let at = first.date.at(12, 0, 0, 0).to_zoned_datetime(TimeZone::UTC).expect("a time");
        let at = at.checked_add(SignedDuration::from_hours(late)).expect("a later time");
        let recurrence = Recurrence::FromDue(series.clone());
        let step = recurrence.complete(first.date, &at, 1, CatchUp::SkipMissed).expect("a step");
        let mut found: Vec<Date> = step.missed.iter().map(|found| found.date).collect();
        found.push(step.completed.date);
        found.extend(step.next.iter().map(|next| next.date));
        let expected: Vec<Date> = walked(&series).into_iter().take(found.len()).collect();
        prop_assert_eq!(&found[..expected.len()], &expected[..]);
        prop_assert!(step.missed.is_empty() || step.completed.has_begun(&at));
        prop_assert!(step.next.is_none_or(|next| !next.has_begun(&at)) || step.missed.len() == 1_000);
    }

    #[test]
    fn goals_recurrence_any_text_is_an_answer_or_an_error(text in "\\PC{0,60}", rule in "[A-Z=;,0-9+-]{0,40}") {
        let _ = Recurrence::parse(&text, &TimeZone::UTC);
        let _ = Recurrence::parse(&format!("DTSTART:20270101T000000Z\nRRULE:{rule}\nEXDATE:{text}"), &TimeZone::UTC);
        let _ = Recurrence::parse(&format!("DTSTART:{rule}\nRRULE:FREQ=DAILY"), &TimeZone::UTC);
        let _ = Recurrence::parse(&format!("DTSTART;VALUE=DATE:20270101\nRRULE:FREQ=YEARLY;{rule}"), &TimeZone::UTC);
    }
}
