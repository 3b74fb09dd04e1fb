//! [`WorkingSet`]: the items that a write has read and changed, before they are written.

use std::collections::HashMap;

use super::action::KnownItem;
use super::change::ItemChange;
use super::refusal::GoalsRefusal;
use super::rows::{GoalsRows, RowLink};
use crate::goals::item::id::{ItemId, ItemIds, ItemKind};
use crate::goals::item::{GoalsItem, ItemBody};
use crate::kernel::clock::Timestamp;

/// Why a rule has stopped.
#[derive(Debug)]
pub enum RuleStop<E> {
    Refused(GoalsRefusal),
    Failed(E),
}

impl<E> From<GoalsRefusal> for RuleStop<E> {
    fn from(refusal: GoalsRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The result of a rule.
pub(super) type Ruled<T, R> = Result<T, RuleStop<<R as GoalsRows>::Error>>;

/// The items that a write has read and changed. Rules see their own changes.
pub(super) struct WorkingSet<'a, R> {
    rows: &'a mut R,
    /// As they were before the write. `None` for an id without an item.
    loaded: HashMap<ItemId, Option<GoalsItem>>,
    /// As they are now, in the order of their first changes.
    changed: Vec<GoalsItem>,
    ids: ItemIds,
    pub at: Timestamp,
    /// The number of this write.
    revision: u64,
}

impl<'a, R: GoalsRows> WorkingSet<'a, R> {
    pub fn new(rows: &'a mut R, at: Timestamp, seed: u32, revision: u64) -> Self {
        let ids = ItemIds::new(at, seed);
        Self { rows, loaded: HashMap::new(), changed: Vec::new(), ids, at, revision }
    }

    pub const fn rows(&mut self) -> &mut R {
        self.rows
    }

    /// The item as it is now, also one in the bin.
    pub async fn find(&mut self, id: &ItemId) -> Ruled<Option<GoalsItem>, R> {
        if let Some(changed) = self.changed.iter().find(|item| item.id == *id) {
            return Ok(Some(changed.clone()));
        }
        if let Some(loaded) = self.loaded.get(id) {
            return Ok(loaded.clone());
        }
        let item = self.rows.item(id).await.map_err(RuleStop::Failed)?;
        self.loaded.insert(id.clone(), item.clone());
        Ok(item)
    }

    /// The item with this id, which must be of a kind and not in the bin.
    pub async fn existing(&mut self, id: &ItemId, kind: ItemKind) -> Ruled<GoalsItem, R> {
        if id.kind() != kind {
            let refusal = GoalsRefusal::WrongKind { id: id.clone(), expected: kind.name() };
            return Err(refusal.into());
        }
        match self.find(id).await? {
            None => Err(GoalsRefusal::NotFound(id.clone()).into()),
            Some(item) if item.is_deleted() => Err(GoalsRefusal::Deleted(id.clone()).into()),
            Some(item) => Ok(item),
        }
    }

    /// The item that the caller knows, at the revision that the caller knows.
    pub async fn known(&mut self, known: &KnownItem) -> Ruled<GoalsItem, R> {
        let item = self.existing(&known.id, known.id.kind()).await?;
        match known.if_rev {
            // A batch may change an item twice.
            Some(rev) if rev != item.rev && item.rev != self.revision => {
                Err(GoalsRefusal::Stale { known: rev, current: Box::new(item) }.into())
            }
            _ => Ok(item),
        }
    }

    /// The items that a link leads to, as they are now.
    pub async fn linked(&mut self, link: RowLink<'_>) -> Ruled<Vec<GoalsItem>, R> {
        let found = self.rows.linked(link).await.map_err(RuleStop::Failed)?;
        let mut items = Vec::with_capacity(found.len());
        for item in found {
            let id = item.id.clone();
            self.loaded.entry(id.clone()).or_insert(Some(item));
            items.extend(self.find(&id).await?.filter(|item| !item.is_deleted()));
        }
        Ok(items)
    }

    /// Creates an item.
    pub fn create(&mut self, body: ItemBody) -> ItemId {
        let id = self.ids.create(body.kind());
        self.loaded.insert(id.clone(), None);
        self.changed.push(GoalsItem {
            id: id.clone(),
            rev: self.revision,
            created_at: self.at,
            updated_at: self.at,
            deleted_at: None,
            body,
        });
        id
    }

    /// Changes an item that was read before. Nothing happens if it stays the same.
    pub fn set(&mut self, mut item: GoalsItem) {
        let current = self.changed.iter_mut().find(|changed| changed.id == item.id);
        let before = self.loaded.get(&item.id).and_then(Option::as_ref);
        let is_same = match (&current, before) {
            (Some(current), _) => **current == item,
            (None, Some(before)) => *before == item,
            (None, None) => false,
        };
        if is_same {
            return;
        }
        item.rev = self.revision;
        item.updated_at = self.at;
        match current {
            Some(current) => *current = item,
            None => self.changed.push(item),
        }
    }

    /// Writes an item as it was in a backup or before a write.
    pub fn set_as_it_was(&mut self, id: &ItemId, body: ItemBody, deleted_at: Option<Timestamp>) {
        let before = self.loaded.get(id).and_then(Option::as_ref);
        let created_at = before.map_or(self.at, |item| item.created_at);
        let item =
            GoalsItem { id: id.clone(), rev: 0, created_at, updated_at: self.at, deleted_at, body };
        self.set(item);
    }

    /// The changes, each with the item before it.
    pub fn into_changes(self) -> Vec<ItemChange> {
        let mut loaded = self.loaded;
        let change = |after: GoalsItem| {
            let before = loaded.remove(&after.id).flatten();
            ItemChange { before, after }
        };
        self.changed.into_iter().map(change).collect()
    }
}
