//! [`GoalsStore`]: the contract of a backend.

use async_trait::async_trait;
use jiff::civil::Date;

use super::change::GoalsChange;
use super::refusal::GoalsRefusal;
use super::write::{GoalsWrite, WriteOutcome};
use crate::goals::item::GoalsItem;
use crate::goals::item::id::{ItemId, ItemKind};
use crate::kernel::clock::Timestamp;
use crate::kernel::principal::Owner;
use crate::kernel::store::StoreError;

/// Which items a list has. All conditions apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFilter {
    pub kind: ItemKind,
    /// The numbers of the states; all if it is empty.
    pub states: Vec<u8>,
    pub goal: Option<ItemId>,
    pub task: Option<ItemId>,
    pub area: Option<ItemId>,
    /// The first and the last day of the due date, the target date or the completion.
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// In any case.
    pub label: Option<String>,
    /// Whether to list the bin, and nothing else.
    pub in_bin: bool,
}

impl ListFilter {
    /// All items of a kind that are not in the bin.
    #[must_use]
    pub const fn all(kind: ItemKind) -> Self {
        Self {
            kind,
            states: Vec::new(),
            goal: None,
            task: None,
            area: None,
            from: None,
            to: None,
            label: None,
            in_bin: false,
        }
    }

    /// Whether the number of items follows from the counts of the states.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        let has_link = self.goal.is_some() || self.task.is_some() || self.area.is_some();
        let has_day = self.from.is_some() || self.to.is_some();
        !has_link && !has_day && self.label.is_none() && !self.in_bin
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// In the order of [`ItemColumns::sort`](crate::goals::item::ItemColumns::sort).
    pub items: Vec<GoalsItem>,
    /// Number of items that match the filter.
    pub total: u64,
    /// The key after which the next page begins. `None` at the end.
    pub next: Option<String>,
}

/// A page of at most `limit` items of `keyed`, which may have one more: then there is a next page.
#[must_use]
pub fn page(mut keyed: Vec<(String, GoalsItem)>, total: u64, limit: usize) -> ListPage {
    let is_last = keyed.len() <= limit;
    keyed.truncate(limit);
    let next = keyed.last().filter(|_| !is_last).map(|(key, _)| key.clone());
    ListPage { items: keyed.into_iter().map(|(_, item)| item).collect(), total, next }
}

/// The number of items of each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateCount {
    pub kind: ItemKind,
    pub state: u8,
    pub count: u64,
}

/// An item that a search has found by its words.
#[derive(Clone, Debug, PartialEq)]
pub struct WordMatch {
    pub item: GoalsItem,
    /// Greater is better; comparable within one search.
    pub score: f64,
}

/// The times before which things are too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoalsAges {
    /// For items in the bin, by their deletion.
    pub bin: Timestamp,
    pub log: Timestamp,
    /// For the ids of writes.
    pub requests: Timestamp,
}

/// Stores the items and the log of each owner.
///
/// All methods see only the items of `owner`. A write is atomic, and durable when it returns; writes of one owner come
/// one after the other, on all instances. What is refused or fails changes nothing; after an error of the kind
/// `Connection` a write may have taken effect, and its `request_id` tells.
#[async_trait]
pub trait GoalsStore: Send + Sync {
    /// Executes a write by [`rules::execute`](super::rules::execute).
    async fn perform(
        &self,
        owner: &Owner,
        write: GoalsWrite,
    ) -> Result<Result<WriteOutcome, GoalsRefusal>, StoreError>;

    /// The number of the owner's last write. What was read at one number is the same until the next.
    async fn revision(&self, owner: &Owner) -> Result<u64, StoreError>;

    /// The items with these ids, also those in the bin, in any order. Unknown ids are left out.
    async fn items(&self, owner: &Owner, ids: &[ItemId]) -> Result<Vec<GoalsItem>, StoreError>;

    /// The items that match a filter, behind the sort key `after`, at most `limit`.
    async fn list(
        &self,
        owner: &Owner,
        filter: &ListFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, StoreError>;

    /// The number of items of each kind and state, without those in the bin. A state without items may be missing.
    async fn counts(&self, owner: &Owner) -> Result<Vec<StateCount>, StoreError>;

    /// The items of a kind that have any of these words, the best matches first.
    async fn search(
        &self,
        owner: &Owner,
        kind: ItemKind,
        words: &[String],
        limit: usize,
    ) -> Result<Vec<WordMatch>, StoreError>;

    /// The writes before the number `before`, the last one first. With an item, those that have changed it.
    async fn changes(
        &self,
        owner: &Owner,
        item: Option<&ItemId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<GoalsChange>, StoreError>;

    /// Deletes what is too old, of any owner, at most `limit` rows of each table. Returns the number of rows.
    async fn purge(&self, ages: GoalsAges, limit: usize) -> Result<u64, StoreError>;

    /// Deletes all that an owner has, permanently. Returns the number of items.
    async fn erase(&self, owner: &Owner) -> Result<u64, StoreError>;
}
