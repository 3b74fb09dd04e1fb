//! [`ItemPatch`]: changes of fields. `None` leaves a field as it is; `Some(None)` removes its value.

use jiff::ZonedDateTime;
use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::goals::item::goal::{Goal, LifeArea};
use crate::goals::item::id::ItemId;
use crate::goals::item::memory::{Profile, UserMemory};
use crate::goals::item::task::{DueDate, Task, TaskSeries};
use crate::goals::item::words::{GoalStatus, MemoryKind, Priority, TaskStatus};

/// Changes of an item of one kind.
#[derive(Clone, Debug)]
pub enum ItemPatch {
    Area(AreaPatch),
    Goal(GoalPatch),
    Task(Box<TaskPatch>),
    Memory(MemoryPatch),
    Profile(ProfilePatch),
}

#[derive(Clone, Debug, Default)]
pub struct AreaPatch {
    pub name: Option<String>,
    pub description: Option<String>,
    pub weight: Option<u8>,
    pub icon: Option<Option<String>>,
    pub color: Option<Option<String>>,
}

#[derive(Clone, Debug, Default)]
pub struct GoalPatch {
    pub title: Option<String>,
    pub description: Option<String>,
    pub area: Option<Option<ItemId>>,
    pub parent: Option<Option<ItemId>>,
    pub status: Option<GoalStatus>,
    pub priority: Option<Priority>,
    pub start_date: Option<Option<Date>>,
    pub target_date: Option<Option<Date>>,
    pub progress: Option<Option<u8>>,
}

#[derive(Clone, Debug, Default)]
pub struct TaskPatch {
    pub title: Option<String>,
    pub description: Option<String>,
    pub goal: Option<Option<ItemId>>,
    pub parent: Option<Option<ItemId>>,
    pub status: Option<TaskStatus>,
    pub priority: Option<Priority>,
    pub start_date: Option<Option<Date>>,
    /// The due date alone: a task that repeats still does.
    pub due: Option<Option<DueDate>>,
    pub deadline: Option<Option<Date>>,
    pub series: Option<Option<TaskSeries>>,
    pub estimated_minutes: Option<Option<u32>>,
    pub labels: Option<Vec<String>>,
    pub reminders: Option<Vec<u32>>,
    pub add_needs: Vec<ItemId>,
    pub remove_needs: Vec<ItemId>,
}

#[derive(Clone, Debug, Default)]
pub struct MemoryPatch {
    pub content: Option<String>,
    pub kind: Option<MemoryKind>,
    pub tags: Option<Vec<String>>,
    pub about: Option<Vec<ItemId>>,
    pub metadata: Option<Map<String, Value>>,
    pub valid_from: Option<Option<Date>>,
    pub valid_until: Option<Option<Date>>,
    pub pinned: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct ProfilePatch {
    pub name: Option<Option<String>>,
    pub timezone: Option<String>,
    /// Replaces the preferences with these names; `null` removes one.
    pub preferences: Map<String, Value>,
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl AreaPatch {
    pub(super) fn apply(self, area: &mut LifeArea) {
        set(&mut area.name, self.name);
        set(&mut area.description, self.description);
        set(&mut area.weight, self.weight);
        set(&mut area.icon, self.icon);
        set(&mut area.color, self.color);
    }
}

impl GoalPatch {
    pub(super) fn apply(self, goal: &mut Goal, now: &ZonedDateTime) {
        set(&mut goal.title, self.title);
        set(&mut goal.description, self.description);
        set(&mut goal.area, self.area);
        set(&mut goal.parent, self.parent);
        set(&mut goal.priority, self.priority);
        set(&mut goal.start_date, self.start_date);
        set(&mut goal.target_date, self.target_date);
        set(&mut goal.progress, self.progress);
        let Some(status) = self.status else { return };
        if status != GoalStatus::Completed {
            goal.completed_at = None;
        } else if goal.status != GoalStatus::Completed {
            goal.completed_at = Some(super::moment(now));
        }
        goal.status = status;
    }
}

impl TaskPatch {
    /// Changes all but the status.
    pub(super) fn apply(self, task: &mut Task) {
        set(&mut task.title, self.title);
        set(&mut task.description, self.description);
        set(&mut task.goal, self.goal);
        set(&mut task.parent, self.parent);
        set(&mut task.priority, self.priority);
        set(&mut task.start_date, self.start_date);
        set(&mut task.due, self.due);
        set(&mut task.deadline, self.deadline);
        set(&mut task.series, self.series);
        set(&mut task.estimated_minutes, self.estimated_minutes);
        set(&mut task.labels, self.labels);
        set(&mut task.reminders, self.reminders);
        task.needs.retain(|id| !self.remove_needs.contains(id));
        for id in self.add_needs {
            if !task.needs.contains(&id) {
                task.needs.push(id);
            }
        }
    }
}

impl MemoryPatch {
    pub(super) fn apply(self, memory: &mut UserMemory) {
        set(&mut memory.content, self.content);
        set(&mut memory.kind, self.kind);
        set(&mut memory.tags, self.tags);
        set(&mut memory.about, self.about);
        set(&mut memory.metadata, self.metadata);
        set(&mut memory.valid_from, self.valid_from);
        set(&mut memory.valid_until, self.valid_until);
        set(&mut memory.pinned, self.pinned);
    }
}

impl ProfilePatch {
    pub(super) fn apply(self, profile: &mut Profile) {
        set(&mut profile.name, self.name);
        if let Some(zone) = self.timezone {
            profile.timezone = Some(zone);
        }
        for (name, value) in self.preferences {
            if value.is_null() {
                profile.preferences.remove(&name);
            } else {
                profile.preferences.insert(name, value);
            }
        }
    }
}
