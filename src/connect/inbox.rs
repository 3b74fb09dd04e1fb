//! What waits for a person until their next call.
//!
//! Items are leased to an answer and go only when that answer was delivered; a lost answer puts
//! them back where they were, in order. Words for them are `reply.rs`'s business.

use std::collections::VecDeque;
use std::time::Duration;

use super::chat::Chat;
use super::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::RoomId;
use crate::mask::Masked;

/// The most messages that may wait for one person; notices come on top.
pub const CAPACITY: usize = 200;

/// How long whoever took items has to say that they arrived. After that they wait again, and may
/// come a second time under the same number.
pub const LEASE_TIME: Duration = Duration::from_secs(10);

/// A piece of news for one person, and the room it happened in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Message { room: RoomId, from: Nickname, text: Masked },
    Connected { chat: Chat },
    PartnerLeft { room: RoomId },
    PartnerTimedOut { room: RoomId },
}

/// News with its place in the order in which everything happened, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub number: u64,
    pub at: Timestamp,
    pub news: News,
}

/// Names a lease among those of one person.
pub type LeaseId = u64;

/// What an answer may show, in order. `id` names what goes back to the inbox should the answer be
/// lost; there is none where nothing would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    pub id: Option<LeaseId>,
    pub items: Vec<Item>,
}

/// One person's inbox.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: VecDeque<Item>,
    leased: Vec<Leased>,
}

/// Items on their way.
#[derive(Debug)]
struct Leased {
    id: LeaseId,
    until: Timestamp,
    items: Vec<Item>,
}

impl Inbox {
    /// How many items wait or are on their way.
    fn held(&self) -> usize {
        self.waiting.len() + self.leased.iter().map(|leased| leased.items.len()).sum::<usize>()
    }

    /// Whether an answer with items of this inbox is still on its way.
    #[must_use]
    pub fn is_on_lease(&self) -> bool {
        !self.leased.is_empty()
    }

    /// Whether `more` messages still fit.
    #[must_use]
    pub fn has_room_for(&self, more: usize) -> bool {
        self.held() + more <= CAPACITY
    }

    pub fn push(&mut self, item: Item) {
        self.waiting.push_back(item);
    }

    /// Whether there is anything to hand out.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Puts back what was handed out and not heard of for too long.
    pub fn reclaim(&mut self, now: Timestamp) {
        // Almost always there is nothing on lease.
        let overdue: Vec<_> = self.leased.extract_if(.., |leased| leased.until <= now).collect();
        overdue.into_iter().for_each(|leased| self.put_back(leased.items));
    }

    /// Hands out all that waits; nothing while anything is on its way, which it would overtake.
    pub fn lease(&mut self, id: LeaseId, now: Timestamp) -> Lease {
        if self.waiting.is_empty() || self.is_on_lease() {
            return Lease::default();
        }
        let items = Vec::from(std::mem::take(&mut self.waiting));
        self.leased.push(Leased { id, until: now + LEASE_TIME, items: items.clone() });
        Lease { id: Some(id), items }
    }

    /// Hands out `items` once more, for an answer that is being repeated. Those that have not
    /// been delivered meanwhile move to the new lease, wherever they are.
    pub fn lease_again(&mut self, id: LeaseId, items: &[Item], now: Timestamp) -> Lease {
        let wanted = |item: &mut Item| items.iter().any(|known| known.number == item.number);
        let mut held: Vec<Item> = Vec::new();
        for leased in &mut self.leased {
            held.extend(leased.items.extract_if(.., wanted));
        }
        self.leased.retain(|leased| !leased.items.is_empty());
        let (mut again, rest): (Vec<_>, Vec<_>) = self
            .waiting
            .drain(..)
            .partition(|item| items.iter().any(|known| known.number == item.number));
        self.waiting = rest.into();
        held.append(&mut again);
        let id = (!held.is_empty()).then_some(id);
        if let Some(id) = id {
            self.leased.push(Leased { id, until: now + LEASE_TIME, items: held });
        }
        Lease { id, items: items.to_vec() }
    }

    /// Puts back what an answer could not hold: all but the first `shown` of the lease's items.
    pub fn keep_back(&mut self, lease: &Lease, shown: usize) {
        let Some(first_kept) = lease.items.get(shown).map(|item| item.number) else { return };
        let Some(held) = self.leased.iter_mut().find(|leased| Some(leased.id) == lease.id) else {
            return;
        };
        let kept = held.items.extract_if(.., |item| item.number >= first_kept).collect();
        self.put_back(kept);
    }

    /// Ends a lease: its items are gone when delivered, back in the inbox when not.
    pub fn settle(&mut self, id: LeaseId, delivered: bool) {
        let Some(at) = self.leased.iter().position(|leased| leased.id == id) else { return };
        let Leased { items, .. } = self.leased.swap_remove(at);
        if !delivered {
            self.put_back(items);
        }
    }

    fn put_back(&mut self, items: Vec<Item>) {
        let mut all = items;
        all.extend(self.waiting.drain(..));
        all.sort_by_key(|item| item.number);
        self.waiting = all.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn item(number: u64) -> Item {
        let room = RoomId::random(&mut seeded_rng());
        Item { number, at: NOW, news: News::PartnerLeft { room } }
    }

    fn inbox(numbers: impl IntoIterator<Item = u64>) -> Inbox {
        let mut inbox = Inbox::default();
        numbers.into_iter().for_each(|number| inbox.push(item(number)));
        inbox
    }

    fn numbers(lease: &Lease) -> Vec<u64> {
        lease.items.iter().map(|item| item.number).collect()
    }

    #[test]
    fn delivered_items_are_gone() {
        let mut inbox = inbox(1..=3);
        assert_eq!(numbers(&inbox.lease(1, NOW)), [1, 2, 3]);
        inbox.settle(1, true);
        assert_eq!(inbox.lease(2, NOW), Lease::default());
        assert_eq!(inbox.held(), 0);
    }

    #[test]
    fn a_lost_answer_puts_its_items_back_before_what_came_later() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1, NOW);
        inbox.push(item(3));
        inbox.settle(1, false);
        assert_eq!(numbers(&inbox.lease(2, NOW)), [1, 2, 3]);
    }

    #[test]
    fn what_is_on_its_way_is_not_overtaken() {
        let mut inbox = inbox(1..=1);
        inbox.lease(1, NOW);
        inbox.push(item(2));
        assert_eq!(inbox.lease(2, NOW), Lease::default());
        inbox.settle(1, false);
        assert_eq!(numbers(&inbox.lease(3, NOW)), [1, 2]);
    }

    #[test]
    fn what_an_answer_could_not_hold_waits_for_the_next() {
        let mut inbox = inbox(1..=5);
        let lease = inbox.lease(1, NOW);
        inbox.keep_back(&lease, 2);
        inbox.settle(1, true);
        assert_eq!(numbers(&inbox.lease(2, NOW)), [3, 4, 5]);
    }

    #[test]
    fn a_repeated_answer_shows_the_same_and_takes_over_what_was_not_delivered() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1, NOW);
        let again = inbox.lease_again(2, &first.items, NOW);
        assert_eq!(numbers(&again), [1, 2]);
        inbox.settle(1, false);
        assert!(!inbox.has_waiting(), "the second answer holds them now");
        inbox.settle(2, false);
        assert_eq!(numbers(&inbox.lease(4, NOW)), [1, 2]);
    }

    #[test]
    fn a_repeated_answer_whose_items_were_delivered_holds_nothing() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1, NOW);
        inbox.settle(1, true);
        let again = inbox.lease_again(2, &first.items, NOW);
        assert_eq!((again.id, numbers(&again)), (None, vec![1, 2]));
    }

    #[test]
    fn what_is_not_heard_of_waits_again_and_a_late_word_changes_nothing() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1, NOW);
        inbox.reclaim(NOW + Duration::from_millis(9_999));
        assert!(!inbox.has_waiting());
        inbox.reclaim(NOW + LEASE_TIME);
        inbox.settle(1, true);
        assert_eq!(numbers(&inbox.lease(2, NOW)), [1, 2]);
    }

    #[test]
    fn items_on_their_way_take_room() {
        let mut inbox = inbox(1..=CAPACITY as u64);
        inbox.lease(1, NOW);
        assert!(!inbox.has_room_for(1));
        inbox.settle(1, true);
        assert!(inbox.has_room_for(CAPACITY));
    }
}
