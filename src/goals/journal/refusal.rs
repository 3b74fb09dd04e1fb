//! [`GoalsRefusal`]: why a write is refused. It then changes nothing.

use thiserror::Error;

use crate::goals::item::GoalsItem;
use crate::goals::item::id::ItemId;

/// Why a write is refused, in words for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GoalsRefusal {
    /// Also for the items of others.
    #[error("there is no {kind} {0}: list them to see their ids", kind = .0.kind().name())]
    NotFound(ItemId),
    #[error("{id} is no {expected}")]
    WrongKind { id: ItemId, expected: &'static str },
    #[error("{} was changed since revision {known}; it now has revision {}", .current.id, .current.rev)]
    Stale { known: u64, current: Box<GoalsItem> },
    #[error("{item} would need itself, by way of {needs}")]
    Cycle { item: ItemId, needs: ItemId },
    #[error("{0} is in the bin: undo its deletion first")]
    Deleted(ItemId),
    #[error("{0}")]
    Invalid(String),
    #[error("the request_id was used for another call in the last 24 hours: use a new one")]
    RequestIdUsed,
    #[error("there is no write to undo")]
    NothingToUndo,
    #[error("write {0} is undone already")]
    AlreadyUndone(u64),
    #[error("{} was changed after write {revision}: undo that one first", .current.id)]
    ChangedSince { revision: u64, current: Box<GoalsItem> },
    #[error("there are {count} of at most {limit} {what}: delete some first")]
    Full { what: &'static str, count: u64, limit: u64 },
}

impl GoalsRefusal {
    /// The item as it is now, if that is why the write is refused.
    #[must_use]
    pub const fn current(&self) -> Option<&GoalsItem> {
        match self {
            Self::Stale { current, .. } | Self::ChangedSince { current, .. } => Some(current),
            _ => None,
        }
    }
}
