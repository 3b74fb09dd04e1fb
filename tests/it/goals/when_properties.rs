//! Properties of `goals::when` that hold for all phrases.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, ZonedDateTime};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use random_connect::goals::recurrence::Recurrence;
use random_connect::goals::when::{WhenError, WhenValue, read_when};

const WORDS: &str = "every each ! other 2 3 5 15 31 2nd 31st 1st first last second day days week weeks month months \
    year weekday weekend monday friday sun mondays and , on the of in at next this last for until starting from to \
    times tomorrow today end start jan february 29 2027 2027-01-15 03/04 13/04 9 9am 14:30 noon midnight morning \
    tonight daily monthly yearly ago after before hour hours completion eom utc Europe/Berlin + - quarter \
    2027-03-28T02:30 2027-01-15T09:00Z 0 99999 4294967295 a couple workday";

fn times() -> impl Strategy<Value = ZonedDateTime> {
    let zones = vec!["Europe/Berlin", "Pacific/Apia", "America/Nuuk", "UTC"];
    (0..2_500_000_000i64, select(zones)).prop_map(|(second, zone)| {
        let at = jiff::Timestamp::from_second(second).expect("a time");
        at.to_zoned_datetime(TimeZone::get(zone).expect("a zone"))
    })
}

fn phrases() -> impl Strategy<Value = String> {
    vec(select(WORDS.split_whitespace().collect::<Vec<_>>()), 1..9)
        .prop_map(|words| words.join(" "))
}

fn dates() -> impl Strategy<Value = Date> {
    (0..40_000i32).prop_map(|days| jiff::civil::date(1990, 1, 1).saturating_add(days.days()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn goals_when_any_text_is_an_answer_or_an_error(text in "\\PC{0,80}", now in times()) {
        let _ = read_when(&text, &now);
    }

    #[test]
    fn goals_when_any_words_are_an_answer_or_an_error(phrase in phrases(), now in times()) {
        match read_when(&phrase, &now) {
            Ok(answer) => {
                prop_assert!(!answer.echo.is_empty());
                if let WhenValue::Repeats(recurrence) = answer.value {
                    let text = recurrence.to_text();
                    let stored = Recurrence::parse(&text, &TimeZone::UTC).expect("its own text");
                    prop_assert_eq!(stored.to_text(), text);
                    prop_assert_eq!(stored.first(), recurrence.first());
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn goals_when_a_reading_has_its_date(phrase in phrases(), now in times()) {
        let Err(WhenError::Ambiguous { words, why, readings }) = read_when(&phrase, &now) else { return Ok(()) };
        prop_assert!(phrase.contains(&words));
        prop_assert!(readings.len() == 2 && readings[0].date != readings[1].date);
        for reading in readings {
            // Other words of the phrase can be wrong, too, such as its midnight, but this ambiguity is gone.
            if let Err(WhenError::Ambiguous { words: again, why: other, .. }) = read_when(&reading.text, &now) {
                let is_gone = other != why || !again.contains(&reading.date.to_string());
                prop_assert!(is_gone, "{} in {}", again, reading.text);
            }
        }
    }

    #[test]
    fn goals_when_iso_dates_pass_with_their_weekday(date in dates(), now in times()) {
        let weekday = format!("{:?}", date.weekday());
        for phrase in [date.to_string(), format!("{weekday} {date}"), format!("{date}, {weekday}")] {
            let answer = read_when(&phrase, &now).expect("a date");
            prop_assert_eq!(answer.value, WhenValue::Day(date));
        }
    }

    #[test]
    fn goals_when_days_ahead_are_counted_in_the_zone_of_the_user(days in 0..5_000i32, now in times()) {
        let answer = read_when(&format!("in {days} days"), &now).expect("a date");
        prop_assert_eq!(answer.value, WhenValue::Day(now.date().saturating_add(days.days())));
    }

    #[test]
    fn goals_when_a_repetition_without_a_start_begins_after_now(
        rule in select(vec!["every day", "every 2 weeks", "every monday", "every 31st", "every feb 29", "every! month"]),
        time in select(vec!["", " at 02:30", " at 9", " at 23:30"]),
        now in times(),
    ) {
        let answer = read_when(&format!("{rule}{time}"), &now).expect("a rule");
        let WhenValue::Repeats(recurrence) = answer.value else { panic!("a rule") };
        prop_assert!(!recurrence.first().expect("a first date").is_overdue(&now));
    }
}
