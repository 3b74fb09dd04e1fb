//! What is kept by hashed ids, in many small parts instead of one large one: whatever goes through all of a
//! part, as a table does that grows or a purge, holds up a call for a moment and not for all there is.

use std::collections::hash_map::Entry;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// How many parts there are: one for each value of a byte.
const SHARD_COUNT: usize = 256;

/// An id whose bytes are those of a keyed hash, or random: as many fall on each shard, and no caller
/// can choose theirs so that it collides with another in a table without a hash of its own.
pub trait ShardKey: Copy + Eq + Hash {
    /// Where what belongs to this id is kept: always the same.
    fn shard_index(self) -> u8;
}

/// One `T` for each shard.
#[derive(Debug)]
pub struct Shards<T>(Box<[T]>);

impl<T> Shards<T> {
    #[must_use]
    pub fn new(make: impl FnMut() -> T) -> Self {
        Self(std::iter::repeat_with(make).take(SHARD_COUNT).collect())
    }

    /// The part where what belongs to `id` is kept.
    pub fn shard_for(&self, id: impl ShardKey) -> &T {
        &self.0[usize::from(id.shard_index())]
    }

    /// The same, to change it.
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

/// A table that grows in small steps, behind whatever lock is around all of it. Its keys are hashes: one
/// more for each of a call's dozen looks would cost as much as all the rest.
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
    /// How much there is. Asks each shard.
    pub fn len(&self) -> usize {
        self.0.iter().map(FxHashMap::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::seeded_rng;
    use super::super::id::{IdHasher, Realm, RoomId};
    use super::*;

    /// Of 20,000, 78 fall on a shard in the mean, with a deviation of 9.
    fn spread<K: ShardKey>(ids: impl Iterator<Item = K>) -> bool {
        let mut shards = Shards::new(Vec::new);
        for id in ids.take(20_000) {
            shards.shard_for_mut(id).push(id);
            assert!(shards.shard_for(id).contains(&id));
        }
        shards.iter().all(|shard| shard.len() > 20)
    }

    #[test]
    fn shard_index_is_uniform_and_stable_for_every_id_type() {
        let (ids, mut rng) = (IdHasher::random(&mut seeded_rng()), seeded_rng());
        let user = |number: u32| ids.user_id(Realm::Puch, &number.to_string());
        assert!(spread((0..).map(user)));
        assert!(spread((0..).map(|number| ids.idempotency_key(user(number), "1", ""))));
        assert!(spread(std::iter::repeat_with(|| RoomId::random(&mut rng))));
    }

    #[test]
    fn sharded_map_finds_inserted_values() {
        let mut rng = seeded_rng();
        let rooms: Vec<_> = (0..1_000).map(|_| RoomId::random(&mut rng)).collect();
        let mut map = ShardedMap::default();
        for (number, room) in rooms.iter().enumerate() {
            assert_eq!(map.insert(*room, number), None);
            assert_eq!(map.insert(*room, number + 1), Some(number));
            *map.entry(*room).or_insert(0) += 1;
            *map.get_mut(room).expect("it is there") += 1;
        }
        assert!(
            rooms.iter().enumerate().all(|(number, room)| map.get(room) == Some(&(number + 3)))
        );
        assert_eq!(map.len(), 1_000);
        assert!(
            rooms.iter().enumerate().all(|(number, room)| map.remove(room) == Some(number + 3))
        );
        assert_eq!(map.len(), 0);
    }
}
