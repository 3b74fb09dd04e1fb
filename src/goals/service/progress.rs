//! [`ProgressAnalysis`]: what the completions of a period say. Pure.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use schemars::JsonSchema;
use serde::Serialize;

use crate::goals::item::task::Completion;

/// Number of weeks that a forecast needs.
const FORECAST_WEEKS: usize = 5;

/// The completions of a day.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DayProgress {
    pub date: String,
    pub tasks_completed: u32,
    /// The mean of the minutes that tasks took; null if no completion of the day says it.
    pub avg_duration: Option<f64>,
}

/// The completions of a week, which begins on Monday.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WeekProgress {
    pub monday: String,
    pub tasks_completed: u32,
}

/// When the open tasks will be done at the present pace.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProgressForecast {
    pub open_tasks: u64,
    /// The median of the completions in a whole week of the period.
    pub tasks_per_week: f64,
    /// Null with `reason`.
    pub weeks_left: Option<u32>,
    /// Why there is no forecast.
    pub reason: Option<String>,
}

/// The numbers of the completions of a period.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProgressAnalysis {
    /// The first and the last day, in the zone of the owner.
    pub from: String,
    pub to: String,
    /// Each day of the period, also those without a completion.
    pub progress_data: Vec<DayProgress>,
    pub weeks: Vec<WeekProgress>,
    pub tasks_completed: u32,
    /// The part of the completions with a due date or a deadline that came in time, from 0 to 1.
    pub on_time_rate: Option<f64>,
    /// Minutes that tasks took, divided by their estimates.
    pub actual_to_estimate: Option<f64>,
    /// Days in a row with a completion, up to today or yesterday.
    pub current_streak_days: u32,
    pub longest_streak_days: u32,
    pub forecast: ProgressForecast,
    /// How the numbers are computed.
    pub method: String,
}

const METHOD: &str = "Counts of completions by the day in your zone. on_time_rate: completions before the end of the due \
     date, or of the deadline without one. actual_to_estimate: sum of spent minutes / sum of estimates, of completions with \
     both. Forecast: open tasks / median of whole weeks.";

/// Analyzes the completions from `from` to `to`, which is today.
#[must_use]
pub fn analyze(
    completions: &[Completion],
    from: Date,
    to: Date,
    open_tasks: u64,
) -> ProgressAnalysis {
    let days: Vec<Date> = from.series(1.day()).take_while(|day| *day <= to).collect();
    let of_day = |day: Date| completions.iter().filter(move |completion| completion.day == day);
    let progress_data: Vec<_> = days.iter().map(|day| day_progress(*day, of_day(*day))).collect();
    let counts: Vec<u32> = progress_data.iter().map(|day| day.tasks_completed).collect();
    let weeks = weeks(&days, &counts);
    let (current, longest) = streaks(&counts);
    ProgressAnalysis {
        from: from.to_string(),
        to: to.to_string(),
        tasks_completed: counts.iter().sum(),
        on_time_rate: on_time_rate(completions),
        actual_to_estimate: actual_to_estimate(completions),
        current_streak_days: current,
        longest_streak_days: longest,
        forecast: forecast(&weeks, from, to, open_tasks),
        weeks,
        progress_data,
        method: METHOD.to_owned(),
    }
}

fn day_progress<'a>(day: Date, of_day: impl Iterator<Item = &'a Completion>) -> DayProgress {
    let (mut count, mut spent) = (0, Vec::new());
    for completion in of_day {
        count += 1;
        spent.extend(completion.spent_minutes.map(f64::from));
    }
    DayProgress { date: day.to_string(), tasks_completed: count, avg_duration: mean(&spent) }
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.iter().sum::<f64>() / f64::from(count))
}

fn weeks(days: &[Date], counts: &[u32]) -> Vec<WeekProgress> {
    let mut weeks: Vec<WeekProgress> = Vec::new();
    for (day, count) in days.iter().zip(counts) {
        match weeks.last_mut() {
            Some(week) if day.weekday() != Weekday::Monday => week.tasks_completed += count,
            _ => {
                let since = i64::from(day.weekday().to_monday_zero_offset());
                let monday = day.checked_sub(since.days()).unwrap_or(*day).to_string();
                weeks.push(WeekProgress { monday, tasks_completed: *count });
            }
        }
    }
    weeks
}

fn on_time_rate(completions: &[Completion]) -> Option<f64> {
    let known: Vec<_> = completions.iter().filter_map(|completion| completion.on_time).collect();
    mean(&known.iter().map(|on_time| f64::from(u8::from(*on_time))).collect::<Vec<_>>())
}

fn actual_to_estimate(completions: &[Completion]) -> Option<f64> {
    let both = |completion: &Completion| {
        Some((f64::from(completion.spent_minutes?), f64::from(completion.estimated_minutes?)))
    };
    let both: Vec<_> = completions.iter().filter_map(both).collect();
    let estimated: f64 = both.iter().map(|(_, estimate)| estimate).sum();
    let spent: f64 = both.iter().map(|(spent, _)| spent).sum();
    (estimated > 0.0).then(|| spent / estimated)
}

/// The days in a row up to the last day or the one before it, and the longest such row.
fn streaks(counts: &[u32]) -> (u32, u32) {
    let (mut longest, mut row) = (0, 0);
    for count in counts {
        row = if *count > 0 { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    // The last day is not over yet.
    let begun = counts.len() - usize::from(counts.last() == Some(&0));
    let current = counts[..begun].iter().rev().take_while(|count| **count > 0).count();
    (u32::try_from(current).unwrap_or(u32::MAX), longest)
}

fn forecast(weeks: &[WeekProgress], from: Date, to: Date, open_tasks: u64) -> ProgressForecast {
    let first = usize::from(from.weekday() != Weekday::Monday);
    let last = weeks.len() - usize::from(to.weekday() != Weekday::Sunday && !weeks.is_empty());
    let mut whole: Vec<u32> = weeks
        .get(first..last)
        .unwrap_or_default()
        .iter()
        .map(|week| week.tasks_completed)
        .collect();
    whole.sort_unstable();
    let median = match whole.len() {
        0 => 0.0,
        count if count % 2 == 1 => f64::from(whole[count / 2]),
        count => f64::from(whole[count / 2 - 1] + whole[count / 2]) / 2.0,
    };
    let mut forecast =
        ProgressForecast { open_tasks, tasks_per_week: median, weeks_left: None, reason: None };
    if whole.len() < FORECAST_WEEKS {
        let text = format!("too little data: {} of {FORECAST_WEEKS} whole weeks", whole.len());
        forecast.reason = Some(text);
    } else if median <= 0.0 {
        forecast.reason = Some("too little data: no task was completed in most weeks".to_owned());
    } else {
        let open = f64::from(u32::try_from(open_tasks).unwrap_or(u32::MAX));
        // The quotient of two numbers of 32 bits.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let weeks = (open / median).ceil() as u32;
        forecast.weeks_left = Some(weeks);
    }
    forecast
}
