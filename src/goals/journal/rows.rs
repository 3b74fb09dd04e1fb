//! [`GoalsRows`]: the rows of one owner in one transaction.

use super::change::GoalsChange;
use super::write::StoredWrite;
use crate::goals::item::GoalsItem;
use crate::goals::item::id::{ItemId, ItemKind};
use crate::kernel::clock::Timestamp;

/// Items that depend on others, for the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLink<'a> {
    /// Tasks, goals and completions of a goal.
    Goal(&'a ItemId),
    /// Subtasks and completions of a task.
    Task(&'a ItemId),
    /// Goals of a life area.
    Area(&'a ItemId),
}

/// The rows of one owner, inside a transaction of a backend that no other write of the owner interrupts. If the
/// transaction fails or is refused, the backend undoes all changes.
pub trait GoalsRows: Send {
    type Error: Send;

    /// Locks the owner, whose number of writes it returns. Creates the owner.
    fn lock(&mut self) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// The answer of an earlier write with this id that is not older than `since`.
    fn stored_answer(
        &mut self,
        request_id: &str,
        since: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredWrite>, Self::Error>> + Send;

    fn store_answer(
        &mut self,
        request_id: &str,
        answer: &StoredWrite,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// An item, also one in the bin.
    fn item(
        &mut self,
        id: &ItemId,
    ) -> impl Future<Output = Result<Option<GoalsItem>, Self::Error>> + Send;

    /// The items that a link leads to, without those in the bin, in the order of their ids.
    fn linked(
        &mut self,
        link: RowLink<'_>,
    ) -> impl Future<Output = Result<Vec<GoalsItem>, Self::Error>> + Send;

    /// The number of items of a kind, without those in the bin.
    fn count(&mut self, kind: ItemKind) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Writes an item and its place in the search. `before` is the item as it was.
    fn put(
        &mut self,
        before: Option<&GoalsItem>,
        item: &GoalsItem,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// A write of the log.
    fn change(
        &mut self,
        revision: u64,
    ) -> impl Future<Output = Result<Option<GoalsChange>, Self::Error>> + Send;

    /// The last write of an actor that is not undone and undoes none.
    fn last_change(
        &mut self,
        actor: &str,
    ) -> impl Future<Output = Result<Option<GoalsChange>, Self::Error>> + Send;

    /// Appends a write to the log, marks the write that it undoes, and sets the number of writes.
    fn append(
        &mut self,
        change: &GoalsChange,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
