//! [`complete_task`] and [`reopen`]: completions of tasks, and of single occurrences of those that repeat.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;

use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::task::{Completion, DueDate, Task};
use crate::goals::item::words::TaskStatus;
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::action::TaskCompletion;
use crate::goals::journal::moment;
use crate::goals::journal::refusal::GoalsRefusal;
use crate::goals::journal::rows::{GoalsRows, RowLink};
use crate::goals::journal::working_set::{Ruled, WorkingSet};
use crate::goals::recurrence::{CatchUp, CompletionStep, Occurrence, Recurrence};

/// Completes a task. One that repeats gets its next due date, and ends with its rule.
pub(super) async fn complete_task<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    completion: TaskCompletion,
) -> Ruled<(), R> {
    let mut item = set.known(&completion.task).await?;
    let id = item.id.clone();
    let ItemBody::Task(task) = &mut item.body else {
        return Err(GoalsRefusal::WrongKind { id, expected: ItemKind::Task.name() }.into());
    };
    if !task.status.is_open() {
        let text = format!("{id} is completed or dropped already: update its status to reopen it");
        return Err(GoalsRefusal::Invalid(text).into());
    }
    let on_time = is_on_time(task, &completion.at);
    let step = next_occurrence(task, &completion)?;
    let done = ItemBody::Completion(Completion {
        task: id,
        goal: task.goal.clone(),
        occurrence: step.as_ref().map(|step| step.completed.date),
        at: moment(&completion.at),
        day: completion.at.date(),
        on_time,
        estimated_minutes: task.estimated_minutes,
        spent_minutes: completion.spent_minutes,
        missed: step
            .as_ref()
            .map_or(0, |step| u32::try_from(step.missed.len()).unwrap_or(u32::MAX)),
    });
    match (step.map(|step| step.next), &mut task.series) {
        (Some(Some(next)), Some(series)) => {
            series.pending = next.date;
            series.completions += 1;
            task.due = Some(due(&next));
            task.status = TaskStatus::Todo;
        }
        (_, series) => {
            if let Some(series) = series {
                series.completions += 1;
            }
            task.status = TaskStatus::Completed;
            task.completed_at = Some(moment(&completion.at));
        }
    }
    set.set(item);
    set.create(done);
    Ok(())
}

/// Opens a completed task, and takes its last completion back.
pub(super) async fn reopen<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    id: &ItemId,
    status: TaskStatus,
) -> Ruled<(), R> {
    let mut item = set.existing(id, ItemKind::Task).await?;
    let at = set.at;
    if let ItemBody::Task(task) = &mut item.body {
        task.status = status;
        task.completed_at = None;
        if let Some(series) = &mut task.series {
            series.completions = series.completions.saturating_sub(1);
        }
    }
    set.set(item);
    let linked = set.linked(RowLink::Task(id)).await?;
    let is_completion = |item: &GoalsItem| item.kind() == ItemKind::Completion;
    if let Some(mut last) = linked.into_iter().rfind(is_completion) {
        last.deleted_at = Some(at);
        set.set(last);
    }
    Ok(())
}

/// The step of a task that repeats. `None` for one that does not.
fn next_occurrence(
    task: &Task,
    completion: &TaskCompletion,
) -> Result<Option<CompletionStep>, GoalsRefusal> {
    let invalid = |text: String| Err(GoalsRefusal::Invalid(text));
    let Some(series) = &task.series else {
        return match completion.occurrence {
            Some(_) => invalid("the task does not repeat: omit the occurrence".to_owned()),
            None => Ok(None),
        };
    };
    if let Some(date) = completion.occurrence.filter(|date| *date < series.pending) {
        let pending = series.pending;
        return invalid(format!("the occurrence of {date} is over: {pending} is the next one"));
    }
    let rule = Recurrence::parse(&series.rule, &TimeZone::UTC);
    let rule = rule.map_err(|error| GoalsRefusal::Invalid(error.to_string()))?;
    let pending = completion.occurrence.unwrap_or(series.pending);
    if rule.occurrence_on(pending, series.pending).is_none() && pending != series.pending {
        return invalid(format!("the task has no occurrence on {pending}"));
    }
    let catch_up = match completion.occurrence {
        Some(_) => CatchUp::OneByOne,
        None => CatchUp::SkipMissed,
    };
    let step = rule.complete(pending, &completion.at, series.completions + 1, catch_up);
    step.map(Some).ok_or_else(|| GoalsRefusal::Invalid("the repetition has ended".to_owned()))
}

/// The due date of an occurrence.
fn due(occurrence: &Occurrence) -> DueDate {
    occurrence.at.as_ref().map_or_else(|| DueDate::day(occurrence.date), DueDate::moment)
}

fn is_on_time(task: &Task, at: &ZonedDateTime) -> Option<bool> {
    match (&task.due, task.deadline) {
        (Some(due), _) => Some(!due.is_over(at)),
        (None, Some(deadline)) => Some(at.date() <= deadline),
        (None, None) => None,
    }
}
