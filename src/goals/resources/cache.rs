//! [`ResourceCache`]: resources by the revision of their owner, in this process.
//!
//! A write raises the revision in its transaction, so that the key of a cached resource is never asked for again.

use std::time::Duration;

use jiff::civil::Date;
use parking_lot::Mutex;

use super::uri::GoalsUri;
use crate::kernel::clock::Timestamp;
use crate::kernel::principal::Owner;
use crate::kernel::ttl_cache::TtlCache;

/// Maximum number of resources.
const CAPACITY: usize = 1_000;

/// The time for which a profile, a goal and a day are stored.
pub const PROFILE_TTL: Duration = Duration::from_secs(300);
pub const GOAL_TTL: Duration = Duration::from_secs(600);
pub const DAILY_TTL: Duration = Duration::from_secs(3_600);

/// A resource at a revision. `today` is a part of it, because texts depend on the date.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceKey {
    pub owner: Owner,
    pub revision: u64,
    pub today: Date,
    pub uri: String,
}

/// The resources of one kind.
type Texts = Mutex<TtlCache<ResourceKey, String>>;

/// Resources by the revision of their owner.
pub struct ResourceCache {
    profiles: Texts,
    goals: Texts,
    days: Texts,
}

impl Default for ResourceCache {
    fn default() -> Self {
        let texts = |ttl| Mutex::new(TtlCache::new(ttl, CAPACITY));
        Self { profiles: texts(PROFILE_TTL), goals: texts(GOAL_TTL), days: texts(DAILY_TTL) }
    }
}

impl ResourceCache {
    const fn texts(&self, uri: &GoalsUri) -> &Texts {
        match uri {
            GoalsUri::Profile => &self.profiles,
            GoalsUri::Goal(_) => &self.goals,
            GoalsUri::Daily(_) => &self.days,
        }
    }

    /// The text of a resource, if it is stored.
    #[must_use]
    pub fn get(&self, uri: &GoalsUri, key: &ResourceKey, now: Timestamp) -> Option<String> {
        self.texts(uri).lock().get(key, now).cloned()
    }

    /// Stores the text of a resource that was read at the revision of the key.
    pub fn insert(&self, uri: &GoalsUri, key: ResourceKey, text: String, now: Timestamp) {
        let removed = self.texts(uri).lock().insert(key, text, now);
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn goals_cached_resource_is_that_of_its_revision_and_day_until_its_time_is_over() {
        let (cache, now) = (ResourceCache::default(), Timestamp::from_millis(1_000));
        let key = ResourceKey {
            owner: Owner::named("ann").expect("a name"),
            revision: 1,
            today: date(2027, 1, 15),
            uri: "selfos://users/me/profile".to_owned(),
        };
        cache.insert(&GoalsUri::Profile, key.clone(), "one".to_owned(), now);
        let get = |key: &ResourceKey, now| cache.get(&GoalsUri::Profile, key, now);
        assert_eq!(get(&key, now).as_deref(), Some("one"));
        assert_eq!(get(&ResourceKey { revision: 2, ..key.clone() }, now), None);
        assert_eq!(get(&ResourceKey { today: date(2027, 1, 16), ..key.clone() }, now), None);
        let ben = Owner::named("ben").expect("a name");
        assert_eq!(get(&ResourceKey { owner: ben, ..key.clone() }, now), None);
        assert_eq!(get(&key, now + PROFILE_TTL), None);
    }
}
