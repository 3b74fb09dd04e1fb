//! Resources: the profile, the context of a goal, and a summary of a day.
//!
//! They are read at the revision of their owner: a cached one of an earlier revision is never returned.

pub mod cache;
pub mod daily;
pub mod uri;

use jiff::civil::Date;
use serde_json::{Value, json};

use self::daily::{DailySummary, PART_LIMIT};
use super::error::GoalsError;
use super::item::id::{ItemId, ItemKind};
use super::item::words::{GoalStatus, TaskStatus};
use super::item::{GoalsItem, ItemBody};
use super::journal::store::ListFilter;
use super::service::GoalsService;
use super::service::caller::{GoalsCaller, OwnerTime};
use crate::kernel::clock::Timestamp;

/// Maximum number of tasks in the context of a goal.
const CONTEXT_TASKS: usize = 100;

/// Maximum number of goals and achievements in a profile.
const PROFILE_ITEMS: usize = 20;

const fn open_states() -> [u8; 2] {
    [TaskStatus::Todo as u8, TaskStatus::InProgress as u8]
}

fn active_goals() -> ListFilter {
    let states = GoalStatus::ALL.into_iter().filter(|status| status.is_active());
    ListFilter {
        states: states.map(|status| status as u8).collect(),
        ..ListFilter::all(ItemKind::Goal)
    }
}

fn goal_json(item: &GoalsItem) -> Option<Value> {
    let goal = item.goal()?;
    Some(json!({
        "id": item.id, "rev": item.rev, "title": goal.title, "description": goal.description,
        "status": goal.status, "priority": goal.priority, "target_date": goal.target_date,
        "progress": goal.progress,
    }))
}

fn task_json(item: &GoalsItem) -> Option<Value> {
    let task = item.task()?;
    Some(json!({
        "id": item.id, "rev": item.rev, "title": task.title, "status": task.status,
        "priority": task.priority, "due_date": task.due.as_ref().map(|due| due.date),
        "needs": task.needs, "completed_at": task.completed_at.map(Timestamp::to_iso_8601),
    }))
}

/// The profile: the user, active goals, recent achievements and preferences.
///
/// # Errors
/// Returns [`GoalsError::Store`] if the store fails.
pub async fn profile(
    service: &GoalsService,
    caller: &GoalsCaller,
    time: &OwnerTime,
) -> Result<Value, GoalsError> {
    let item = service.profile(caller).await?;
    let (name, preferences) = match item.map(|item| item.body) {
        Some(ItemBody::Profile(profile)) => (profile.name, profile.preferences),
        _ => Default::default(),
    };
    let goals = service.list(caller, &active_goals(), None, PROFILE_ITEMS).await?;
    let completed =
        ListFilter { states: vec![GoalStatus::Completed as u8], ..ListFilter::all(ItemKind::Goal) };
    let mut achieved = service.list(caller, &completed, None, PROFILE_ITEMS).await?.items;
    achieved.sort_by_key(|item| item.goal().map(|goal| std::cmp::Reverse(goal.completed_at)));
    let achievement = |item: &GoalsItem| {
        let goal = item.goal()?;
        Some(json!({
            "id": item.id, "title": goal.title,
            "completed_at": goal.completed_at.map(Timestamp::to_iso_8601),
        }))
    };
    Ok(json!({
        "user": { "id": caller.owner.as_str(), "name": name, "timezone": time.zone_name() },
        "active_goals": goals.items.iter().filter_map(goal_json).collect::<Vec<_>>(),
        "active_goal_count": goals.total,
        "recent_achievements": achieved.iter().filter_map(achievement).collect::<Vec<_>>(),
        "preferences": preferences,
    }))
}

/// The context of a goal: the goal, its tasks, its progress and its dates.
///
/// # Errors
/// Returns [`GoalsError`] if there is no such goal or the store fails.
pub async fn goal_context(
    service: &GoalsService,
    caller: &GoalsCaller,
    id: &ItemId,
) -> Result<Value, GoalsError> {
    let item = service.item(caller, id, ItemKind::Goal).await?;
    let of_goal = ListFilter { goal: Some(id.clone()), ..ListFilter::all(ItemKind::Task) };
    let tasks = service.list(caller, &of_goal, None, CONTEXT_TASKS).await?;
    let done = ListFilter { states: vec![TaskStatus::Completed as u8], ..of_goal.clone() };
    let done = service.list(caller, &done, None, 1).await?.total;
    let percent = (done * 100).checked_div(tasks.total);
    let goal = item.goal();
    let events = tasks.items.iter().filter_map(|item| {
        let task = item.task()?;
        let date = task.due.as_ref().map(|due| due.date).or(task.deadline)?;
        Some(json!({ "date": date, "task_id": item.id, "title": task.title }))
    });
    Ok(json!({
        "goal": goal_json(&item),
        "tasks": tasks.items.iter().filter_map(task_json).collect::<Vec<_>>(),
        "progress": {
            "tasks": tasks.total, "completed_tasks": done,
            "percent": goal.and_then(|goal| goal.progress).map(u64::from).or(percent),
        },
        "timeline": {
            "start_date": goal.and_then(|goal| goal.start_date),
            "target_date": goal.and_then(|goal| goal.target_date),
            "events": events.collect::<Vec<_>>(),
        },
    }))
}

/// The summary of a day as Markdown.
///
/// # Errors
/// Returns [`GoalsError::Store`] if the store fails.
pub async fn daily(
    service: &GoalsService,
    caller: &GoalsCaller,
    time: &OwnerTime,
    day: Date,
) -> Result<String, GoalsError> {
    let tasks = |states: Vec<u8>, from: Option<Date>, to: Option<Date>| ListFilter {
        states,
        from,
        to,
        ..ListFilter::all(ItemKind::Task)
    };
    let open = open_states().to_vec();
    let due =
        service.list(caller, &tasks(open.clone(), Some(day), Some(day)), None, PART_LIMIT).await?;
    let overdue = match day.yesterday() {
        Ok(before) if day <= time.now.date() => {
            service.list(caller, &tasks(open, None, Some(before)), None, PART_LIMIT).await?.items
        }
        _ => Vec::new(),
    };
    let completions = service.completions(caller, day, day).await?;
    let mut ids: Vec<_> = completions.into_iter().map(|completion| completion.task).collect();
    ids.dedup();
    ids.truncate(PART_LIMIT);
    let goals = service.list(caller, &active_goals(), None, PROFILE_ITEMS).await?;
    let summary = DailySummary {
        overdue,
        due: due.items,
        completed: service.items(caller, &ids).await?,
        goals: goals.items,
    };
    Ok(summary.to_markdown(day, &time.now))
}
