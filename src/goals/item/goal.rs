//! [`Goal`] and [`LifeArea`].

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::id::ItemId;
use super::time::optional_millis;
use super::words::{GoalStatus, Priority};
use crate::kernel::clock::Timestamp;

/// Something that the owner wants to reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<ItemId>,
    /// The goal that this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ItemId>,
    #[serde(default)]
    pub status: GoalStatus,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_date: Option<Date>,
    /// In percent, as the owner sets it. `None` if it follows from the tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    #[serde(default, with = "optional_millis", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// A part of life that goals belong to, with its share of attention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeArea {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The share of attention that the owner wants to give, from 0 to 100.
    pub weight: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}
