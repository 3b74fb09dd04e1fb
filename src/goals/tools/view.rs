//! Items as answers show them. Pure.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use crate::goals::item::goal::{Goal, LifeArea};
use crate::goals::item::id::ItemId;
use crate::goals::item::memory::UserMemory;
use crate::goals::item::task::{DueDate, Task};
use crate::goals::item::words::{GoalStatus, MemoryKind, Priority, TaskStatus};
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::recurrence::{Occurrence, Recurrence};
use crate::goals::service::caller::OwnerTime;
use crate::goals::when::{describe, named_date, named_moment};
use crate::kernel::clock::Timestamp;

/// The date of an answer, for the dates in it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AnswerDate {
    /// The date with its weekday, in the zone of the owner.
    pub today: String,
    /// The IANA name of the zone.
    pub zone: String,
}

impl AnswerDate {
    #[must_use]
    pub fn of(time: &OwnerTime) -> Self {
        Self { today: named_date(time.now.date()), zone: time.zone_name().to_owned() }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GoalView {
    pub id: String,
    pub rev: u64,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub status: GoalStatus,
    pub priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life_area_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_date: Option<String>,
    /// In percent, as the owner has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
}

impl GoalView {
    #[must_use]
    pub fn of(item: &GoalsItem, goal: &Goal) -> Self {
        Self {
            id: item.id.to_string(),
            rev: item.rev,
            title: goal.title.clone(),
            description: goal.description.clone(),
            status: goal.status,
            priority: goal.priority,
            life_area_id: text(goal.area.as_ref()),
            parent_id: text(goal.parent.as_ref()),
            start_date: text(goal.start_date.as_ref()),
            target_date: text(goal.target_date.as_ref()),
            progress: goal.progress,
            created_at: item.created_at.to_iso_8601(),
            updated_at: item.updated_at.to_iso_8601(),
            completed_at: goal.completed_at.map(Timestamp::to_iso_8601),
        }
    }
}

/// How a task repeats.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RepetitionView {
    /// In words.
    pub repeats: String,
    /// The rule as in iCalendar; null if it counts from the completion.
    pub rrule: Option<String>,
    /// The next three dates.
    pub next_dates: Vec<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskView {
    pub id: String,
    pub rev: u64,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub status: TaskStatus,
    pub priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// A date, or a time with its offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// The due date in words, with its weekday and zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition: Option<RepetitionView>,
    /// In minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_duration: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The tasks that must be done before this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Reminders, in minutes before the due date.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<u32>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
}

impl TaskView {
    #[must_use]
    pub fn of(item: &GoalsItem, task: &Task, now: &ZonedDateTime) -> Self {
        let due = task.due.as_ref();
        Self {
            id: item.id.to_string(),
            rev: item.rev,
            title: task.title.clone(),
            description: task.description.clone(),
            status: task.status,
            priority: task.priority,
            goal_id: text(task.goal.as_ref()),
            parent_id: text(task.parent.as_ref()),
            due_date: due.map(due_text),
            due: due.map(due_words),
            overdue: task.status.is_open() && due.is_some_and(|due| due.is_over(now)),
            start_date: text(task.start_date.as_ref()),
            deadline: text(task.deadline.as_ref()),
            repetition: repetition(task),
            estimated_duration: task.estimated_minutes,
            labels: task.labels.clone(),
            needs: task.needs.iter().map(ToString::to_string).collect(),
            reminders: task.reminders.clone(),
            created_at: item.created_at.to_iso_8601(),
            updated_at: item.updated_at.to_iso_8601(),
            completed_at: task.completed_at.map(Timestamp::to_iso_8601),
        }
    }
}

/// The moment of a due date in its zone.
fn moment(due: &DueDate) -> Option<ZonedDateTime> {
    let zone = TimeZone::get(&due.at.as_ref()?.zone).ok()?;
    Some(due.instant()?.to_zoned_datetime(zone))
}

fn due_text(due: &DueDate) -> String {
    let moment = moment(due).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    moment.unwrap_or_else(|| due.date.to_string())
}

fn due_words(due: &DueDate) -> String {
    moment(due).map_or_else(|| named_date(due.date), |at| named_moment(&at))
}

fn repetition(task: &Task) -> Option<RepetitionView> {
    let series = task.series.as_ref()?;
    let rule = Recurrence::parse(&series.rule, &TimeZone::UTC).ok()?;
    let next_dates = if task.status.is_open() { rule.preview(series.pending) } else { Vec::new() };
    let words =
        |next: &Occurrence| next.at.as_ref().map_or_else(|| named_date(next.date), named_moment);
    Some(RepetitionView {
        repeats: describe(&rule),
        rrule: rule.rule_text(),
        next_dates: next_dates.iter().map(words).collect(),
    })
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemoryView {
    pub id: String,
    pub rev: u64,
    pub content: String,
    pub memory_type: MemoryKind,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Goals, tasks and memories that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    pub created_at: String,
    pub updated_at: String,
}

impl MemoryView {
    #[must_use]
    pub fn of(item: &GoalsItem, memory: &UserMemory) -> Self {
        Self {
            id: item.id.to_string(),
            rev: item.rev,
            content: memory.content.clone(),
            memory_type: memory.kind,
            tags: memory.tags.clone(),
            about: memory.about.iter().map(ToString::to_string).collect(),
            metadata: memory.metadata.clone(),
            valid_from: text(memory.valid_from.as_ref()),
            valid_until: text(memory.valid_until.as_ref()),
            supersedes: text(memory.supersedes.as_ref()),
            superseded_by: text(memory.superseded_by.as_ref()),
            pinned: memory.pinned,
            created_at: item.created_at.to_iso_8601(),
            updated_at: item.updated_at.to_iso_8601(),
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AreaView {
    pub id: String,
    pub rev: u64,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The share of attention that the owner wants to give, from 0 to 100.
    pub weight: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

impl AreaView {
    #[must_use]
    pub fn of(item: &GoalsItem, area: &LifeArea) -> Self {
        Self {
            id: item.id.to_string(),
            rev: item.rev,
            name: area.name.clone(),
            description: area.description.clone(),
            weight: area.weight,
            icon: area.icon.clone(),
            color: area.color.clone(),
        }
    }
}

/// An item of any kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ItemView {
    Goal(GoalView),
    Task(Box<TaskView>),
    Memory(MemoryView),
    Area(AreaView),
}

impl ItemView {
    /// `None` for completions and profiles, which have no id for a caller.
    #[must_use]
    pub fn of(item: &GoalsItem, now: &ZonedDateTime) -> Option<Self> {
        Some(match &item.body {
            ItemBody::Goal(goal) => Self::Goal(GoalView::of(item, goal)),
            ItemBody::Task(task) => Self::Task(Box::new(TaskView::of(item, task, now))),
            ItemBody::Memory(memory) => Self::Memory(MemoryView::of(item, memory)),
            ItemBody::Area(area) => Self::Area(AreaView::of(item, area)),
            ItemBody::Completion(_) | ItemBody::Profile(_) => return None,
        })
    }
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

/// An id in an argument.
///
/// # Errors
/// Returns the error to answer with.
pub fn id(argument: &str, text: &str) -> Result<ItemId, String> {
    text.parse().map_err(|problem| format!("{argument}: {problem}"))
}
