//! The waiting queue: who waits, in the order in which they came, and who takes whom.
//!
//! Somebody who named interests is choosy at first: only a person with a common one will do. After
//! [`CHOOSY_FOR`] they are open to anyone, as are from the start those who named none.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::rules::INTEREST_ONLY_FOR;
use crate::connect::profile::interest::{Interest, Interests};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// People by ticket; a ticket taken later is larger.
type TicketMap = BTreeMap<u64, UserId>;

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Queue {
    tickets: TicketMap,
    open: TicketMap,
    /// Who is still choosy, since when.
    interest_only: BTreeMap<u64, (Timestamp, UserId)>,
    by_interest: HashMap<Interest, TicketMap>,
}

impl Queue {
    pub fn join(&mut self, ticket: u64, who: UserId, interests: &Interests, since: Timestamp) {
        self.tickets.insert(ticket, who);
        if interests.is_empty() {
            self.open.insert(ticket, who);
        } else {
            self.interest_only.insert(ticket, (since, who));
        }
        for interest in interests.iter() {
            self.by_interest.entry(Interest::clone(interest)).or_default().insert(ticket, who);
        }
    }

    /// Takes a ticket out. The interests are those it joined with.
    pub fn leave(&mut self, ticket: u64, interests: &Interests) {
        self.tickets.remove(&ticket);
        self.open.remove(&ticket);
        self.interest_only.remove(&ticket);
        for interest in interests.iter() {
            let Some(line) = self.by_interest.get_mut(interest) else { continue };
            line.remove(&ticket);
            if line.is_empty() {
                self.by_interest.remove(interest);
            }
        }
    }

    /// Opens those to anyone who have been choosy for long enough.
    pub fn relax(&mut self, now: Timestamp) {
        while let Some(entry) = self.interest_only.first_entry() {
            let (ticket, (since, who)) = (*entry.key(), *entry.get());
            if now.since(since) < INTEREST_ONLY_FOR {
                return;
            }
            entry.remove();
            self.open.insert(ticket, who);
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    /// The place of a ticket in the queue; the longest waiter has place 1.
    #[must_use]
    pub fn position(&self, ticket: u64) -> usize {
        // Most who ask have just joined the end.
        if self.tickets.last_key_value().is_some_and(|(last, _)| *last == ticket) {
            return self.tickets.len();
        }
        self.tickets.range(..=ticket).count()
    }

    /// Everybody, longest waiter first.
    pub fn iter(&self) -> impl Iterator<Item = UserId> {
        self.tickets.values().copied()
    }

    /// Those who take anyone, longest waiter first.
    pub fn open(&self) -> impl Iterator<Item = UserId> {
        self.open.values().copied()
    }

    #[must_use]
    pub fn is_open(&self, ticket: u64) -> bool {
        self.open.contains_key(&ticket)
    }

    /// The longest waiter who shares one of `interests` and is `eligible`.
    pub fn oldest_sharing_interest(
        &self,
        interests: &Interests,
        eligible: impl Fn(UserId) -> bool,
    ) -> Option<UserId> {
        let lines = interests.iter().filter_map(|interest| self.by_interest.get(interest));
        let firsts = lines.filter_map(|line| line.iter().find(|(_, who)| eligible(**who)));
        firsts.min_by_key(|(ticket, _)| **ticket).map(|(_, who)| *who)
    }
}

/// How long the last people waited who were paired.
#[derive(Debug, Default)]
pub struct RecentWaits(VecDeque<Duration>);

impl RecentWaits {
    /// So many tell what is usual now; few enough to follow the hour of the day.
    pub const SAMPLES: usize = 50;

    pub fn add(&mut self, wait: Duration) {
        // Who finds somebody waiting does not wait: what they tell is nothing for who has to.
        if wait.is_zero() {
            return;
        }
        if self.0.len() == Self::SAMPLES {
            self.0.pop_front();
        }
        self.0.push_back(wait);
    }

    /// The median.
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
        let who = UserId::from_bytes([1; 16]);
        let interests = Interests::parse("music, tea");
        let mut queue = Queue::default();
        for now in [Timestamp::default(), Timestamp::default() + INTEREST_ONLY_FOR] {
            queue.join(1, who, &interests, Timestamp::default());
            queue.relax(now);
            assert_eq!(queue.is_open(1), now != Timestamp::default());
            assert_eq!(
                queue.oldest_sharing_interest(&Interests::parse("tea"), |_| true),
                Some(who)
            );
            queue.leave(1, &interests);
            let Queue { tickets: all, open, interest_only: choosy, by_interest } = &queue;
            assert!(
                all.is_empty() && open.is_empty() && choosy.is_empty() && by_interest.is_empty()
            );
        }
    }

    #[test]
    fn queue_estimate_is_the_median_recent_wait() {
        let mut waits = RecentWaits::default();
        assert_eq!(waits.median(), None);
        [0, 5, 0, 90, 20, 0].into_iter().for_each(|s| waits.add(Duration::from_secs(s)));
        assert_eq!(waits.median(), Some(Duration::from_secs(20)));
        (0..50).for_each(|_| waits.add(Duration::from_secs(3)));
        assert_eq!(waits.median(), Some(Duration::from_secs(3)), "what was long ago is forgotten");
    }
}
