//! Behaviour of `goals::when` on Wednesday, 2027-01-13, 10:00 in Berlin, if no other time is given.

use jiff::ZonedDateTime;
use jiff::civil::{Date, Weekday, date};
use random_connect::goals::recurrence::Recurrence;
use random_connect::goals::when::{WhenAnswer, WhenError, WhenValue, read_when};

const NOW: &str = "2027-01-13T10:00[Europe/Berlin]";
const FRIDAY: &str = "2027-01-15T10:00[Europe/Berlin]";

pub(super) fn at(text: &str) -> ZonedDateTime {
    text.parse().expect("a time")
}

pub(super) fn read(phrase: &str) -> WhenAnswer {
    read_when(phrase, &at(NOW)).unwrap_or_else(|error| panic!("{phrase}: {error}"))
}

fn error(phrase: &str, now: &str) -> WhenError {
    read_when(phrase, &at(now)).expect_err(phrase)
}

/// A date as `2027-01-15`, a moment as `2027-01-15T17:00:00`, a rule as its text and first date.
pub(super) fn short(answer: &WhenAnswer) -> String {
    match &answer.value {
        WhenValue::Day(date) => date.to_string(),
        WhenValue::Moment(at) => at.datetime().to_string(),
        WhenValue::Repeats(recurrence) => {
            let first = recurrence.first().expect("a first date").date;
            match recurrence {
                Recurrence::FromDue(series) => format!("{} from {first}", series.rule_text()),
                Recurrence::FromCompletion(rule) => {
                    format!("after completion {} from {first}", rule.rule())
                }
            }
        }
    }
}

fn assert_meanings(meanings: &[(&str, &str)]) {
    let wrong: Vec<String> = meanings
        .iter()
        .map(|(phrase, expected)| (phrase, short(&read(phrase)), expected))
        .filter(|(_, found, expected)| found != *expected)
        .map(|(phrase, found, expected)| format!("{phrase}: {found} instead of {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn readings(error: &WhenError) -> Vec<Date> {
    match error {
        WhenError::Ambiguous { readings, .. } | WhenError::WeekdayMismatch { readings, .. } => {
            readings.iter().map(|reading| reading.date).collect()
        }
        other => panic!("no readings: {other}"),
    }
}

#[test]
fn goals_when_reads_dates() {
    assert_meanings(&[
        ("today", "2027-01-13"),
        ("tomorrow", "2027-01-14"),
        ("Tomorrow.", "2027-01-14"),
        ("yesterday", "2027-01-12"),
        ("the day after tomorrow", "2027-01-15"),
        ("in 3 days", "2027-01-16"),
        ("+5d", "2027-01-18"),
        ("in two weeks", "2027-01-27"),
        ("in a month", "2027-02-13"),
        ("3 days from now", "2027-01-16"),
        ("2 weeks ago", "2026-12-30"),
        ("a week from friday", "2027-01-22"),
        ("3 days before end of month", "2027-01-28"),
        ("in 3 workdays", "2027-01-18"),
        ("in 5 business days", "2027-01-20"),
        ("next business day", "2027-01-14"),
        ("20270115", "2027-01-15"),
        ("friday", "2027-01-15"),
        ("by Friday", "2027-01-15"),
        ("next friday", "2027-01-15"),
        ("this friday", "2027-01-15"),
        ("last friday", "2027-01-08"),
        ("friday next week", "2027-01-22"),
        ("next week friday", "2027-01-22"),
        ("next week", "2027-01-18"),
        ("next month", "2027-02-01"),
        ("next year", "2028-01-01"),
        ("this weekend", "2027-01-16"),
        ("2027-01-15", "2027-01-15"),
        ("2027/1/15", "2027-01-15"),
        ("15.01.2027", "2027-01-15"),
        ("13/04", "2027-04-13"),
        ("1/15/27", "2027-01-15"),
        ("03/03", "2027-03-03"),
        ("jan 15", "2027-01-15"),
        ("jan 13", "2027-01-13"),
        ("jan 12", "2028-01-12"),
        ("15 jan 2027", "2027-01-15"),
        ("January 15th, 2028", "2028-01-15"),
        ("the 15th of january", "2027-01-15"),
        ("Friday, January 15, 2027", "2027-01-15"),
        ("friday the 15th", "2027-01-15"),
        ("feb 29", "2028-02-29"),
        ("the 27th", "2027-01-27"),
        ("on the 3rd", "2027-02-03"),
        ("the 31st", "2027-01-31"),
    ]);
}

#[test]
fn goals_when_reads_periods() {
    assert_meanings(&[
        ("end of month", "2027-01-31"),
        ("end of the month", "2027-01-31"),
        ("eom", "2027-01-31"),
        ("end of next month", "2027-02-28"),
        ("start of next month", "2027-02-01"),
        ("end of week", "2027-01-17"),
        ("end of quarter", "2027-03-31"),
        ("end of year", "2027-12-31"),
        ("end of february 2028", "2028-02-29"),
        ("mid february", "2027-02-15"),
        ("mid-january", "2027-01-15"),
        ("beginning of january", "2028-01-01"),
        ("last day of february", "2027-02-28"),
        ("last day of the year", "2027-12-31"),
        ("first monday of may", "2027-05-03"),
        ("first monday of the month", "2027-02-01"),
        ("last friday of the month", "2027-01-29"),
        ("last workday of the month", "2027-01-29"),
        ("5th of next month", "2027-02-05"),
        ("1st of the month", "2027-02-01"),
    ]);
}

#[test]
fn goals_when_reads_times() {
    assert_meanings(&[
        ("5pm", "2027-01-13T17:00:00"),
        ("9am", "2027-01-14T09:00:00"),
        ("at 9", "2027-01-14T09:00:00"),
        ("at 1430", "2027-01-13T14:30:00"),
        ("noon", "2027-01-13T12:00:00"),
        ("midnight", "2027-01-14T00:00:00"),
        ("tonight", "2027-01-13T20:00:00"),
        ("tonight at 9", "2027-01-13T21:00:00"),
        ("this evening", "2027-01-13T19:00:00"),
        ("tomorrow at 9", "2027-01-14T09:00:00"),
        ("tomorrow @ 2pm", "2027-01-14T14:00:00"),
        ("tomorrow morning", "2027-01-14T09:00:00"),
        ("tomorrow evening at 8", "2027-01-14T20:00:00"),
        ("tomorrow at 9 in the morning", "2027-01-14T09:00:00"),
        ("12am tomorrow", "2027-01-14T00:00:00"),
        ("12pm tomorrow", "2027-01-14T12:00:00"),
        ("monday 14:30", "2027-01-18T14:30:00"),
        ("14:30 on monday", "2027-01-18T14:30:00"),
        ("jan 15 at 9:15 p.m.", "2027-01-15T21:15:00"),
        ("Friday, January 15, 2027 at 5:00 PM", "2027-01-15T17:00:00"),
        ("in 2 hours", "2027-01-13T12:00:00"),
        ("in 1h30m", "2027-01-13T11:30:00"),
        ("in half an hour", "2027-01-13T10:30:00"),
        ("2027-01-15T09:00", "2027-01-15T09:00:00"),
        ("2027-01-15 09:00", "2027-01-15T09:00:00"),
        ("2027-01-15T09:00:00Z", "2027-01-15T10:00:00"),
        ("2027-01-15T09:00:00-05:00", "2027-01-15T15:00:00"),
        ("2027-01-15T17:00[America/New_York]", "2027-01-15T23:00:00"),
        ("now", "2027-01-13T10:00:00"),
    ]);
}

#[test]
fn goals_when_reads_repetitions() {
    assert_meanings(&[
        ("every day", "FREQ=DAILY from 2027-01-13"),
        ("daily", "FREQ=DAILY from 2027-01-13"),
        ("every other day", "FREQ=DAILY;INTERVAL=2 from 2027-01-13"),
        ("every 3rd day", "FREQ=DAILY;INTERVAL=3 from 2027-01-13"),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR from 2027-01-13"),
        ("weekdays at 9", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR from 2027-01-14"),
        ("monday to friday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR from 2027-01-13"),
        ("every weekend", "FREQ=WEEKLY;BYDAY=SA,SU from 2027-01-16"),
        ("every week", "FREQ=WEEKLY from 2027-01-13"),
        ("every 2 weeks", "FREQ=WEEKLY;INTERVAL=2 from 2027-01-13"),
        ("every fortnight", "FREQ=WEEKLY;INTERVAL=2 from 2027-01-13"),
        ("every monday and thursday", "FREQ=WEEKLY;BYDAY=MO,TH from 2027-01-14"),
        ("every mon, wed & fri", "FREQ=WEEKLY;BYDAY=MO,WE,FR from 2027-01-13"),
        ("mondays and thursdays at 10", "FREQ=WEEKLY;BYDAY=MO,TH from 2027-01-14"),
        ("every 2 weeks on monday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO from 2027-01-18"),
        ("every month on the 31st", "FREQ=MONTHLY;BYMONTHDAY=31 from 2027-01-31"),
        ("every 31st", "FREQ=MONTHLY;BYMONTHDAY=31 from 2027-01-31"),
        ("every month on the 1st and 15th", "FREQ=MONTHLY;BYMONTHDAY=1,15 from 2027-01-15"),
        ("every last day of the month", "FREQ=MONTHLY;BYMONTHDAY=-1 from 2027-01-31"),
        ("every month on the last day", "FREQ=MONTHLY;BYMONTHDAY=-1 from 2027-01-31"),
        ("last day of each month", "FREQ=MONTHLY;BYMONTHDAY=-1 from 2027-01-31"),
        ("every first monday of the month", "FREQ=MONTHLY;BYDAY=1MO from 2027-02-01"),
        ("every 1st and 3rd monday", "FREQ=MONTHLY;BYDAY=1MO,3MO from 2027-01-18"),
        ("every last friday", "FREQ=MONTHLY;BYDAY=-1FR from 2027-01-29"),
        (
            "every last workday of the month",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1 from 2027-01-29",
        ),
        (
            "every other month on the 2nd tuesday",
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU from 2027-02-09",
        ),
        ("every quarter", "FREQ=MONTHLY;INTERVAL=3 from 2027-01-13"),
        ("every year on feb 29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29 from 2028-02-29"),
        ("every last day of february", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1 from 2027-02-28"),
        ("every jan 15 and jul 15", "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=15 from 2027-01-15"),
        ("every last sunday in october", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU from 2027-10-31"),
        ("every evening", "FREQ=DAILY from 2027-01-13"),
        ("every monday morning", "FREQ=WEEKLY;BYDAY=MO from 2027-01-18"),
        ("every friday the 13th", "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR from 2027-08-13"),
        ("once every 2 weeks", "FREQ=WEEKLY;INTERVAL=2 from 2027-01-13"),
        ("once a week", "FREQ=WEEKLY from 2027-01-13"),
    ]);
}

#[test]
fn goals_when_every_2nd_friday_is_every_other_friday() {
    assert_meanings(&[
        ("every 2nd Friday at 9", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR from 2027-01-15"),
        ("every second friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR from 2027-01-15"),
        ("every other friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR from 2027-01-15"),
        ("2nd Friday of each month", "FREQ=MONTHLY;BYDAY=2FR from 2027-02-12"),
        ("every 2nd friday of the month", "FREQ=MONTHLY;BYDAY=2FR from 2027-02-12"),
    ]);
    let notes = read("every 2nd Friday at 9").notes;
    assert!(notes.iter().any(|note| note.contains("2nd friday of each month")), "{notes:?}");
}

#[test]
fn goals_when_reads_start_and_end() {
    assert_meanings(&[
        ("every day starting tomorrow until friday", "FREQ=DAILY;UNTIL=20270115 from 2027-01-14"),
        ("every day from jan 20 to jan 25", "FREQ=DAILY;UNTIL=20270125 from 2027-01-20"),
        ("starting jan 20 every tuesday", "FREQ=WEEKLY;BYDAY=TU from 2027-01-26"),
        ("every monday for 5 times", "FREQ=WEEKLY;COUNT=5;BYDAY=MO from 2027-01-18"),
        ("every day for 2 weeks", "FREQ=DAILY;UNTIL=20270126 from 2027-01-13"),
        ("every day at 9 until 2027-03-01", "FREQ=DAILY;UNTIL=20270301T225959Z from 2027-01-14"),
    ]);
}

#[test]
fn goals_when_every_with_a_bang_counts_from_completion() {
    // Doist/todoist-cli#342: "every! 2 weeks starting …" was stored whole and never advanced.
    assert_meanings(&[
        ("every! 2 weeks", "after completion FREQ=WEEKLY;INTERVAL=2 from 2027-01-13"),
        (
            "every! 2 weeks starting 2027-02-01",
            "after completion FREQ=WEEKLY;INTERVAL=2 from 2027-02-01",
        ),
        ("every 3 days after completion", "after completion FREQ=DAILY;INTERVAL=3 from 2027-01-13"),
        ("every! monday", "after completion FREQ=WEEKLY;BYDAY=MO from 2027-01-18"),
    ]);
    let answer = read("every! 2 weeks starting 2027-02-01");
    assert!(answer.echo.contains("Monday, 2027-02-15; Monday, 2027-03-01"), "{}", answer.echo);
}

#[test]
fn goals_when_next_friday_on_a_friday_has_two_readings() {
    for phrase in ["next friday", "friday", "friday at 17:00", "every day until friday"] {
        let error = error(phrase, FRIDAY);
        assert_eq!(readings(&error), [date(2027, 1, 15), date(2027, 1, 22)], "{phrase}");
    }
    let text = error("friday at 17:00", FRIDAY).to_string();
    assert!(text.contains("2027-01-15 at 17:00") && text.contains("2027-01-22 at 17:00"), "{text}");
    let this = read_when("this friday", &at(FRIDAY)).expect("a date");
    assert_eq!(this.value, WhenValue::Day(date(2027, 1, 15)));
    let repeated = read_when("every friday", &at(FRIDAY)).expect("a rule");
    assert_eq!(short(&repeated), "FREQ=WEEKLY;BYDAY=FR from 2027-01-15");
}

#[test]
fn goals_when_next_friday_notes_the_other_reading() {
    let notes = read("next friday").notes;
    assert!(notes[0].contains("2027-01-22"), "{notes:?}");
}

#[test]
fn goals_when_slashed_dates_have_two_readings() {
    let error = error("every day until 03/04", NOW);
    assert_eq!(readings(&error), [date(2027, 3, 4), date(2027, 4, 3)]);
    let text = error.to_string();
    assert!(text.contains("Thursday, 2027-03-04 (write \"every day until 2027-03-04\")"), "{text}");
    assert!(text.contains("Saturday, 2027-04-03"), "{text}");
}

#[test]
fn goals_when_other_ambiguities_have_two_readings() {
    assert_eq!(readings(&error("next weekend", NOW)), [date(2027, 1, 16), date(2027, 1, 23)]);
    assert_eq!(readings(&error("friday midnight", NOW)), [date(2027, 1, 15), date(2027, 1, 16)]);
}

#[test]
fn goals_when_weekday_that_contradicts_a_date_is_an_error_with_both() {
    // santmun/forja#55: a model miscounts the date of a weekday.
    for phrase in [
        "thursday 2027-01-15",
        "2027-01-15 (thu)",
        "Thursday, January 15, 2027",
        "2027-01-15 thursday 9am",
    ] {
        let error = error(phrase, NOW);
        assert_eq!(readings(&error), [date(2027, 1, 15), date(2027, 1, 14)], "{phrase}");
        assert!(error.to_string().starts_with("2027-01-15 is a Friday, not a Thursday"), "{error}");
    }
    let WhenError::WeekdayMismatch { stated, .. } = error("tomorrow, friday", NOW) else {
        panic!("a mismatch")
    };
    assert_eq!(stated, Weekday::Friday);
}

#[test]
fn goals_when_names_the_words_it_does_not_understand() {
    let expected = |words: &str, understood: &str| WhenError::NotUnderstood {
        words: words.to_owned(),
        understood: understood.to_owned(),
    };
    assert_eq!(error("tomorrow whenever", NOW), expected("whenever", "tomorrow"));
    assert_eq!(error("call mom friday", NOW), expected("call mom", "friday"));
    assert_eq!(error("every blue moon", NOW), expected("every blue moon", ""));
    assert_eq!(error("twice a week", NOW), expected("twice a week", ""));
}

#[test]
fn goals_when_impossible_phrases_say_why() {
    for phrase in
        ["2027-02-30", "feb 30", "31/31/2027", "every 0 days", "every week on the 31st", "the 32nd"]
    {
        assert!(matches!(error(phrase, NOW), WhenError::Impossible { .. }), "{phrase}");
    }
    for phrase in [
        "every 2 hours",
        "hourly",
        "biweekly",
        "until friday",
        "every jan 15 and jul 16",
        "every day jan 20",
    ] {
        assert!(matches!(error(phrase, NOW), WhenError::Unsupported { .. }), "{phrase}");
    }
    for phrase in ["tomorrow tomorrow", "5pm 6pm", "jan 15 - jan 20", "2027-01-15T09:00 at 10"] {
        assert!(matches!(error(phrase, NOW), WhenError::Twice { .. }), "{phrase}");
    }
    assert!(matches!(error("every 31st of february", NOW), WhenError::Rule(_)));
    assert!(matches!(error("every day until yesterday", NOW), WhenError::Impossible { .. }));
    assert_eq!(error("  ", NOW), WhenError::Empty);
    assert_eq!(error(&"a".repeat(500), NOW), WhenError::TooLong);
    assert_eq!(error("in 4000000000 weeks", NOW), WhenError::OutOfRange);
}
