//! Everybody whom the lobby knows, found by who they are, by the order of their codes, and by when they
//! may have been silent for too long.
//!
//! What a person is lives in `person.rs`; what becomes of whoever was silent is `sweep.rs`'s business.
//!
//! **Invariant:** who is known is in all three, once.

use std::collections::BTreeSet;
use std::ops::RangeBounds;
use std::time::Duration;

use super::person::Person;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::shards::ShardedMap;

/// Everybody known.
#[derive(Default)]
pub(super) struct People {
    /// Behind a pointer, as a table is half empty just after it grew.
    by_id: ShardedMap<UserId, Box<Person>>,
    ids: BTreeSet<UserId>,
    /// When each made a call, which may not have been the last: to keep these in order would make each
    /// call look at two further people, who at a million are in no cache.
    idle_deadlines: BTreeSet<(Timestamp, UserId)>,
}

/// What a look at whoever may have been silent for too long comes to.
pub(super) enum IdleCheck {
    /// They were.
    Idle(UserId),
    /// They made a call since: it is not time yet.
    Active,
}

impl People {
    /// A person who makes a call: known from now on.
    pub(super) fn touch(&mut self, who: UserId, now: Timestamp) -> &mut Person {
        let person = self.by_id.entry(who).or_insert_with(|| {
            self.ids.insert(who);
            self.idle_deadlines.insert((now, who));
            Box::new(Person::new(now))
        });
        person.last_seen = now;
        person
    }

    pub(super) fn get(&self, who: &UserId) -> Option<&Person> {
        self.by_id.get(who).map(|person| &**person)
    }

    pub(super) fn get_mut(&mut self, who: &UserId) -> Option<&mut Person> {
        self.by_id.get_mut(who).map(|person| &mut **person)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Those whose codes are within `codes`, in their order.
    pub(super) fn ids_in(&self, codes: impl RangeBounds<UserId>) -> impl Iterator<Item = UserId> {
        self.ids.range(codes).copied()
    }

    /// Looks at whoever may have made no call for `idle`; at nobody where it is time for none. Somebody
    /// active is looked at about once in that time.
    pub(super) fn next_idle(&mut self, now: Timestamp, idle: Duration) -> Option<IdleCheck> {
        let due = self.idle_deadlines.first().filter(|(call, _)| now.since(*call) >= idle);
        let (call, who) = due.copied()?;
        self.idle_deadlines.pop_first();
        let last = self.get(&who).map_or(call, |person| person.last_seen);
        if now.since(last) >= idle {
            return Some(IdleCheck::Idle(who));
        }
        self.idle_deadlines.insert((last, who));
        Some(IdleCheck::Active)
    }

    /// Forgets somebody who was [`Look::Silent`], and returns what they were.
    pub(super) fn remove(&mut self, who: UserId) -> Option<Box<Person>> {
        self.ids.remove(&who);
        self.by_id.remove(&who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn silent(people: &mut People, now: Timestamp) -> Vec<UserId> {
        let looks = std::iter::from_fn(|| people.next_idle(now, IDLE));
        let silent = looks.filter_map(|look| match look {
            IdleCheck::Idle(who) => Some(who),
            IdleCheck::Active => None,
        });
        let silent: Vec<_> = silent.collect();
        silent.iter().for_each(|who| drop(people.remove(*who)));
        silent
    }

    #[test]
    fn eviction_visits_idle_people_in_order_of_their_last_call() {
        let [one, other, third] = [1, 2, 3].map(|n| UserId::from_bytes([n; 16]));
        let at = |millis| Timestamp::default() + Duration::from_millis(millis);
        let mut people = People::default();
        for (who, millis) in [(one, 0), (other, 1), (third, 2), (other, 30), (one, 59_999)] {
            people.touch(who, at(millis));
        }
        for (millis, gone) in [
            (60_001, &[][..]),
            (60_002, &[third]),
            (60_029, &[]),
            (60_030, &[other]),
            (119_998, &[]),
            (119_999, &[one]),
        ] {
            assert_eq!(silent(&mut people, at(millis)), gone, "{millis}");
        }
        let People { by_id: known, ids: codes, idle_deadlines: calls } = &people;
        assert!(known.len() == 0 && codes.is_empty() && calls.is_empty());
    }
}
