//! [`UserMemory`] and [`Profile`].

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::id::ItemId;
use super::words::MemoryKind;

/// Something that the assistant is to remember.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMemory {
    pub content: String,
    #[serde(default)]
    pub kind: MemoryKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Goals, tasks and memories that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<ItemId>,
    /// Fields of the client.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The first and the last day on which it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
    /// The memory that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<ItemId>,
    /// The memory that replaces this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<ItemId>,
    #[serde(default)]
    pub pinned: bool,
}

/// The settings of the owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An IANA name. `None` for the one of the server's settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Fields of the client.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub preferences: Map<String, Value>,
}

impl Profile {
    /// The zone of the owner, or else `fallback`.
    #[must_use]
    pub fn zone(&self, fallback: &TimeZone) -> TimeZone {
        let named = self.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        named.unwrap_or_else(|| fallback.clone())
    }
}
