//! [`GoalsService`]: the use cases of goals, tasks and memories.
//!
//! A write is an action with its options; the [journal](super::journal) has the rules. Reading goes to the store, and
//! what depends on the date is computed here, in the zone of the owner.

pub mod caller;
pub mod dates;
pub mod progress;

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ZonedDateTime};
use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::StdRng;

use self::caller::{GoalsCaller, OwnerTime};
use super::error::GoalsError;
use super::item::id::{ItemId, ItemKind};
use super::item::task::Completion;
use super::item::{GoalsItem, ItemBody};
use super::journal::action::GoalsAction;
use super::journal::change::GoalsChange;
use super::journal::refusal::GoalsRefusal;
use super::journal::store::{GoalsStore, ListFilter, ListPage, StateCount, WordMatch};
use super::journal::write::{GoalsWrite, WriteOutcome, WriteRequest};
use super::search::{rank, similarity, words_of};
use crate::kernel::clock::Clock;

/// Number of matches beyond the limit that a search ranks.
const SEARCH_MARGIN: usize = 50;

/// The part of the words that nearly equal memories share.
const SIMILAR: f64 = 0.8;

/// Number of completions that one query reads.
const COMPLETION_PAGE: usize = 5_000;

/// The parts of a write beside its action.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub tool: &'static str,
    pub request: Option<WriteRequest>,
    pub dry_run: bool,
}

/// The use cases.
pub struct GoalsService {
    store: Arc<dyn GoalsStore>,
    clock: Arc<dyn Clock>,
    rng: Mutex<StdRng>,
    /// The zone of owners who have set none.
    zone: TimeZone,
}

impl GoalsService {
    #[must_use]
    pub fn new(
        store: Arc<dyn GoalsStore>,
        clock: Arc<dyn Clock>,
        rng: StdRng,
        zone: TimeZone,
    ) -> Self {
        Self { store, clock, rng: Mutex::new(rng), zone }
    }

    /// The profile of the owner, which has an item once it was changed.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn profile(&self, caller: &GoalsCaller) -> Result<Option<GoalsItem>, GoalsError> {
        let found = self.store.items(&caller.owner, &[ItemId::profile()]).await?;
        Ok(found.into_iter().find(|item| !item.is_deleted()))
    }

    /// The time in the zone of the owner.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn time(&self, caller: &GoalsCaller) -> Result<OwnerTime, GoalsError> {
        let profile = self.profile(caller).await?;
        let zone = match profile.as_ref().map(|item| &item.body) {
            Some(ItemBody::Profile(profile)) => profile.zone(&self.zone),
            _ => self.zone.clone(),
        };
        Ok(OwnerTime { now: self.now().with_time_zone(zone.clone()), zone })
    }

    fn now(&self) -> ZonedDateTime {
        let millis = i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX);
        let instant = Instant::from_millisecond(millis).unwrap_or(Instant::MAX);
        instant.to_zoned_datetime(TimeZone::UTC)
    }

    /// Executes a write.
    ///
    /// # Errors
    /// Returns [`GoalsError`] if it is refused or the store fails. It then changes nothing.
    pub async fn write(
        &self,
        caller: &GoalsCaller,
        action: GoalsAction,
        options: WriteOptions,
    ) -> Result<WriteOutcome, GoalsError> {
        let seed = self.rng.lock().random();
        let write = GoalsWrite {
            actor: caller.actor.clone(),
            tool: options.tool,
            at: self.clock.now(),
            seed,
            request: options.request,
            dry_run: options.dry_run,
            action,
        };
        Ok(self.store.perform(&caller.owner, write).await??)
    }

    /// An item of a kind.
    ///
    /// # Errors
    /// Returns [`GoalsError::Refused`] if there is none with this id or it is in the bin.
    pub async fn item(
        &self,
        caller: &GoalsCaller,
        id: &ItemId,
        kind: ItemKind,
    ) -> Result<GoalsItem, GoalsError> {
        if id.kind() != kind {
            let refusal = GoalsRefusal::WrongKind { id: id.clone(), expected: kind.name() };
            return Err(refusal.into());
        }
        match self.store.items(&caller.owner, std::slice::from_ref(id)).await?.pop() {
            None => Err(GoalsRefusal::NotFound(id.clone()).into()),
            Some(item) if item.is_deleted() => Err(GoalsRefusal::Deleted(id.clone()).into()),
            Some(item) => Ok(item),
        }
    }

    /// The items with these ids, also those in the bin.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn items(
        &self,
        caller: &GoalsCaller,
        ids: &[ItemId],
    ) -> Result<Vec<GoalsItem>, GoalsError> {
        Ok(self.store.items(&caller.owner, ids).await?)
    }

    /// A page of a list.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn list(
        &self,
        caller: &GoalsCaller,
        filter: &ListFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, GoalsError> {
        Ok(self.store.list(&caller.owner, filter, after, limit).await?)
    }

    /// The number of items of each kind and state.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn counts(&self, caller: &GoalsCaller) -> Result<Vec<StateCount>, GoalsError> {
        Ok(self.store.counts(&caller.owner).await?)
    }

    /// The number of the owner's last write.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn revision(&self, caller: &GoalsCaller) -> Result<u64, GoalsError> {
        Ok(self.store.revision(&caller.owner).await?)
    }

    /// The items of a kind that have words of a text, the best matches first.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn search(
        &self,
        caller: &GoalsCaller,
        kind: ItemKind,
        words: &[String],
        limit: usize,
    ) -> Result<Vec<WordMatch>, GoalsError> {
        Ok(self.store.search(&caller.owner, kind, words, limit).await?)
    }

    /// The writes before a number, the last one first.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn changes(
        &self,
        caller: &GoalsCaller,
        item: Option<&ItemId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<GoalsChange>, GoalsError> {
        Ok(self.store.changes(&caller.owner, item, before, limit).await?)
    }

    /// The best memories for these words, with scores from 0 to 1.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn search_memories(
        &self,
        caller: &GoalsCaller,
        words: &[String],
        limit: usize,
    ) -> Result<Vec<(GoalsItem, f64)>, GoalsError> {
        // Superseded memories move down, so that others come up from below.
        let matches = self
            .store
            .search(&caller.owner, ItemKind::Memory, words, limit + SEARCH_MARGIN)
            .await?;
        Ok(rank(matches, limit))
    }

    /// A memory that is nearly the same as a text.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn similar_memory(
        &self,
        caller: &GoalsCaller,
        content: &str,
    ) -> Result<Option<ItemId>, GoalsError> {
        let words = words_of(content);
        let matches = self.store.search(&caller.owner, ItemKind::Memory, &words, 5).await?;
        let is_similar = |found: &WordMatch| {
            let memory = found.item.memory();
            memory.is_some_and(|memory| similarity(&memory.content, content) >= SIMILAR)
        };
        Ok(matches.into_iter().find(is_similar).map(|found| found.item.id))
    }

    /// The completions from one day to another.
    ///
    /// # Errors
    /// Returns [`GoalsError::Store`] if the store fails.
    pub async fn completions(
        &self,
        caller: &GoalsCaller,
        from: Date,
        to: Date,
    ) -> Result<Vec<Completion>, GoalsError> {
        let filter =
            ListFilter { from: Some(from), to: Some(to), ..ListFilter::all(ItemKind::Completion) };
        let (mut completions, mut after) = (Vec::new(), None);
        loop {
            let page =
                self.store.list(&caller.owner, &filter, after.as_deref(), COMPLETION_PAGE).await?;
            completions.extend(page.items.into_iter().filter_map(|item| match item.body {
                ItemBody::Completion(completion) => Some(completion),
                _ => None,
            }));
            after = page.next;
            if after.is_none() {
                return Ok(completions);
            }
        }
    }
}
