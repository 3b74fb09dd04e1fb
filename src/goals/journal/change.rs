//! [`GoalsChange`]: a write in the log of an owner, with what it has changed.

use serde::{Deserialize, Serialize};

use crate::goals::item::GoalsItem;
use crate::goals::item::id::ItemId;
use crate::kernel::clock::Timestamp;

/// A write in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalsChange {
    /// The revision of the owner that the write has made: its number in the log.
    pub revision: u64,
    pub at: Timestamp,
    /// The owner, or an administrator who acts for the owner.
    pub actor: String,
    /// The tool that was called.
    pub tool: String,
    /// The write that this one takes back.
    pub undoes: Option<u64>,
    /// The write that takes this one back.
    pub undone_by: Option<u64>,
    pub items: Vec<ItemChange>,
}

/// An item before and after a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChange {
    /// `None` if the write has created the item.
    pub before: Option<GoalsItem>,
    pub after: GoalsItem,
}

impl ItemChange {
    #[must_use]
    pub const fn id(&self) -> &ItemId {
        &self.after.id
    }
}
