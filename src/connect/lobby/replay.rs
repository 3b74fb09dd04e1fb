//! [`ReplayCache`]: the stored results of recent calls, so that a retry receives the same answer
//! and executes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::action::Outcome;
use super::inbox::Item;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::shards::ShardedMap;

/// TTL of a stored result.
pub const REPLAY_TTL: Duration = Duration::from_secs(600);

/// The outcome of a call and the inbox items leased for its answer.
#[derive(Clone, Debug)]
pub struct ReplayRecord {
    pub outcome: Outcome,
    pub items: Vec<Item>,
}

impl ReplayRecord {
    /// The record of a call. Its replay completes no exchange, so that a chat is counted once.
    pub fn new(mut outcome: Outcome, items: Vec<Item>) -> Self {
        if let Outcome::Sent { completes_exchange, .. } = &mut outcome {
            *completes_exchange = false;
        }
        Self { outcome, items }
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

    /// Stores the record of a call of `user`.
    pub fn insert(
        &mut self,
        user: UserId,
        key: IdempotencyKey,
        record: ReplayRecord,
        now: Timestamp,
    ) {
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
    use crate::kernel::clock::seeded_rng;
    use crate::kernel::id::IdHasher;

    #[test]
    fn replay_record_expires_however_many_are_pending() {
        let ids = IdHasher::random(&mut seeded_rng());
        let user = UserId::from_bytes([1; 16]);
        let key = |n: u32| ids.idempotency_key(user, &n.to_string(), "");
        let record = || ReplayRecord { outcome: Outcome::InboxRead, items: Vec::new() };
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
        let record = || ReplayRecord { outcome: Outcome::InboxRead, items: Vec::new() };
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
}
