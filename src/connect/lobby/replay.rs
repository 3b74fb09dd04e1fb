//! [`ReplayCache`]: the stored results of recent calls, so that a retry receives the same answer
//! and executes nothing.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::action::Outcome;
use super::inbox::{INBOX_CAPACITY, Item};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::shards::ShardedMap;

/// TTL of a stored result.
pub const REPLAY_TTL: Duration = Duration::from_secs(600);

/// Maximum number of a user's records: more than the rate limits admit within [`REPLAY_TTL`]. The oldest
/// is removed first.
pub const MAX_REPLAYS: usize = 512;

/// Maximum number of items in the records of a user, two full inboxes. Beyond it, the oldest records
/// lose their items and keep their outcomes: an answer of so long ago has arrived, or its items are
/// back in the inbox.
pub const MAX_REPLAY_ITEMS: usize = 2 * INBOX_CAPACITY;

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

    fn drop_items(&mut self) {
        self.items = SharedItems { range: 0..0, all: Arc::default() };
    }

    /// The items leased for the answer.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        self.items.as_slice()
    }
}

/// The keys of one user's records, oldest first.
#[derive(Debug, Default)]
struct UserReplays {
    keys: VecDeque<(Timestamp, IdempotencyKey)>,
    /// The keys of records with items, with the number of items.
    holders: VecDeque<(Timestamp, IdempotencyKey, usize)>,
    /// The sum of these numbers.
    item_count: usize,
}

impl UserReplays {
    fn pop_holder(&mut self) -> Option<(Timestamp, IdempotencyKey)> {
        let (created, key, count) = self.holders.pop_front()?;
        self.item_count -= count;
        Some((created, key))
    }

    /// Removes the keys of expired records. All records before one that has expired have expired.
    fn remove_expired(&mut self, now: Timestamp) {
        while self.keys.front().is_some_and(|(created, _)| is_expired(*created, now)) {
            self.keys.pop_front();
        }
        while self.holders.front().is_some_and(|(created, ..)| is_expired(*created, now)) {
            self.pop_holder();
        }
    }
}

/// Records by idempotency key, evicted in the order of their creation.
#[derive(Debug, Default)]
pub struct ReplayCache {
    /// Boxed, because half of a table's slots are empty just after it grew.
    records: ShardedMap<IdempotencyKey, (Timestamp, UserId, Box<ReplayRecord>)>,
    by_user: ShardedMap<UserId, UserReplays>,
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
        let replays = self.by_user.get(&user);
        let holders = replays.into_iter().flat_map(|replays| replays.holders.iter().rev());
        let recent = holders.take(MAX_COMPARED).filter_map(|(_, key, _)| self.records.get(key));
        let shared = recent.map(|(.., recent)| record.items.within(&recent.items.all));
        if let Some(shared) = shared.flatten().next() {
            record.items = shared;
        }
        let item_count = record.items().len();
        self.records.insert(key, (now, user, Box::new(record)));
        self.by_age.insert((now, key));
        let replays = self.by_user.entry(user).or_default();
        replays.keys.push_back((now, key));
        if item_count > 0 {
            replays.holders.push_back((now, key, item_count));
            replays.item_count += item_count;
        }
        self.limit_records(user);
    }

    /// Removes what the records of `user` hold beyond [`MAX_REPLAYS`] and [`MAX_REPLAY_ITEMS`].
    fn limit_records(&mut self, user: UserId) {
        let Some(replays) = self.by_user.get_mut(&user) else { return };
        // The key may have been inserted again since.
        while replays.item_count > MAX_REPLAY_ITEMS && replays.holders.len() > 1 {
            let Some((created, key)) = replays.pop_holder() else { break };
            let record = self.records.get_mut(&key).filter(|(newest, ..)| *newest == created);
            record.into_iter().for_each(|(.., record)| record.drop_items());
        }
        while replays.keys.len() > MAX_REPLAYS {
            let Some((created, key)) = replays.keys.pop_front() else { break };
            if self.records.get(&key).is_some_and(|(newest, ..)| *newest == created) {
                self.records.remove(&key);
            }
            self.by_age.remove(&(created, key));
        }
    }

    /// Removes all records of `user`.
    pub fn remove_of(&mut self, user: UserId) {
        for (created, key) in self.by_user.remove(&user).unwrap_or_default().keys {
            self.records.remove(&key);
            self.by_age.remove(&(created, key));
        }
    }

    /// Removes the record of a key that has expired at `now`.
    fn remove(&mut self, key: IdempotencyKey, now: Timestamp) {
        let Some((_, user, _)) = self.records.remove(&key) else { return };
        let Some(replays) = self.by_user.get_mut(&user) else { return };
        replays.remove_expired(now);
        if replays.keys.is_empty() {
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
                self.remove(key, now);
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
        assert_eq!(replays.by_user.get(&user).map(|replays| replays.keys.len()), Some(1));
        assert!(!replays.evict_expired(old + REPLAY_TTL, 64));
        assert_eq!((replays.records.len(), replays.by_user.len()), (0, 0));
    }

    #[test]
    fn replay_records_of_one_user_are_limited() {
        let user = UserId::from_bytes([1; 16]);
        let ids = IdHasher::from_salt(b"s");
        let key = |n: usize| ids.idempotency_key(user, &n.to_string(), "");
        let event = InboxEvent::PartnerLeft { room: RoomId::random(&mut seeded_rng()) };
        let start = Timestamp::default();
        let items = |n: usize, count: u64| {
            let seqs = (0..count).map(|seq| u64::try_from(n).expect("small") * 1_000 + seq);
            seqs.map(|seq| Item { seq, at: start, event: event.clone() }).collect::<Vec<_>>()
        };
        let mut replays = ReplayCache::default();
        for n in 0..2 * MAX_REPLAYS {
            let record =
                ReplayRecord::new(Outcome::InboxRead, items(n, if n < 500 { 50 } else { 1 }));
            replays.insert(user, key(n), record, start);
            if n % 64 > 1 {
                continue;
            }
            let counts = (0..=n).filter_map(|n| replays.get(key(n), start));
            let sum: usize = counts.map(|record| record.items().len()).sum();
            assert!(sum <= MAX_REPLAY_ITEMS && replays.records.len() <= MAX_REPLAYS, "{n}: {sum}");
            assert_eq!(replays.by_user.get(&user).map(|replays| replays.item_count), Some(sum));
        }
        let stored = |n: usize| replays.get(key(n), start).map(|record| record.items().len());
        let last = 2 * MAX_REPLAYS - 1;
        assert_eq!(
            [stored(last), stored(last - MAX_REPLAYS + 1), stored(last - MAX_REPLAYS)],
            [Some(1), Some(0), None]
        );
        assert_eq!(replays.by_age.len(), MAX_REPLAYS);
        // One answer may hold more than the limit.
        let large = items(9_000, 500);
        replays.insert(
            user,
            key(9_000),
            ReplayRecord::new(Outcome::InboxRead, large.clone()),
            start,
        );
        assert_eq!(replays.get(key(9_000), start).expect("a record").items(), large);
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
        let (all, start) = ((0..20).map(item).collect::<Vec<_>>(), Timestamp::default());
        let mut replays = ReplayCache::default();
        let insert = |replays: &mut ReplayCache, n: usize, items: &[Item]| {
            let record = ReplayRecord::new(Outcome::InboxRead, items.to_vec());
            replays.insert(user, key(n), record, start);
        };
        for n in 0..20 {
            // Each answer shows one item and puts the others back; some calls lease nothing.
            insert(&mut replays, n, if n % 3 == 1 { &[] } else { &all[n..] });
        }
        let stored = |n: usize| &replays.get(key(n), start).expect("a record").items;
        for n in (0..20).filter(|n| n % 3 != 1) {
            assert!(Arc::ptr_eq(&stored(n).all, &stored(0).all), "{n}");
            assert_eq!(stored(n).as_slice(), &all[n..]);
        }
        let more: Vec<_> = (15..21).map(item).collect();
        insert(&mut replays, 20, &more);
        assert_eq!(replays.get(key(20), start).expect("a record").items(), more);
    }
}
