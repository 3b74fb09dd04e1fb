//! [`GoalsAction`]: the effect of a write.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use super::patch::ItemPatch;
use crate::goals::item::ItemBody;
use crate::goals::item::id::ItemId;

/// Maximum number of items that one write names.
pub const MAX_BATCH: usize = 100;

/// The effect of a write: all of it, or nothing.
#[derive(Clone, Debug)]
pub enum GoalsAction {
    Create(Vec<NewItem>),
    Update(Vec<ItemUpdate>),
    Complete(TaskCompletion),
    /// Moves items to the bin, with their subtasks.
    Delete(ItemDeletion),
    /// Takes a write back. `None` for the last one of the actor.
    Undo(Option<u64>),
}

/// An item that is created.
#[derive(Clone, Debug)]
pub struct NewItem {
    pub body: ItemBody,
    /// Other items of the same write, by their places in it, which must come before this one.
    pub within: NewLinks,
}

/// Links of a new item to items of the same write.
#[derive(Clone, Debug, Default)]
pub struct NewLinks {
    pub goal: Option<usize>,
    pub parent: Option<usize>,
    pub needs: Vec<usize>,
}

impl NewItem {
    #[must_use]
    pub fn new(body: ItemBody) -> Self {
        Self { body, within: NewLinks::default() }
    }
}

/// An item as the caller knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownItem {
    pub id: ItemId,
    /// The revision that the caller has seen. A later one refuses the write.
    pub if_rev: Option<u64>,
}

impl From<ItemId> for KnownItem {
    fn from(id: ItemId) -> Self {
        Self { id, if_rev: None }
    }
}

/// A change of fields.
#[derive(Clone, Debug)]
pub struct ItemUpdate {
    pub item: KnownItem,
    pub patch: ItemPatch,
    /// The time of the write in the zone of the owner.
    pub now: ZonedDateTime,
}

/// The completion of a task, or of the pending occurrence of one that repeats.
#[derive(Clone, Debug)]
pub struct TaskCompletion {
    pub task: KnownItem,
    /// The occurrence that is meant. The pending one if it is omitted.
    pub occurrence: Option<Date>,
    pub spent_minutes: Option<u32>,
    /// The time of the completion in the zone of the owner.
    pub at: ZonedDateTime,
}

/// Items for the bin.
#[derive(Clone, Debug)]
pub struct ItemDeletion {
    pub items: Vec<KnownItem>,
    /// Whether the tasks of a goal go with it. Otherwise they stay without a goal.
    pub with_tasks: bool,
}
