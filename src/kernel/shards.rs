//! [`Shards`] and [`ShardedMap`]: state that is partitioned by hashed id into many small parts.
//!
//! An operation on a whole table, such as its growth or a purge, delays a call by the time of one
//! shard and not of all entries. Locks do not belong here: the user of a shard chooses them.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Number of shards: one per value of a byte.
const SHARD_COUNT: usize = 256;

/// An id whose bytes are a keyed hash or random.
///
/// Such ids are spread evenly over the shards. A caller cannot choose an id that collides with
/// another one, so a table may use a fast hash function.
pub trait ShardKey: Copy + Eq + Hash {
    /// The shard of this id; always the same for equal ids.
    fn shard_index(self) -> u8;
}

/// One `T` per shard.
#[derive(Debug)]
pub struct Shards<T>(Box<[T]>);

impl<T> Shards<T> {
    #[must_use]
    pub fn new(create: impl FnMut() -> T) -> Self {
        Self(std::iter::repeat_with(create).take(SHARD_COUNT).collect())
    }

    /// The shard of `id`.
    pub fn shard_for(&self, id: impl ShardKey) -> &T {
        &self.0[usize::from(id.shard_index())]
    }

    /// The shard of `id`, mutably.
    pub fn shard_for_mut(&mut self, id: impl ShardKey) -> &mut T {
        &mut self.0[usize::from(id.shard_index())]
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

/// A map that grows one shard at a time. It contains no lock.
///
/// It uses a fast hash function, because the keys are hashes already: a call makes a dozen lookups,
/// and a second strong hash in each would double the cost of the call.
#[derive(Debug)]
pub struct ShardedMap<K, V>(Shards<FxHashMap<K, V>>);

impl<K: ShardKey, V> ShardedMap<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.shard_for(*key).get(key)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.shard_for_mut(*key).get_mut(key)
    }

    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        self.0.shard_for_mut(key).entry(key)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.shard_for_mut(key).insert(key, value)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.shard_for_mut(*key).remove(key)
    }
}

impl<K, V> Default for ShardedMap<K, V> {
    fn default() -> Self {
        Self(Shards::default())
    }
}

#[cfg(test)]
impl<K, V> ShardedMap<K, V> {
    /// Number of entries in all shards.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(FxHashMap::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct TestKey(u16);

    impl ShardKey for TestKey {
        fn shard_index(self) -> u8 {
            self.0.to_be_bytes()[1]
        }
    }

    #[test]
    fn sharded_map_finds_inserted_values() {
        let mut map = ShardedMap::default();
        for number in 0..1_000 {
            let key = TestKey(number);
            assert_eq!(map.insert(key, number), None);
            assert_eq!(map.insert(key, number + 1), Some(number));
            *map.entry(key).or_insert(0) += 1;
            *map.get_mut(&key).expect("the key was inserted") += 1;
        }
        assert!((0..1_000).all(|number| map.get(&TestKey(number)) == Some(&(number + 3))));
        assert_eq!(map.len(), 1_000);
        assert!((0..1_000).all(|number| map.remove(&TestKey(number)) == Some(number + 3)));
        assert_eq!(map.len(), 0);
    }
}
