//! Enumerations of items, with their names in arguments and answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalStatus {
    #[default]
    Todo,
    InProgress,
    Paused,
    Completed,
    /// Given up.
    Dropped,
}

impl GoalStatus {
    pub const ALL: [Self; 5] =
        [Self::Todo, Self::InProgress, Self::Paused, Self::Completed, Self::Dropped];

    /// Neither completed nor dropped.
    #[must_use]
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Completed | Self::Dropped)
    }
}

/// The state of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    #[default]
    Todo,
    InProgress,
    Completed,
    /// Given up.
    Dropped,
}

impl TaskStatus {
    pub const ALL: [Self; 4] = [Self::Todo, Self::InProgress, Self::Completed, Self::Dropped];

    /// Neither completed nor dropped.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Todo | Self::InProgress)
    }
}

#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Urgent,
    High,
    #[default]
    Medium,
    Low,
}

impl Priority {
    /// The digit in sort keys: the highest priority comes first.
    #[must_use]
    pub const fn digit(self) -> char {
        match self {
            Self::Urgent => '1',
            Self::High => '2',
            Self::Medium => '3',
            Self::Low => '4',
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    #[default]
    Reflection,
    Fact,
    Preference,
    Event,
    Decision,
}

impl MemoryKind {
    pub const ALL: [Self; 5] =
        [Self::Reflection, Self::Fact, Self::Preference, Self::Event, Self::Decision];
}
