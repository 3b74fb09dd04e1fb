//! Calls that were carried out lately, so that a retry gets the same answer and does nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::action::Outcome;
use super::inbox::Item;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::IdempotencyKey;
use crate::kernel::shards::ShardedMap;

/// How long a call is remembered.
pub const REPLAY_TTL: Duration = Duration::from_secs(600);

/// What a call came to, and what its answer could show of the inbox.
#[derive(Clone, Debug)]
pub struct ReplayRecord {
    pub outcome: Outcome,
    pub items: Vec<Item>,
}

/// Records by message, forgotten in the order in which they were made.
#[derive(Debug, Default)]
pub struct ReplayCache {
    /// Records behind a pointer, as a table is half empty just after it grew.
    records: ShardedMap<IdempotencyKey, (Timestamp, Box<ReplayRecord>)>,
    /// Not in a queue, which copies all there is when it grows.
    by_age: BTreeSet<(Timestamp, IdempotencyKey)>,
}

impl ReplayCache {
    #[must_use]
    pub fn get(&self, key: IdempotencyKey, now: Timestamp) -> Option<&ReplayRecord> {
        let (made, record) = self.records.get(&key)?;
        (!is_expired(*made, now)).then_some(record)
    }

    pub fn insert(&mut self, key: IdempotencyKey, record: ReplayRecord, now: Timestamp) {
        self.records.insert(key, (now, Box::new(record)));
        self.by_age.insert((now, key));
    }

    /// Forgets up to `limit` old records, and says whether there are more.
    pub fn evict_expired(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let Some((made, key)) =
                self.by_age.first().copied().filter(|(made, _)| is_expired(*made, now))
            else {
                return false;
            };
            self.by_age.pop_first();
            // The same message may have been carried out anew since.
            if self.records.get(&key).is_some_and(|(newest, _)| *newest == made) {
                self.records.remove(&key);
            }
        }
        self.by_age.first().is_some_and(|(made, _)| is_expired(*made, now))
    }
}

fn is_expired(made: Timestamp, now: Timestamp) -> bool {
    now.since(made) >= REPLAY_TTL
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
        assert!(replays.get(key(3), old).is_some(), "carried out anew");
        assert_eq!((replays.records.len(), replays.by_age.len()), (1, 1));
    }
}
