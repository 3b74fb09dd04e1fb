//! [`ReplayCache`]: the stored results of recent calls, so that a retry receives the same answer
//! and executes nothing.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::action::Outcome;
use super::inbox::Item;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::shards::ShardedMap;

/// TTL of a stored result.
pub const REPLAY_TTL: Duration = Duration::from_secs(600);

/// Number of a user's last records whose items a new record is compared with.
const MAX_COMPARED: usize = 4;

/// The outcome of a call and the inbox items leased for its answer.
#[derive(Clone, Debug)]
pub struct ReplayRecord {
    pub outcome: Outcome,
    items: SharedItems,
}

/// A range of items that several records share: answers that are lost, or that show a part of the
/// inbox, lease the same items again.
#[derive(Clone, Debug)]
struct SharedItems {
    all: Arc<[Item]>,
    range: Range<usize>,
}

impl SharedItems {
    fn as_slice(&self) -> &[Item] {
        &self.all[self.range.clone()]
    }

    /// Returns these items as a range of `all`. `None` if they are empty or not one.
    fn within(&self, all: &Arc<[Item]>) -> Option<Self> {
        let first = self.as_slice().first()?.seq;
        let start = all.iter().position(|item| item.seq == first)?;
        let range = start..start + self.range.len();
        let seqs = |items: &[Item]| items.iter().map(|item| item.seq).collect::<Vec<_>>();
        // A sequence number identifies an item.
        let is_same = seqs(all.get(range.clone())?) == seqs(self.as_slice());
        is_same.then(|| Self { all: Arc::clone(all), range })
    }
}

impl ReplayRecord {
    /// The record of a call. Its replay completes no exchange, so that a chat is counted once.
    pub fn new(mut outcome: Outcome, items: Vec<Item>) -> Self {
        if let Outcome::Sent { completes_exchange, .. } = &mut outcome {
            *completes_exchange = false;
        }
        let items = SharedItems { range: 0..items.len(), all: items.into() };
        Self { outcome, items }
    }

    /// The items leased for the answer.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        self.items.as_slice()
    }
}

/// Records by idempotency key, evicted in the order of their creation.
#[derive(Debug, Default)]
pub struct ReplayCache {
    /// Boxed, because half of a table's slots are empty just after it grew.
    records: ShardedMap<IdempotencyKey, (Timestamp, UserId, Box<ReplayRecord>)>,
    /// The keys of each user's records.
    by_user: ShardedMap<UserId, Vec<IdempotencyKey>>,
    /// A B-tree, because a `VecDeque` copies every element when it grows.
    by_age: BTreeSet<(Timestamp, IdempotencyKey)>,
}

impl ReplayCache {
    /// Returns the record of `key`; `None` if it does not exist or has expired.
    #[must_use]
    pub fn get(&self, key: IdempotencyKey, now: Timestamp) -> Option<&ReplayRecord> {
        let (created, _, record) = self.records.get(&key)?;
        (!is_expired(*created, now)).then_some(record)
    }

    /// Stores the record of a call of `user`. Shares its items with a recent record that has them.
    pub fn insert(
        &mut self,
        user: UserId,
        key: IdempotencyKey,
        mut record: ReplayRecord,
        now: Timestamp,
    ) {
        let keys = self.by_user.get(&user).into_iter().flatten().rev().take(MAX_COMPARED);
        let recent = keys.filter_map(|key| self.records.get(key));
        let shared = recent.map(|(.., recent)| record.items.within(&recent.items.all));
        if let Some(shared) = shared.flatten().next() {
            record.items = shared;
        }
        if self.records.insert(key, (now, user, Box::new(record))).is_none() {
            self.by_user.entry(user).or_default().push(key);
        }
        self.by_age.insert((now, key));
    }

    /// Removes all records of `user`.
    pub fn remove_of(&mut self, user: UserId) {
        for key in self.by_user.remove(&user).unwrap_or_default() {
            if let Some((created, ..)) = self.records.remove(&key) {
                self.by_age.remove(&(created, key));
            }
        }
    }

    /// Removes one record.
    fn remove(&mut self, key: IdempotencyKey) {
        let Some((_, user, _)) = self.records.remove(&key) else { return };
        let Some(keys) = self.by_user.get_mut(&user) else { return };
        keys.retain(|other| *other != key);
        if keys.is_empty() {
            self.by_user.remove(&user);
        }
    }

    /// Evicts up to `limit` expired records. Returns `true` if more have expired.
    pub fn evict_expired(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let Some((created, key)) =
                self.by_age.first().copied().filter(|(created, _)| is_expired(*created, now))
            else {
                return false;
            };
            self.by_age.pop_first();
            // The same key may have been inserted again since.
            if self.records.get(&key).is_some_and(|(newest, ..)| *newest == created) {
                self.remove(key);
            }
        }
        self.by_age.first().is_some_and(|(created, _)| is_expired(*created, now))
    }
}

fn is_expired(created: Timestamp, now: Timestamp) -> bool {
    now.since(created) >= REPLAY_TTL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::lobby::inbox::InboxEvent;
    use crate::kernel::clock::seeded_rng;
    use crate::kernel::id::{IdHasher, RoomId};

    #[test]
    fn replay_record_expires_however_many_are_pending() {
        let ids = IdHasher::random(&mut seeded_rng());
        let user = UserId::from_bytes([1; 16]);
        let key = |n: u32| ids.idempotency_key(user, &n.to_string(), "");
        let record = || ReplayRecord::new(Outcome::InboxRead, Vec::new());
        let mut replays = ReplayCache::default();
        (0..500).for_each(|n| replays.insert(user, key(n), record(), Timestamp::default()));
        let old = Timestamp::default() + REPLAY_TTL;
        assert!(replays.get(key(499), old).is_none());
        replays.insert(user, key(3), record(), old);
        let steps = (0..500).take_while(|_| replays.evict_expired(old, 64)).count();
        assert_eq!(steps, 500 / 64);
        assert!(replays.get(key(3), old).is_some(), "the renewed record remains");
        assert_eq!((replays.records.len(), replays.by_age.len()), (1, 1));
        assert_eq!(replays.by_user.get(&user).map(Vec::len), Some(1));
    }

    #[test]
    fn replay_records_of_one_user_are_removed_together() {
        let ids = IdHasher::random(&mut seeded_rng());
        let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
        let record = || ReplayRecord::new(Outcome::InboxRead, Vec::new());
        let mut replays = ReplayCache::default();
        let now = Timestamp::default();
        for (user, id) in [(ann, "1"), (ann, "2"), (ben, "1")] {
            replays.insert(user, ids.idempotency_key(user, id, ""), record(), now);
        }
        replays.remove_of(ann);
        assert!(replays.get(ids.idempotency_key(ann, "2", ""), now).is_none());
        assert!(replays.get(ids.idempotency_key(ben, "1", ""), now).is_some());
        assert_eq!((replays.records.len(), replays.by_age.len()), (1, 1));
    }

    #[test]
    fn replay_records_share_the_items_of_a_full_inbox() {
        let user = UserId::from_bytes([1; 16]);
        let key = |n: usize| IdHasher::from_salt(b"s").idempotency_key(user, &n.to_string(), "");
        let room = RoomId::random(&mut seeded_rng());
        let event = InboxEvent::PartnerLeft { room };
        let item = |seq| Item { seq, at: Timestamp::default(), event: event.clone() };
        let (all, start) = ((0..200).map(item).collect::<Vec<_>>(), Timestamp::default());
        let mut replays = ReplayCache::default();
        let insert = |replays: &mut ReplayCache, n: usize, items: &[Item]| {
            let record = ReplayRecord::new(Outcome::InboxRead, items.to_vec());
            replays.insert(user, key(n), record, start);
        };
        for n in 0..100 {
            // Each answer shows one item and puts the others back; some calls lease nothing.
            insert(&mut replays, n, if n % 3 == 1 { &[] } else { &all[n..] });
        }
        let stored = |n: usize| &replays.get(key(n), start).expect("a record").items;
        for n in (0..100).filter(|n| n % 3 != 1) {
            assert!(Arc::ptr_eq(&stored(n).all, &stored(0).all), "{n}");
            assert_eq!(stored(n).as_slice(), &all[n..]);
        }
        let more: Vec<_> = (150..201).map(item).collect();
        insert(&mut replays, 100, &more);
        assert_eq!(replays.get(key(100), start).expect("a record").items(), more);
    }
}
