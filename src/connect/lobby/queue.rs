//! [`Queue`], the waiting users in the order of their tickets, and [`RecentWaits`], the sample
//! behind the estimated wait.
//!
//! A user with interests is in interest-only mode at first and accepts only a user who shares one.
//! After [`INTEREST_ONLY_FOR`] the user is open to anyone, as users without interests are from the
//! start. Every other rule of matching is in `manager/matching.rs`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::rules::INTEREST_ONLY_FOR;
use crate::connect::profile::interest::{Interest, Interests};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// Users by ticket. A later ticket is larger.
type TicketMap = BTreeMap<u64, UserId>;

/// All waiting users, with an index per mode and per interest.
#[derive(Debug, Default)]
pub struct Queue {
    tickets: TicketMap,
    /// Users who accept anyone.
    open: TicketMap,
    /// Users in interest-only mode, with the time their wait began.
    interest_only: BTreeMap<u64, (Timestamp, UserId)>,
    by_interest: HashMap<Interest, TicketMap>,
}

impl Queue {
    pub fn join(&mut self, ticket: u64, user: UserId, interests: &Interests, since: Timestamp) {
        self.tickets.insert(ticket, user);
        if interests.is_empty() {
            self.open.insert(ticket, user);
        } else {
            self.interest_only.insert(ticket, (since, user));
        }
        for interest in interests.iter() {
            self.by_interest.entry(Interest::clone(interest)).or_default().insert(ticket, user);
        }
    }

    /// Removes a ticket. `interests` must be those it joined with.
    pub fn leave(&mut self, ticket: u64, interests: &Interests) {
        self.tickets.remove(&ticket);
        self.open.remove(&ticket);
        self.interest_only.remove(&ticket);
        for interest in interests.iter() {
            let Some(tickets) = self.by_interest.get_mut(interest) else { continue };
            tickets.remove(&ticket);
            if tickets.is_empty() {
                self.by_interest.remove(interest);
            }
        }
    }

    /// Opens users to anyone whose interest-only time is over.
    pub fn relax(&mut self, now: Timestamp) {
        while let Some(entry) = self.interest_only.first_entry() {
            let (ticket, (since, user)) = (*entry.key(), *entry.get());
            if now.since(since) < INTEREST_ONLY_FOR {
                return;
            }
            entry.remove();
            self.open.insert(ticket, user);
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Returns the 1-based rank of a ticket. The longest waiter has rank 1.
    #[must_use]
    pub fn position(&self, ticket: u64) -> usize {
        // The common case: the user has just joined the end.
        if self.tickets.last_key_value().is_some_and(|(last, _)| *last == ticket) {
            return self.tickets.len();
        }
        self.tickets.range(..=ticket).count()
    }

    /// Iterates over all waiting users, longest waiter first.
    pub fn iter(&self) -> impl Iterator<Item = UserId> {
        self.tickets.values().copied()
    }

    /// Iterates over the users who accept anyone, longest waiter first.
    pub fn open(&self) -> impl Iterator<Item = UserId> {
        self.open.values().copied()
    }

    /// Returns `true` if the ticket's user accepts anyone.
    #[must_use]
    pub fn is_open(&self, ticket: u64) -> bool {
        self.open.contains_key(&ticket)
    }

    /// Returns the longest waiter who shares one of `interests` and is `eligible`.
    pub fn oldest_sharing_interest(
        &self,
        interests: &Interests,
        eligible: impl Fn(UserId) -> bool,
    ) -> Option<UserId> {
        let indexes = interests.iter().filter_map(|interest| self.by_interest.get(interest));
        let oldest = indexes.filter_map(|index| index.iter().find(|(_, user)| eligible(**user)));
        oldest.min_by_key(|(ticket, _)| **ticket).map(|(_, user)| *user)
    }
}

/// The waits of the users who were matched most recently.
#[derive(Debug, Default)]
pub struct RecentWaits(VecDeque<Duration>);

impl RecentWaits {
    /// Number of samples: enough for a median, and few enough to follow the time of day.
    pub const SAMPLES: usize = 50;

    /// Adds the wait of a matched user.
    pub fn add(&mut self, wait: Duration) {
        // A user who finds a waiting partner does not wait. That says nothing about a user who
        // does.
        if wait.is_zero() {
            return;
        }
        if self.0.len() == Self::SAMPLES {
            self.0.pop_front();
        }
        self.0.push_back(wait);
    }

    /// Returns the median; `None` until a user has waited.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        let mut sorted: Vec<_> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_leave_removes_every_index_entry() {
        let user = UserId::from_bytes([1; 16]);
        let interests = Interests::parse("music, tea").expect("valid interests");
        let mut queue = Queue::default();
        for now in [Timestamp::default(), Timestamp::default() + INTEREST_ONLY_FOR] {
            queue.join(1, user, &interests, Timestamp::default());
            queue.relax(now);
            assert_eq!(queue.is_open(1), now != Timestamp::default());
            assert_eq!(
                queue.oldest_sharing_interest(
                    &Interests::parse("tea").expect("valid interests"),
                    |_| true
                ),
                Some(user)
            );
            queue.leave(1, &interests);
            let Queue { tickets, open, interest_only, by_interest } = &queue;
            assert!(tickets.is_empty() && open.is_empty());
            assert!(interest_only.is_empty() && by_interest.is_empty());
        }
    }

    #[test]
    fn queue_estimate_is_the_median_recent_wait() {
        let mut waits = RecentWaits::default();
        assert_eq!(waits.median(), None);
        [0, 5, 0, 90, 20, 0].into_iter().for_each(|s| waits.add(Duration::from_secs(s)));
        assert_eq!(waits.median(), Some(Duration::from_secs(20)));
        (0..50).for_each(|_| waits.add(Duration::from_secs(3)));
        assert_eq!(waits.median(), Some(Duration::from_secs(3)), "only the last 50 waits count");
    }
}
