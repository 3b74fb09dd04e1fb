//! [`People`]: all known users, found by id, in the order of their ids, and by idle deadline.
//!
//! The record of one user is [`Person`]. The effects of an eviction are in `manager/sweep.rs`.
//!
//! **Invariant:** a known user is in each of the three indexes exactly once.

use std::collections::BTreeSet;
use std::ops::RangeBounds;
use std::time::Duration;

use super::person::Person;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::shards::ShardedMap;

/// All known users.
#[derive(Default)]
pub(super) struct People {
    /// Boxed, because half of a table's slots are empty just after it grew.
    by_id: ShardedMap<UserId, Box<Person>>,
    ids: BTreeSet<UserId>,
    /// The time of a call by each user, not always the last one. Exact deadlines would make every
    /// call touch two more users, who are in no CPU cache when there are a million.
    idle_deadlines: BTreeSet<(Timestamp, UserId)>,
}

/// The result of checking a user whose idle deadline has passed.
pub(super) enum IdleCheck {
    /// The user made no call for the idle timeout.
    Idle(UserId),
    /// The user has made a call since; the deadline is moved.
    Active,
}

impl People {
    /// Returns the record of a user who makes a call, and creates it if the user is unknown.
    pub(super) fn touch(&mut self, user: UserId, now: Timestamp) -> &mut Person {
        let person = self.by_id.entry(user).or_insert_with(|| {
            self.ids.insert(user);
            self.idle_deadlines.insert((now, user));
            Box::new(Person::new(now))
        });
        person.last_seen = now;
        person
    }

    pub(super) fn get(&self, user: &UserId) -> Option<&Person> {
        self.by_id.get(user).map(|person| &**person)
    }

    pub(super) fn get_mut(&mut self, user: &UserId) -> Option<&mut Person> {
        self.by_id.get_mut(user).map(|person| &mut **person)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Iterates over the users whose ids are in `range`, in the order of their ids.
    pub(super) fn ids_in(&self, range: impl RangeBounds<UserId>) -> impl Iterator<Item = UserId> {
        self.ids.range(range).copied()
    }

    /// Checks the user with the earliest idle deadline; `None` if no deadline has passed.
    ///
    /// An active user is checked about once per `idle_timeout`.
    pub(super) fn next_idle(
        &mut self,
        now: Timestamp,
        idle_timeout: Duration,
    ) -> Option<IdleCheck> {
        let due = self.idle_deadlines.first().filter(|(call, _)| now.since(*call) >= idle_timeout);
        let (call, user) = due.copied()?;
        self.idle_deadlines.pop_first();
        let last_call = self.get(&user).map_or(call, |person| person.last_seen);
        if now.since(last_call) >= idle_timeout {
            return Some(IdleCheck::Idle(user));
        }
        self.idle_deadlines.insert((last_call, user));
        Some(IdleCheck::Active)
    }

    /// Removes a user that [`next_idle`](Self::next_idle) returned as [`IdleCheck::Idle`], and
    /// returns the record.
    pub(super) fn remove(&mut self, user: UserId) -> Option<Box<Person>> {
        self.ids.remove(&user);
        self.by_id.remove(&user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    /// Removes and returns all users who are idle at `now`.
    fn evict(people: &mut People, now: Timestamp) -> Vec<UserId> {
        let checks = std::iter::from_fn(|| people.next_idle(now, IDLE));
        let idle = checks.filter_map(|check| match check {
            IdleCheck::Idle(user) => Some(user),
            IdleCheck::Active => None,
        });
        let idle: Vec<_> = idle.collect();
        idle.iter().for_each(|user| drop(people.remove(*user)));
        idle
    }

    #[test]
    fn eviction_visits_idle_people_in_order_of_their_last_call() {
        let [first, second, third] = [1, 2, 3].map(|n| UserId::from_bytes([n; 16]));
        let at = |millis| Timestamp::default() + Duration::from_millis(millis);
        let mut people = People::default();
        for (user, millis) in [(first, 0), (second, 1), (third, 2), (second, 30), (first, 59_999)] {
            people.touch(user, at(millis));
        }
        for (millis, evicted) in [
            (60_001, &[][..]),
            (60_002, &[third]),
            (60_029, &[]),
            (60_030, &[second]),
            (119_998, &[]),
            (119_999, &[first]),
        ] {
            assert_eq!(evict(&mut people, at(millis)), evicted, "{millis}");
        }
        let People { by_id, ids, idle_deadlines } = &people;
        assert!(by_id.len() == 0 && ids.is_empty() && idle_deadlines.is_empty());
    }
}
