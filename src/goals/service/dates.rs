//! Dates of arguments: what a phrase means for a goal or a task.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use crate::goals::error::GoalsError;
use crate::goals::item::task::{DueDate, TaskSeries};
use crate::goals::recurrence::Recurrence;
use crate::goals::when::{WhenValue, read_when};

/// The meaning of a due date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMeaning {
    pub due: DueDate,
    /// Set if the phrase repeats.
    pub series: Option<TaskSeries>,
    /// Hints about decisions that the phrase left open.
    pub notes: Vec<String>,
}

/// Reads the due date of a task.
///
/// # Errors
/// Returns [`GoalsError::Date`] if the phrase has no single meaning.
pub fn due(
    argument: &'static str,
    phrase: &str,
    now: &ZonedDateTime,
) -> Result<DueMeaning, GoalsError> {
    let answer =
        read_when(phrase, now).map_err(|problem| GoalsError::Date { argument, problem })?;
    let (due, series) = match &answer.value {
        WhenValue::Day(date) => (DueDate::day(*date), None),
        WhenValue::Moment(at) => (DueDate::moment(at), None),
        WhenValue::Repeats(rule) => {
            let (due, series) = first(rule).ok_or_else(|| {
                GoalsError::invalid(format!("{argument}: the repetition has no date"))
            })?;
            (due, Some(series))
        }
    };
    Ok(DueMeaning { due, series, notes: answer.notes })
}

fn first(rule: &Recurrence) -> Option<(DueDate, TaskSeries)> {
    let first = rule.first()?;
    let due = first.at.as_ref().map_or_else(|| DueDate::day(first.date), DueDate::moment);
    let series = TaskSeries { rule: rule.to_text(), pending: first.date, completions: 0 };
    Some((due, series))
}

/// Reads a date without a time.
///
/// # Errors
/// Returns [`GoalsError`] if the phrase has no single meaning, or a time or a repetition.
pub fn day(argument: &'static str, phrase: &str, now: &ZonedDateTime) -> Result<Date, GoalsError> {
    let answer =
        read_when(phrase, now).map_err(|problem| GoalsError::Date { argument, problem })?;
    match answer.value {
        WhenValue::Day(date) => Ok(date),
        WhenValue::Moment(at) => Ok(at.with_time_zone(now.time_zone().clone()).date()),
        WhenValue::Repeats(_) => {
            Err(GoalsError::invalid(format!("{argument}: a repetition is not possible here")))
        }
    }
}
