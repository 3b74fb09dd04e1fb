//! Progress: what completions of a period say.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use random_connect::goals::item::task::Completion;
use random_connect::goals::service::progress::analyze;
use random_connect::kernel::clock::Timestamp;

fn completion(day: Date) -> Completion {
    Completion {
        task: "t0000000000000000".parse().expect("an id"),
        goal: None,
        occurrence: None,
        at: Timestamp::default(),
        day,
        on_time: None,
        estimated_minutes: None,
        spent_minutes: None,
        missed: 0,
    }
}

#[test]
fn goals_progress_has_each_day_of_the_period_also_those_without_a_completion() {
    let done = [completion(date(2027, 1, 13)), completion(date(2027, 1, 15))];
    let analysis = analyze(&done, date(2027, 1, 11), date(2027, 1, 15), 4);
    let counts: Vec<_> = analysis.progress_data.iter().map(|day| day.tasks_completed).collect();
    assert_eq!(counts, [0, 0, 1, 0, 1]);
    assert_eq!((analysis.current_streak_days, analysis.longest_streak_days), (1, 1));
    assert!(analysis.forecast.reason.expect("a reason").starts_with("too little data"));
}

#[test]
fn goals_progress_streak_does_not_end_before_the_day_is_over() {
    let done: Vec<_> = (11..15).map(|day| completion(date(2027, 1, day))).collect();
    let analysis = analyze(&done, date(2027, 1, 10), date(2027, 1, 15), 0);
    assert_eq!((analysis.current_streak_days, analysis.longest_streak_days), (4, 4));
    let later = analyze(&done, date(2027, 1, 10), date(2027, 1, 16), 0);
    assert_eq!((later.current_streak_days, later.longest_streak_days), (0, 4));
}

#[test]
fn goals_progress_compares_times_and_estimates_of_completions_that_have_both() {
    let mut done = vec![completion(date(2027, 1, 11)); 3];
    done[0].on_time = Some(true);
    done[1].on_time = Some(false);
    (done[0].spent_minutes, done[0].estimated_minutes) = (Some(90), Some(60));
    done[1].spent_minutes = Some(500);
    done[2].estimated_minutes = Some(500);
    let analysis = analyze(&done, date(2027, 1, 11), date(2027, 1, 11), 0);
    assert_eq!((analysis.on_time_rate, analysis.actual_to_estimate), (Some(0.5), Some(1.5)));
    assert_eq!(analysis.progress_data[0].avg_duration, Some(295.0));
}

#[test]
fn goals_progress_forecast_is_the_open_tasks_at_the_median_of_whole_weeks() {
    // Six whole weeks from Monday, January 4, with 1 to 6 completions, and a part of a seventh.
    let monday = date(2027, 1, 4);
    let done: Vec<_> = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]
        .into_iter()
        .flat_map(|(week, count)| vec![completion(monday.saturating_add((7 * week).days())); count])
        .collect();
    let analysis = analyze(&done, date(2027, 1, 2), date(2027, 2, 16), 7);
    assert!((analysis.forecast.tasks_per_week - 3.5).abs() < f64::EPSILON);
    assert_eq!(analysis.forecast.weeks_left, Some(2));
}

proptest! {
    #[test]
    fn goals_progress_sums_are_equal_by_day_and_by_week(
        offsets in proptest::collection::vec(0..60_i64, 0..80),
        length in 1..60_i64,
    ) {
        let from = date(2027, 1, 1);
        let to = from.saturating_add((length - 1).days());
        let day = |offset: &i64| completion(from.saturating_add(offset.days()));
        let done: Vec<_> = offsets.iter().filter(|offset| **offset < length).map(day).collect();
        let analysis = analyze(&done, from, to, 0);
        prop_assert_eq!(i64::try_from(analysis.progress_data.len()), Ok(length));
        prop_assert_eq!(analysis.tasks_completed as usize, done.len());
        let weeks: u32 = analysis.weeks.iter().map(|week| week.tasks_completed).sum();
        prop_assert_eq!(weeks, analysis.tasks_completed);
        prop_assert!(analysis.current_streak_days <= analysis.longest_streak_days);
    }
}
