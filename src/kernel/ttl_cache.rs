//! [`TtlCache`]: a map with a time to live and a maximum size. It reads no clock; `now` is an
//! argument.

use std::borrow::Borrow;
use std::hash::Hash;
use std::time::Duration;

use hashlink::LinkedHashMap;

use super::clock::Timestamp;

/// A map whose entries expire `ttl` after their last insertion. Beyond `capacity`, the entries that
/// were inserted longest ago are evicted first.
#[derive(Debug)]
pub struct TtlCache<K, V> {
    /// In order of insertion.
    entries: LinkedHashMap<K, (Timestamp, V)>,
    ttl: Duration,
    capacity: usize,
}

impl<K: Eq + Hash, V> TtlCache<K, V> {
    #[must_use]
    pub fn new(ttl: Duration, capacity: usize) -> Self {
        Self { entries: LinkedHashMap::new(), ttl, capacity }
    }

    /// Inserts a value and renews the TTL of its key. Returns the replaced value and all evicted
    /// values.
    #[must_use = "the removed values may have to be dropped outside of a lock"]
    pub fn insert(&mut self, key: K, value: V, now: Timestamp) -> Vec<V> {
        // Moves an existing key to the end of the order.
        let replaced = self.entries.insert(key, (now, value));
        let mut removed: Vec<V> = replaced.map(|(_, value)| value).into_iter().collect();
        removed.extend(self.evict_expired(now));
        removed
    }

    /// Removes and returns all expired values, and the oldest ones beyond the capacity.
    #[must_use = "the removed values may have to be dropped outside of a lock"]
    pub fn evict_expired(&mut self, now: Timestamp) -> Vec<V> {
        let mut removed = Vec::new();
        while let Some((_, (inserted_at, _))) = self.entries.front()
            && (self.entries.len() > self.capacity || now.since(*inserted_at) >= self.ttl)
        {
            removed.extend(self.entries.pop_front().map(|(_, (_, value))| value));
        }
        removed
    }

    /// Removes the value of `key`. `None` if it does not exist or has expired.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, now: Timestamp) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (inserted_at, value) = self.entries.remove(key)?;
        (now.since(inserted_at) < self.ttl).then_some(value)
    }

    /// The value of `key`. `None` if it does not exist or has expired.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<&V> {
        let (inserted_at, value) = self.entries.get(key)?;
        (now.since(*inserted_at) < self.ttl).then_some(value)
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
        let mut cache = TtlCache::new(Duration::from_secs(10), 5);
        assert!(cache.insert('a', 1, at(0)).is_empty() && cache.insert('b', 2, at(5)).is_empty());
        assert_eq!((cache.get(&'a', at(9)), cache.get(&'a', at(10))), (Some(&1), None));
        assert_eq!(cache.evict_expired(at(10)), [1]);
        assert_eq!(cache.get(&'b', at(10)), Some(&2));
    }

    #[test]
    fn ttl_cache_removes_an_entry_once() {
        let mut cache = TtlCache::new(Duration::from_secs(10), 5);
        let _ = (cache.insert('a', 1, at(0)), cache.insert('b', 2, at(0)));
        assert_eq!((cache.remove(&'a', at(9)), cache.remove(&'a', at(9))), (Some(1), None));
        assert_eq!(cache.remove(&'b', at(10)), None);
    }

    #[test]
    fn ttl_cache_reinsert_renews_the_ttl() {
        let mut cache = TtlCache::new(Duration::from_secs(10), 5);
        let _ = (cache.insert('a', 1, at(0)), cache.insert('b', 2, at(5)));
        assert_eq!(cache.insert('a', 3, at(9)), [1]);
        assert_eq!(cache.evict_expired(at(15)), [2]);
        assert_eq!(cache.get(&'a', at(18)), Some(&3));
    }

    #[test]
    fn ttl_cache_evicts_the_oldest_beyond_capacity() {
        let mut cache = TtlCache::new(Duration::from_secs(10), 2);
        let _ = (cache.insert('a', 1, at(0)), cache.insert('b', 2, at(0)));
        assert_eq!(cache.insert('c', 3, at(0)), [1]);
        assert_eq!((cache.get(&'a', at(0)), cache.get(&'b', at(0))), (None, Some(&2)));
    }
}
