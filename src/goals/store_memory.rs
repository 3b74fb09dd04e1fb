//! [`MemoryGoalsStore`]: the model of the other backends, for tests and for servers without a database.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use async_trait::async_trait;
use futures_util::FutureExt;
use parking_lot::Mutex;

use super::item::GoalsItem;
use super::item::id::{ItemId, ItemKind};
use super::journal::change::GoalsChange;
use super::journal::refusal::GoalsRefusal;
use super::journal::rows::{GoalsRows, RowLink};
use super::journal::rules::execute;
use super::journal::store::{
    GoalsAges, GoalsStore, ListFilter, ListPage, StateCount, WordMatch, page,
};
use super::journal::write::{GoalsWrite, StoredWrite, WriteOutcome};
use crate::kernel::clock::Timestamp;
use crate::kernel::principal::Owner;
use crate::kernel::store::StoreError;

/// The rows of an owner.
#[derive(Clone, Default)]
struct OwnerRows {
    items: BTreeMap<ItemId, GoalsItem>,
    /// In the order of their revisions.
    changes: Vec<GoalsChange>,
    answers: HashMap<String, StoredWrite>,
    revision: u64,
}

/// Stores the items in memory.
#[derive(Default)]
pub struct MemoryGoalsStore {
    owners: Mutex<HashMap<Owner, OwnerRows>>,
}

impl MemoryGoalsStore {
    fn read<T>(&self, owner: &Owner, read: impl FnOnce(&OwnerRows) -> T) -> T {
        let owners = self.owners.lock();
        read(owners.get(owner).unwrap_or(&OwnerRows::default()))
    }
}

/// Rows that need no rollback: rules write only after they have passed, and memory does not fail.
impl GoalsRows for &mut OwnerRows {
    type Error = Infallible;

    async fn lock(&mut self) -> Result<u64, Infallible> {
        Ok(self.revision)
    }

    async fn stored_answer(
        &mut self,
        request_id: &str,
        since: Timestamp,
    ) -> Result<Option<StoredWrite>, Infallible> {
        Ok(self.answers.get(request_id).filter(|answer| answer.at >= since).cloned())
    }

    async fn store_answer(
        &mut self,
        request_id: &str,
        answer: &StoredWrite,
    ) -> Result<(), Infallible> {
        self.answers.insert(request_id.to_owned(), answer.clone());
        Ok(())
    }

    async fn item(&mut self, id: &ItemId) -> Result<Option<GoalsItem>, Infallible> {
        Ok(self.items.get(id).cloned())
    }

    async fn linked(&mut self, link: RowLink<'_>) -> Result<Vec<GoalsItem>, Infallible> {
        let is_linked = |item: &&GoalsItem| {
            let columns = item.columns();
            let (found, id) = match link {
                RowLink::Goal(id) => (columns.goal, id),
                RowLink::Task(id) => (columns.task, id),
                RowLink::Area(id) => (columns.area, id),
            };
            !item.is_deleted() && found.as_ref() == Some(id)
        };
        Ok(self.items.values().filter(is_linked).cloned().collect())
    }

    async fn count(&mut self, kind: ItemKind) -> Result<u64, Infallible> {
        let of_kind = |item: &&GoalsItem| item.kind() == kind && !item.is_deleted();
        Ok(self.items.values().filter(of_kind).count() as u64)
    }

    async fn put(
        &mut self,
        _before: Option<&GoalsItem>,
        item: &GoalsItem,
    ) -> Result<(), Infallible> {
        self.items.insert(item.id.clone(), item.clone());
        Ok(())
    }

    async fn change(&mut self, revision: u64) -> Result<Option<GoalsChange>, Infallible> {
        Ok(self.changes.iter().find(|change| change.revision == revision).cloned())
    }

    async fn last_change(&mut self, actor: &str) -> Result<Option<GoalsChange>, Infallible> {
        let can_undo = |change: &&GoalsChange| {
            change.actor == actor && change.undoes.is_none() && change.undone_by.is_none()
        };
        Ok(self.changes.iter().rfind(can_undo).cloned())
    }

    async fn append(&mut self, change: &GoalsChange) -> Result<(), Infallible> {
        if let Some(undone) = self.changes.iter_mut().find(|c| Some(c.revision) == change.undoes) {
            undone.undone_by = Some(change.revision);
        }
        self.revision = change.revision;
        self.changes.push(change.clone());
        Ok(())
    }
}

fn matches(item: &GoalsItem, filter: &ListFilter) -> bool {
    let columns = item.columns();
    let is = |wanted: &Option<ItemId>, id: &Option<ItemId>| wanted.is_none() || wanted == id;
    item.kind() == filter.kind
        && item.is_deleted() == filter.in_bin
        && (filter.states.is_empty() || filter.states.contains(&columns.state))
        && is(&filter.goal, &columns.goal)
        && is(&filter.task, &columns.task)
        && is(&filter.area, &columns.area)
        && filter.from.is_none_or(|from| columns.day.is_some_and(|day| day >= from))
        && filter.to.is_none_or(|to| columns.day.is_some_and(|day| day <= to))
        && filter
            .label
            .as_ref()
            .is_none_or(|label| columns.labels.contains(&format!("|{}|", label.to_lowercase())))
}

/// Occurrences of the words in a text, without regard to case.
fn score(text: &str, words: &[String]) -> f64 {
    let text = text.to_lowercase();
    let found = words.iter().filter(|word| text.contains(&word.to_lowercase())).count();
    f64::from(u32::try_from(found).unwrap_or(u32::MAX))
}

#[async_trait]
impl GoalsStore for MemoryGoalsStore {
    async fn perform(
        &self,
        owner: &Owner,
        write: GoalsWrite,
    ) -> Result<Result<WriteOutcome, GoalsRefusal>, StoreError> {
        let mut owners = self.owners.lock();
        let mut rows = owners.entry(owner.clone()).or_default();
        let executed = execute(&mut rows, &write).now_or_never();
        let Some(Ok(outcome)) = executed else { unreachable!("memory neither waits nor fails") };
        Ok(outcome)
    }

    async fn revision(&self, owner: &Owner) -> Result<u64, StoreError> {
        Ok(self.read(owner, |rows| rows.revision))
    }

    async fn items(&self, owner: &Owner, ids: &[ItemId]) -> Result<Vec<GoalsItem>, StoreError> {
        let find =
            |rows: &OwnerRows| ids.iter().filter_map(|id| rows.items.get(id).cloned()).collect();
        Ok(self.read(owner, find))
    }

    async fn list(
        &self,
        owner: &Owner,
        filter: &ListFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        let all: Vec<GoalsItem> = self.read(owner, |rows| {
            rows.items.values().filter(|item| matches(item, filter)).cloned().collect()
        });
        let total = all.len() as u64;
        let mut keyed: Vec<_> = all.into_iter().map(|item| (item.columns().sort, item)).collect();
        keyed.retain(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        keyed.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(page(keyed, total, limit))
    }

    async fn counts(&self, owner: &Owner) -> Result<Vec<StateCount>, StoreError> {
        let mut counts: BTreeMap<(ItemKind, u8), u64> = BTreeMap::new();
        self.read(owner, |rows| {
            for item in rows.items.values().filter(|item| !item.is_deleted()) {
                *counts.entry((item.kind(), item.body.state())).or_default() += 1;
            }
        });
        let count = |((kind, state), count)| StateCount { kind, state, count };
        Ok(counts.into_iter().map(count).collect())
    }

    async fn search(
        &self,
        owner: &Owner,
        kind: ItemKind,
        words: &[String],
        limit: usize,
    ) -> Result<Vec<WordMatch>, StoreError> {
        let mut found: Vec<WordMatch> = self.read(owner, |rows| {
            let of_kind = rows.items.values().filter(|i| i.kind() == kind && !i.is_deleted());
            let scored = of_kind.map(|item| (score(&item.columns().text, words), item));
            let matched = scored.filter(|(score, _)| *score > 0.0);
            matched.map(|(score, item)| WordMatch { item: item.clone(), score }).collect()
        });
        found.sort_by(|one, other| other.score.total_cmp(&one.score));
        found.truncate(limit);
        Ok(found)
    }

    async fn changes(
        &self,
        owner: &Owner,
        item: Option<&ItemId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<GoalsChange>, StoreError> {
        let is_listed = |change: &&GoalsChange| {
            let changes = |id: &ItemId| change.items.iter().any(|changed| changed.id() == id);
            before.is_none_or(|before| change.revision < before) && item.is_none_or(changes)
        };
        let list = |rows: &OwnerRows| {
            rows.changes.iter().rev().filter(is_listed).take(limit).cloned().collect()
        };
        Ok(self.read(owner, list))
    }

    async fn purge(&self, ages: GoalsAges, limit: usize) -> Result<u64, StoreError> {
        let mut removed = 0;
        for rows in self.owners.lock().values_mut() {
            let count = rows.items.len() + rows.changes.len() + rows.answers.len();
            let is_left = |left: &mut usize, is_old: bool| {
                let is_removed = is_old && *left > 0;
                *left -= usize::from(is_removed);
                !is_removed
            };
            let (mut items, mut changes, mut answers) = (limit, limit, limit);
            rows.items.retain(|_, item| {
                is_left(&mut items, item.deleted_at.is_some_and(|at| at < ages.bin))
            });
            rows.changes.retain(|change| is_left(&mut changes, change.at < ages.log));
            rows.answers.retain(|_, answer| is_left(&mut answers, answer.at < ages.requests));
            removed += count - rows.items.len() - rows.changes.len() - rows.answers.len();
        }
        Ok(removed as u64)
    }

    async fn erase(&self, owner: &Owner) -> Result<u64, StoreError> {
        let mut owners = self.owners.lock();
        let Some(rows) = owners.get_mut(owner) else { return Ok(0) };
        let erased = std::mem::take(rows);
        // Numbers never repeat.
        rows.revision = erased.revision + 1;
        Ok(erased.items.len() as u64)
    }
}
