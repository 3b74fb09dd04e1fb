//! The arguments of the tools of tasks, and what they mean.

use jiff::ZonedDateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{MAX_TEXT, MAX_TITLE, clearable, day, labels, reminders, text};
use super::call::{CallScene, error_text};
use super::view::id;
use crate::goals::item::id::ItemId;
use crate::goals::item::task::Task;
use crate::goals::item::words::{Priority, TaskStatus};
use crate::goals::journal::action::{ItemUpdate, KnownItem, MAX_BATCH};
use crate::goals::journal::patch::{ItemPatch, TaskPatch};
use crate::goals::service::dates;

/// The largest estimate, in minutes: a year.
const MAX_MINUTES: u32 = 525_600;

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct ListTasksArgs {
    /// Omit it: your token says who you are.
    pub user_id: Option<String>,
    pub goal_id: Option<String>,
    /// Only tasks of this status.
    pub status: Option<TaskStatus>,
    /// Only tasks that are due on this day, in words or as 2027-01-15.
    pub due_date: Option<String>,
    /// Only tasks that are due on this day or later.
    pub due_from: Option<String>,
    /// Only tasks that are due on this day or earlier.
    pub due_until: Option<String>,
    /// Only open tasks whose due date has passed.
    pub overdue: Option<bool>,
    /// Only tasks with this label.
    pub label: Option<String>,
    /// Only the subtasks of this task.
    pub parent_id: Option<String>,
    /// Maximum number of tasks, 20 if it is omitted.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<usize>,
    /// `next_cursor` of the answer before.
    pub cursor: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TaskArgs {
    pub user_id: Option<String>,
    pub task_id: String,
}

/// A task that is created.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct NewTaskArgs {
    #[schemars(length(min = 1, max = 300))]
    pub title: String,
    #[schemars(length(max = 10_000))]
    pub description: Option<String>,
    pub goal_id: Option<String>,
    /// The task that this one is a part of.
    pub parent_id: Option<String>,
    /// When to do it, in words: "tomorrow at 9", "end of month", "every 2nd friday at 9", or as 2027-01-15.
    pub due_date: Option<String>,
    pub start_date: Option<String>,
    /// The day after which it is too late.
    pub deadline: Option<String>,
    pub priority: Option<Priority>,
    /// In minutes.
    #[schemars(range(min = 1, max = 525_600))]
    pub estimated_duration: Option<u32>,
    pub labels: Option<Vec<String>>,
    /// The ids of tasks that must be done before this one.
    pub needs: Option<Vec<String>>,
    /// Reminders, in minutes before the due date.
    pub reminders: Option<Vec<u32>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CreateTaskArgs {
    pub user_id: Option<String>,
    #[schemars(length(min = 1, max = 300))]
    pub title: String,
    #[schemars(length(max = 10_000))]
    pub description: Option<String>,
    pub goal_id: Option<String>,
    /// The task that this one is a part of.
    pub parent_id: Option<String>,
    /// When to do it, in words: "tomorrow at 9", "end of month", "every 2nd friday at 9", or as 2027-01-15.
    pub due_date: Option<String>,
    pub start_date: Option<String>,
    /// The day after which it is too late.
    pub deadline: Option<String>,
    pub priority: Option<Priority>,
    /// In minutes.
    #[schemars(range(min = 1, max = 525_600))]
    pub estimated_duration: Option<u32>,
    pub labels: Option<Vec<String>>,
    /// The ids of tasks that must be done before this one.
    pub needs: Option<Vec<String>>,
    /// Reminders, in minutes before the due date.
    pub reminders: Option<Vec<u32>>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CreateTasksArgs {
    pub user_id: Option<String>,
    /// At most 100. All are created, or none.
    #[schemars(length(min = 1, max = 100))]
    pub tasks: Vec<NewTaskArgs>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct TaskChangeArgs {
    pub task_id: String,
    /// The revision that you have seen. If the task has changed since, nothing happens.
    pub if_rev: Option<u64>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub status: Option<TaskStatus>,
    pub priority: Option<Priority>,
    /// The goal; an empty text removes it.
    pub goal_id: Option<String>,
    pub parent_id: Option<String>,
    /// In words; an empty text removes it. A task that repeats still does, unless the words say how it repeats.
    pub due_date: Option<String>,
    /// How it repeats, such as "every monday"; an empty text ends the repetition.
    pub repeats: Option<String>,
    pub start_date: Option<String>,
    pub deadline: Option<String>,
    /// In minutes; 0 removes it.
    pub estimated_duration: Option<u32>,
    pub labels: Option<Vec<String>>,
    pub reminders: Option<Vec<u32>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct UpdateTaskArgs {
    pub user_id: Option<String>,
    pub task_id: String,
    /// The revision that you have seen. If the task has changed since, nothing happens.
    pub if_rev: Option<u64>,
    #[schemars(length(min = 1, max = 300))]
    pub title: Option<String>,
    #[schemars(length(max = 10_000))]
    pub description: Option<String>,
    pub status: Option<TaskStatus>,
    pub priority: Option<Priority>,
    /// The goal; an empty text removes it.
    pub goal_id: Option<String>,
    pub parent_id: Option<String>,
    /// In words; an empty text removes it. A task that repeats still does, unless the words say how it repeats.
    pub due_date: Option<String>,
    /// How it repeats, such as "every monday"; an empty text ends the repetition.
    pub repeats: Option<String>,
    pub start_date: Option<String>,
    pub deadline: Option<String>,
    /// In minutes; 0 removes it.
    pub estimated_duration: Option<u32>,
    pub labels: Option<Vec<String>>,
    pub reminders: Option<Vec<u32>>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct UpdateTasksArgs {
    pub user_id: Option<String>,
    /// At most 100. All are changed, or none.
    #[schemars(length(min = 1, max = 100))]
    pub tasks: Vec<TaskChangeArgs>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CompleteTaskArgs {
    pub user_id: Option<String>,
    pub task_id: String,
    pub if_rev: Option<u64>,
    /// The date of the occurrence of a task that repeats. The one that is due if it is omitted.
    pub occurrence: Option<String>,
    /// The time that it took, in minutes.
    #[schemars(range(min = 0, max = 525_600))]
    pub spent_minutes: Option<u32>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct RescheduleArgs {
    pub user_id: Option<String>,
    /// The ids of at most 100 tasks. All are moved, or none.
    #[schemars(length(min = 1, max = 100))]
    pub task_ids: Vec<String>,
    /// The new due date in words. Tasks that repeat still do.
    pub due_date: String,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct DeleteTaskArgs {
    pub user_id: Option<String>,
    pub task_id: String,
    pub if_rev: Option<u64>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct LinkTasksArgs {
    pub user_id: Option<String>,
    pub task_id: String,
    /// The ids of tasks that must be done before it.
    #[schemars(length(min = 1, max = 100))]
    pub needs: Vec<String>,
    /// True to remove these links.
    pub remove: Option<bool>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    pub request_id: Option<String>,
    /// True to see what would change, and change nothing.
    pub dry_run: Option<bool>,
}

pub(super) fn minutes(argument: &str, minutes: u32) -> Result<u32, String> {
    if minutes > MAX_MINUTES {
        return Err(format!("{argument} is more than a year."));
    }
    Ok(minutes)
}

pub(super) fn ids(argument: &str, texts: &[String]) -> Result<Vec<ItemId>, String> {
    if texts.len() > MAX_BATCH {
        return Err(format!("{argument} has more than {MAX_BATCH} entries."));
    }
    texts.iter().map(|text| id(argument, text)).collect()
}

/// The task of these arguments, with hints about its dates.
pub(super) fn new_task(
    args: &NewTaskArgs,
    now: &ZonedDateTime,
) -> Result<(Task, Vec<String>), String> {
    let link = |argument, text: &Option<String>| {
        text.as_deref().map(|text| id(argument, text)).transpose()
    };
    let date = |argument, phrase: &Option<String>| {
        phrase.as_deref().map(|phrase| day(argument, phrase, now)).transpose()
    };
    let due = args.due_date.as_deref().filter(|phrase| !phrase.trim().is_empty());
    let due = due.map(|phrase| dates::due("due_date", phrase, now)).transpose();
    let due = due.map_err(error_text)?;
    let task = Task {
        title: text("title", &args.title, 1, MAX_TITLE)?,
        description: text("description", args.description.as_deref().unwrap_or(""), 0, MAX_TEXT)?,
        goal: link("goal_id", &args.goal_id)?,
        parent: link("parent_id", &args.parent_id)?,
        needs: ids("needs", args.needs.as_deref().unwrap_or_default())?,
        priority: args.priority.unwrap_or_default(),
        start_date: date("start_date", &args.start_date)?,
        deadline: date("deadline", &args.deadline)?,
        estimated_minutes: args
            .estimated_duration
            .map(|duration| minutes("estimated_duration", duration))
            .transpose()?,
        labels: labels("labels", args.labels.clone().unwrap_or_default())?,
        reminders: reminders(args.reminders.clone().unwrap_or_default())?,
        due: due.as_ref().map(|due| due.due.clone()),
        series: due.as_ref().and_then(|due| due.series.clone()),
        ..Task::default()
    };
    Ok((task, due.map(|due| due.notes).unwrap_or_default()))
}

/// The change of these arguments, with hints about its dates.
fn task_patch(
    args: &TaskChangeArgs,
    now: &ZonedDateTime,
) -> Result<(TaskPatch, Vec<String>), String> {
    let mut notes = Vec::new();
    let due = clearable(args.due_date.as_ref(), |phrase| {
        dates::due("due_date", phrase, now).map_err(error_text)
    })?;
    let mut patch = TaskPatch {
        title: args.title.as_deref().map(|title| text("title", title, 1, MAX_TITLE)).transpose()?,
        description: args
            .description
            .as_deref()
            .map(|words| text("description", words, 0, MAX_TEXT))
            .transpose()?,
        goal: clearable(args.goal_id.as_ref(), |text| id("goal_id", text))?,
        parent: clearable(args.parent_id.as_ref(), |text| id("parent_id", text))?,
        status: args.status,
        priority: args.priority,
        start_date: clearable(args.start_date.as_ref(), |text| day("start_date", text, now))?,
        deadline: clearable(args.deadline.as_ref(), |text| day("deadline", text, now))?,
        labels: args.labels.clone().map(|all| labels("labels", all)).transpose()?,
        reminders: args.reminders.clone().map(reminders).transpose()?,
        estimated_minutes: match args.estimated_duration {
            None => None,
            Some(0) => Some(None),
            Some(duration) => Some(Some(minutes("estimated_duration", duration)?)),
        },
        ..TaskPatch::default()
    };
    if let Some(due) = due {
        let due = due.map(|due| {
            notes.extend(due.notes);
            (due.due, due.series)
        });
        // Words that repeat change the rule; a date alone does not.
        if let Some((_, Some(series))) = &due {
            patch.series = Some(Some(series.clone()));
        }
        patch.due = Some(due.map(|(due, _)| due));
    }
    let repeats = clearable(args.repeats.as_ref(), |phrase| {
        dates::due("repeats", phrase, now).map_err(error_text)
    })?;
    match repeats {
        None => {}
        Some(None) => patch.series = Some(None),
        Some(Some(meaning)) => {
            let Some(series) = meaning.series else {
                return Err(
                    "repeats: the words do not say how it repeats, such as \"every monday\"."
                        .to_owned(),
                );
            };
            notes.extend(meaning.notes);
            patch.series = Some(Some(series));
            patch.due.get_or_insert(Some(meaning.due));
        }
    }
    Ok((patch, notes))
}

/// The change of one task, with hints about its dates.
pub(super) fn update(
    args: &TaskChangeArgs,
    scene: &CallScene,
) -> Result<(ItemUpdate, Vec<String>), String> {
    let (patch, notes) = task_patch(args, &scene.time.now)?;
    let update = ItemUpdate {
        item: KnownItem { id: id("task_id", &args.task_id)?, if_rev: args.if_rev },
        patch: ItemPatch::Task(Box::new(patch)),
        now: scene.time.now.clone(),
    };
    Ok((update, notes))
}

/// Checks the number of items of a write.
pub(super) fn check_batch(count: usize) -> Result<(), String> {
    match count {
        0 => Err("The list is empty.".to_owned()),
        1..=MAX_BATCH => Ok(()),
        _ => Err(format!("The list has {count} entries; at most {MAX_BATCH} are possible.")),
    }
}
