//! What was seen lately: kept for a time, and never more than so much of it.

use std::hash::Hash;
use std::time::Duration;

use hashlink::LinkedHashMap;

use super::clock::Timestamp;

/// Values by key, each kept for a time after it was last put here. When there are too many, those
/// put here longest ago go first.
#[derive(Debug)]
pub struct TtlCache<K, V> {
    /// In the order in which they were put here.
    entries: LinkedHashMap<K, (Timestamp, V)>,
    ttl: Duration,
    capacity: usize,
}

impl<K: Eq + Hash + Copy, V> TtlCache<K, V> {
    /// Keeps values for `time`, and at most `capacity` of them.
    #[must_use]
    pub fn new(ttl: Duration, capacity: usize) -> Self {
        Self { entries: LinkedHashMap::new(), ttl, capacity }
    }

    /// Puts a value here, in the place of an older one of the same key, and takes out what is to be
    /// forgotten.
    #[must_use = "what is forgotten may have to be let go of outside of a lock"]
    pub fn insert(&mut self, key: K, value: V, now: Timestamp) -> Vec<V> {
        let before = self.entries.insert(key, (now, value));
        // An older one of the same key kept its place in the order.
        self.entries.to_back(&key);
        let mut forgotten: Vec<V> = before.map(|(_, value)| value).into_iter().collect();
        forgotten.extend(self.evict_expired(now));
        forgotten
    }

    /// Takes out what was put here too long ago.
    #[must_use = "what is forgotten may have to be let go of outside of a lock"]
    pub fn evict_expired(&mut self, now: Timestamp) -> Vec<V> {
        let mut forgotten = Vec::new();
        while let Some((_, (at, _))) = self.entries.front()
            && (self.entries.len() > self.capacity || now.since(*at) >= self.ttl)
        {
            forgotten.extend(self.entries.pop_front().map(|(_, (_, value))| value));
        }
        forgotten
    }

    /// The value of a key, unless it is too old.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<&V> {
        let (at, value) = self.entries.get(key)?;
        (now.since(*at) < self.ttl).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    #[test]
    fn ttl_cache_expires_an_entry_after_its_ttl() {
        let mut recent = TtlCache::new(Duration::from_secs(10), 5);
        assert!(recent.insert('a', 1, at(0)).is_empty() && recent.insert('b', 2, at(5)).is_empty());
        assert_eq!((recent.get(&'a', at(9)), recent.get(&'a', at(10))), (Some(&1), None));
        assert_eq!(recent.evict_expired(at(10)), [1]);
        assert_eq!(recent.get(&'b', at(10)), Some(&2));
    }

    #[test]
    fn ttl_cache_reinsert_renews_the_ttl() {
        let mut recent = TtlCache::new(Duration::from_secs(10), 5);
        let _ = (recent.insert('a', 1, at(0)), recent.insert('b', 2, at(5)));
        assert_eq!(recent.insert('a', 3, at(9)), [1]);
        assert_eq!(recent.evict_expired(at(15)), [2]);
        assert_eq!(recent.get(&'a', at(18)), Some(&3));
    }

    #[test]
    fn ttl_cache_evicts_the_oldest_beyond_capacity() {
        let mut recent = TtlCache::new(Duration::from_secs(10), 2);
        let _ = (recent.insert('a', 1, at(0)), recent.insert('b', 2, at(0)));
        assert_eq!(recent.insert('c', 3, at(0)), [1]);
        assert_eq!((recent.get(&'a', at(0)), recent.get(&'b', at(0))), (None, Some(&2)));
    }
}
