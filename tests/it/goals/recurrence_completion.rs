//! Completions in `goals::recurrence`: the next date, and what was missed.

use jiff::civil::{Date, date};
use random_connect::goals::recurrence::{AfterCompletion, CatchUp, SeriesStart};

use super::recurrence::{at, parse};

#[test]
fn goals_recurrence_reschedule_leaves_rule_and_pending_date() {
    // Doist/todoist-mcp#279: a task of Monday is moved to Wednesday and completed on that day. Due
    // date and rule are separate, so that the next date is Monday again.
    let weekly = parse("DTSTART;VALUE=DATE:20270104\nRRULE:FREQ=WEEKLY;BYDAY=MO");
    let rule_before = weekly.to_text();
    let done = weekly.complete(
        date(2027, 1, 4),
        &at("2027-01-06T20:00[Europe/Berlin]"),
        1,
        CatchUp::SkipMissed,
    );
    let done = done.expect("a completion");
    assert_eq!(done.completed.date, date(2027, 1, 4));
    assert_eq!(done.next.map(|next| next.date), Some(date(2027, 1, 11)));
    assert_eq!(weekly.to_text(), rule_before);
}

#[test]
fn goals_recurrence_completion_advances_and_never_ends_an_endless_rule() {
    // home-assistant/core#107504, raycast/extensions#10569.
    let daily = parse("DTSTART;TZID=Europe/Berlin:20270101T090000\nRRULE:FREQ=DAILY");
    let mut pending = date(2027, 1, 1);
    for day in 1..=31 {
        let now = at(&format!("2027-01-{day:02}T09:30[Europe/Berlin]"));
        let step = daily.complete(pending, &now, 1, CatchUp::SkipMissed).expect("a completion");
        assert_eq!((step.completed.date, step.missed.len()), (pending, 0));
        pending = step.next.expect("a next date").date;
    }
    assert_eq!(pending, date(2027, 2, 1));
}

#[test]
fn goals_recurrence_from_completion_counts_from_the_local_day_of_completion() {
    // Doist/todoist-cli#342: the rule was stored whole and never advanced.
    let rule = parse("DTSTART;VALUE=DATE:20270104\nX-AFTER-COMPLETION:FREQ=WEEKLY;INTERVAL=2");
    let step = rule.complete(
        date(2027, 1, 4),
        &at("2027-01-10T12:00[Europe/Berlin]"),
        1,
        CatchUp::SkipMissed,
    );
    let step = step.expect("a completion");
    assert_eq!(step.completed.date, date(2027, 1, 4));
    assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 24)));
}

#[test]
fn goals_recurrence_from_completion_clamps_to_the_end_of_the_month() {
    let next = |rule: &str, completed: Date| {
        let start = SeriesStart::Day(date(2027, 1, 31));
        let after =
            AfterCompletion::new(start, rule.parse().expect("a rule")).expect("a recurrence");
        after.next_after_completion(date(2027, 1, 31), completed, 1).map(|next| next.date)
    };
    assert_eq!(next("FREQ=MONTHLY", date(2027, 1, 31)), Some(date(2027, 2, 28)));
    // A Monday completed on a Monday is next due a week later.
    assert_eq!(next("FREQ=WEEKLY;BYDAY=MO", date(2027, 2, 1)), Some(date(2027, 2, 8)));
}

#[test]
fn goals_recurrence_early_completion_never_repeats_a_date() {
    let next = |rule: &str, completed: &str| {
        let text = format!("DTSTART;VALUE=DATE:20270118\nX-AFTER-COMPLETION:{rule}");
        let now = at(&format!("{completed}T12:00[UTC]"));
        let step =
            parse(&text).complete(date(2027, 1, 18), &now, 1, CatchUp::SkipMissed).expect("a step");
        step.next.map(|next| next.date)
    };
    assert_eq!(next("FREQ=WEEKLY;BYDAY=MO", "2027-01-17"), Some(date(2027, 1, 25)));
    assert_eq!(next("FREQ=DAILY", "2027-01-15"), Some(date(2027, 1, 19)));
    assert_eq!(next("FREQ=WEEKLY;INTERVAL=2", "2027-01-10"), Some(date(2027, 1, 24)));
}

#[test]
fn goals_recurrence_from_completion_ends_after_its_count() {
    let rule = parse("DTSTART;VALUE=DATE:20270104\nX-AFTER-COMPLETION:FREQ=DAILY;COUNT=2");
    let now = at("2027-01-04T12:00[UTC]");
    let next = |count| {
        rule.complete(date(2027, 1, 4), &now, count, CatchUp::SkipMissed).expect("a step").next
    };
    assert!(next(1).is_some());
    assert!(next(2).is_none());
}

#[test]
fn goals_recurrence_completion_far_east_of_greenwich_counts_for_its_local_day() {
    // tasks/tasks#1634, #1440, callumalpass/tasknotes#925: with UTC+13 the completion was recorded
    // as yesterday, and the task came back on the same day.
    let daily = parse("DTSTART;VALUE=DATE:20270110\nRRULE:FREQ=DAILY");
    for zone in ["Pacific/Auckland", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        for time in ["00:05", "09:00", "23:55"] {
            let now = at(&format!("2027-01-10T{time}[{zone}]"));
            let step =
                daily.complete(date(2027, 1, 10), &now, 1, CatchUp::SkipMissed).expect("a step");
            assert_eq!(step.completed.date, date(2027, 1, 10), "{now}");
            assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 11)), "{now}");
        }
    }
}

#[test]
fn goals_recurrence_late_completion_covers_the_latest_begun_occurrence() {
    let daily = parse("DTSTART;TZID=Europe/Berlin:20270101T180000\nRRULE:FREQ=DAILY");
    // Half an hour after midnight, the task of the evening before is done, not the next one.
    let step = daily.complete(
        date(2027, 1, 3),
        &at("2027-01-04T00:30[Europe/Berlin]"),
        1,
        CatchUp::SkipMissed,
    );
    let step = step.expect("a step");
    assert_eq!((step.completed.date, step.missed.len()), (date(2027, 1, 3), 0));
    assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 4)));

    let after_a_break = at("2027-01-08T19:00[Europe/Berlin]");
    let step =
        daily.complete(date(2027, 1, 3), &after_a_break, 1, CatchUp::SkipMissed).expect("a step");
    assert_eq!((step.completed.date, step.missed.len()), (date(2027, 1, 8), 5));
    let step =
        daily.complete(date(2027, 1, 3), &after_a_break, 1, CatchUp::OneByOne).expect("a step");
    assert_eq!((step.completed.date, step.missed.len()), (date(2027, 1, 3), 0));
    assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 4)));
}

#[test]
fn goals_recurrence_late_completion_covers_the_all_day_occurrence_of_today() {
    let daily = parse("DTSTART;VALUE=DATE:20270101\nRRULE:FREQ=DAILY");
    let step = daily.complete(
        date(2027, 1, 3),
        &at("2027-01-04T08:00[Europe/Berlin]"),
        1,
        CatchUp::SkipMissed,
    );
    let step = step.expect("a step");
    assert_eq!((step.completed.date, step.missed.len()), (date(2027, 1, 4), 1));
    assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 5)));
}

#[test]
fn goals_recurrence_from_completion_counts_from_today_far_east_of_greenwich() {
    // 09:00 on January 10 in Auckland is still January 9 in UTC.
    let now = at("2027-01-10T09:00[Pacific/Auckland]");
    let starts = ["DTSTART;VALUE=DATE:20270108", "DTSTART;TZID=Pacific/Auckland:20270108T080000"];
    for start in starts {
        let rule = parse(&format!("{start}\nX-AFTER-COMPLETION:FREQ=DAILY"));
        let step = rule.complete(date(2027, 1, 8), &now, 1, CatchUp::SkipMissed).expect("a step");
        assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 11)), "{start}");
    }
}

#[test]
fn goals_recurrence_early_completion_completes_the_pending_occurrence() {
    let weekly = parse("DTSTART;VALUE=DATE:20270104\nRRULE:FREQ=WEEKLY");
    let step =
        weekly.complete(date(2027, 1, 11), &at("2027-01-05T12:00[UTC]"), 1, CatchUp::SkipMissed);
    let step = step.expect("a step");
    assert_eq!(step.completed.date, date(2027, 1, 11));
    assert_eq!(step.next.map(|next| next.date), Some(date(2027, 1, 18)));
}

#[test]
fn goals_recurrence_two_readers_compute_the_same_occurrence() {
    // taskwarrior#3550, super-productivity#6398: reading created occurrences. Here, two completions
    // of the same pending date name the same key, which a store holds once.
    let daily = parse("DTSTART;VALUE=DATE:20270110\nRRULE:FREQ=DAILY");
    let now = at("2027-01-10T12:00[UTC]");
    let read = || daily.complete(date(2027, 1, 10), &now, 1, CatchUp::SkipMissed);
    assert_eq!(read(), read());
}
