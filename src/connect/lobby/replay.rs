//! [`ReplayCache`]: the stored results of recent calls, so that a retry receives the same answer
//! and executes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::action::Outcome;
use super::inbox::Item;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::IdempotencyKey;
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
    records: ShardedMap<IdempotencyKey, (Timestamp, Box<ReplayRecord>)>,
    /// A B-tree, because a `VecDeque` copies every element when it grows.
    by_age: BTreeSet<(Timestamp, IdempotencyKey)>,
}

impl ReplayCache {
    /// Returns the record of `key`; `None` if it does not exist or has expired.
    #[must_use]
    pub fn get(&self, key: IdempotencyKey, now: Timestamp) -> Option<&ReplayRecord> {
        let (created, record) = self.records.get(&key)?;
        (!is_expired(*created, now)).then_some(record)
    }

    pub fn insert(&mut self, key: IdempotencyKey, record: ReplayRecord, now: Timestamp) {
        self.records.insert(key, (now, Box::new(record)));
        self.by_age.insert((now, key));
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
            if self.records.get(&key).is_some_and(|(newest, _)| *newest == created) {
                self.records.remove(&key);
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
    use crate::kernel::id::{IdHasher, UserId};

    #[test]
    fn replay_record_expires_however_many_are_pending() {
        let ids = IdHasher::random(&mut seeded_rng());
        let key = |n: u32| ids.idempotency_key(UserId::from_bytes([1; 16]), &n.to_string(), "");
        let record = || ReplayRecord { outcome: Outcome::InboxRead, items: Vec::new() };
        let mut replays = ReplayCache::default();
        (0..500).for_each(|n| replays.insert(key(n), record(), Timestamp::default()));
        let old = Timestamp::default() + REPLAY_TTL;
        assert!(replays.get(key(499), old).is_none());
        replays.insert(key(3), record(), old);
        let steps = (0..500).take_while(|_| replays.evict_expired(old, 64)).count();
        assert_eq!(steps, 500 / 64);
        assert!(replays.get(key(3), old).is_some(), "the renewed record remains");
        assert_eq!((replays.records.len(), replays.by_age.len()), (1, 1));
    }
}
