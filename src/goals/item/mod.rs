//! [`GoalsItem`]: what an owner stores, in one form for all kinds.
//!
//! Each kind has a body: [`goal`], [`task`], [`memory`]. A backend stores an item as JSON with the [`ItemColumns`] that
//! it filters and sorts by. To add a kind, add a variant to [`ItemKind`] and [`ItemBody`], and its columns
//! to [`GoalsItem::columns`]; stores, journal, undo and backup then have it too.

pub mod goal;
pub mod id;
pub mod memory;
pub mod task;
pub mod time;
pub mod words;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use self::goal::{Goal, LifeArea};
use self::id::{ItemId, ItemKind};
use self::memory::{Profile, UserMemory};
use self::task::{Completion, Task};
use self::time::{millis, optional_millis};
use crate::kernel::clock::Timestamp;

/// Something that an owner stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalsItem {
    pub id: ItemId,
    /// The number of the owner's write that has changed the item last.
    pub rev: u64,
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    #[serde(with = "millis")]
    pub updated_at: Timestamp,
    /// Set while the item is in the bin.
    #[serde(default, with = "optional_millis", skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    pub body: ItemBody,
}

/// The fields of an item of each kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ItemBody {
    Area(LifeArea),
    Goal(Goal),
    Task(Task),
    Memory(UserMemory),
    Completion(Completion),
    Profile(Profile),
}

impl ItemBody {
    #[must_use]
    pub const fn kind(&self) -> ItemKind {
        match self {
            Self::Area(_) => ItemKind::Area,
            Self::Goal(_) => ItemKind::Goal,
            Self::Task(_) => ItemKind::Task,
            Self::Memory(_) => ItemKind::Memory,
            Self::Completion(_) => ItemKind::Completion,
            Self::Profile(_) => ItemKind::Profile,
        }
    }

    /// The number of the state. Items are counted and filtered by it.
    #[must_use]
    pub const fn state(&self) -> u8 {
        match self {
            Self::Goal(goal) => goal.status as u8,
            Self::Task(task) => task.status as u8,
            Self::Memory(memory) => memory.kind as u8,
            Self::Area(_) | Self::Completion(_) | Self::Profile(_) => 0,
        }
    }
}

/// The values of an item that a backend filters and sorts by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemColumns {
    pub state: u8,
    /// The order of lists: unique, because it ends with the id.
    pub sort: String,
    /// The goal of a task or completion, or the goal that a goal is a part of.
    pub goal: Option<ItemId>,
    /// The task that a task is a part of, or that a completion completes.
    pub task: Option<ItemId>,
    pub area: Option<ItemId>,
    /// The due date of a task, the target date of a goal, the day of a completion.
    pub day: Option<Date>,
    /// Labels and tags in lower case, each between bars: `|home|urgent|`. Empty without any.
    pub labels: String,
    /// The words that a search finds. Empty for kinds that are not searched.
    pub text: String,
}

impl GoalsItem {
    #[must_use]
    pub const fn kind(&self) -> ItemKind {
        self.body.kind()
    }

    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    #[must_use]
    pub const fn task(&self) -> Option<&Task> {
        match &self.body {
            ItemBody::Task(task) => Some(task),
            _ => None,
        }
    }

    #[must_use]
    pub const fn goal(&self) -> Option<&Goal> {
        match &self.body {
            ItemBody::Goal(goal) => Some(goal),
            _ => None,
        }
    }

    #[must_use]
    pub const fn memory(&self) -> Option<&UserMemory> {
        match &self.body {
            ItemBody::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    #[must_use]
    pub fn columns(&self) -> ItemColumns {
        let id = &self.id;
        let mut columns = ItemColumns {
            state: self.body.state(),
            sort: id.to_string(),
            goal: None,
            task: None,
            area: None,
            day: None,
            labels: String::new(),
            text: String::new(),
        };
        match &self.body {
            ItemBody::Area(area) => columns.sort = format!("{}|{id}", area.name),
            ItemBody::Goal(goal) => {
                let target = goal.target_date.map_or_else(|| "~".to_owned(), |day| day.to_string());
                columns.sort = format!("{target}|{}|{id}", goal.priority.digit());
                columns.goal.clone_from(&goal.parent);
                columns.area.clone_from(&goal.area);
                columns.day = goal.target_date;
                columns.text = joined(&[&goal.title, &goal.description], &[]);
            }
            ItemBody::Task(task) => {
                let due = task.due.as_ref();
                let key = due.map_or_else(|| "~".to_owned(), task::DueDate::sort_key);
                columns.sort = format!("{key}|{}|{id}", task.priority.digit());
                columns.goal.clone_from(&task.goal);
                columns.task.clone_from(&task.parent);
                columns.day = due.map(|due| due.date);
                columns.labels = bars(&task.labels);
                columns.text = joined(&[&task.title, &task.description], &task.labels);
            }
            ItemBody::Memory(memory) => {
                // The newest first; pinned ones before the others.
                let age = u64::MAX - self.created_at.as_millis();
                let pinned = if memory.pinned { '1' } else { '2' };
                columns.sort = format!("{pinned}|{age:020}|{id}");
                columns.labels = bars(&memory.tags);
                columns.text = joined(&[&memory.content], &memory.tags);
            }
            ItemBody::Completion(completion) => {
                columns.sort = format!("{}|{:020}|{id}", completion.day, completion.at.as_millis());
                columns.goal.clone_from(&completion.goal);
                columns.task = Some(completion.task.clone());
                columns.day = Some(completion.day);
            }
            ItemBody::Profile(_) => {}
        }
        columns
    }
}

fn bars(labels: &[String]) -> String {
    if labels.is_empty() { String::new() } else { format!("|{}|", labels.join("|").to_lowercase()) }
}

fn joined(texts: &[&String], labels: &[String]) -> String {
    let texts = texts.iter().map(|text| text.as_str());
    let texts = texts.chain(labels.iter().map(String::as_str)).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("\n")
}
