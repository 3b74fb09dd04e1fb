//! Answers of `goals::when`: the meaning in words, and hints.

use random_connect::goals::when::read_when;

use super::when::{at, read, short};

#[test]
fn goals_when_echo_has_weekday_date_time_and_zone() {
    // devondragon/MotionMCP#150: an answer carries zone and weekday.
    assert_eq!(read("friday").echo, "Friday, 2027-01-15, all day");
    assert_eq!(read("friday 5pm").echo, "Friday, 2027-01-15 at 17:00 (Europe/Berlin, UTC+01)");
    assert_eq!(
        read("every 2 weeks on monday and thursday at 9").echo,
        "every 2 weeks on Monday and Thursday at 09:00 (Europe/Berlin); \
         next: Thursday, 2027-01-14; Monday, 2027-01-25; Thursday, 2027-01-28"
    );
    assert_eq!(
        read("every! 2 weeks starting friday").echo,
        "every 2 weeks, counted from completion; next: Friday, 2027-01-15; Friday, 2027-01-29; Friday, 2027-02-12"
    );
}

#[test]
fn goals_when_today_is_the_day_of_the_user() {
    // The same moment is Wednesday in New York and Thursday in Auckland.
    let now = "2027-01-13T18:00[America/New_York]";
    assert_eq!(short(&read_when("today", &at(now)).expect("a date")), "2027-01-13");
    let auckland =
        at(now).with_time_zone(jiff::tz::TimeZone::get("Pacific/Auckland").expect("a zone"));
    assert_eq!(short(&read_when("today", &auckland).expect("a date")), "2027-01-14");
}

#[test]
fn goals_when_notes_transitions() {
    let gap = read("2027-03-28 02:30");
    assert_eq!(short(&gap), "2027-03-28T03:30:00");
    assert!(gap.notes.iter().any(|note| note.contains("does not exist")), "{:?}", gap.notes);
    let fold = read("2027-10-31 02:30");
    assert!(fold.notes.iter().any(|note| note.contains("twice")), "{:?}", fold.notes);
    let daily = read("every day at 02:30 starting 2027-03-27");
    assert!(daily.echo.contains("Sunday, 2027-03-28 at 03:30"), "{}", daily.echo);
}

#[test]
fn goals_when_notes_what_it_decided() {
    let has = |phrase: &str, part: &str| {
        let notes = read(phrase).notes;
        assert!(notes.iter().any(|note| note.contains(part)), "{phrase}: {notes:?}");
    };
    has("9am", "tomorrow is meant");
    has("today at 9", "has passed");
    has("friday at 5", "write 17:00");
    has("every month on the 31st", "last day of each month");
    has("every year on feb 29", "last day of february");
    has("next week", "its Monday");
    has("end of week", "Sunday");
    assert!(read("every! month starting 2027-01-31").notes.is_empty());
    assert!(read("friday at 17:00").notes.is_empty());
}

#[test]
fn goals_when_reads_zones() {
    let answer = read("tomorrow at 9 America/New_York");
    assert_eq!(answer.echo, "Thursday, 2027-01-14 at 09:00 (America/New_York, UTC-05)");
    assert_eq!(read("tomorrow 9am utc").echo, "Thursday, 2027-01-14 at 09:00 (UTC)");
    let daily = read("every day at 9 in America/New_York");
    assert!(daily.echo.contains("(America/New_York)"), "{}", daily.echo);
}
