//! What waits for a person until their next call.
//!
//! Items are leased to an answer and go only when that answer was delivered; a lost answer puts
//! them back where they were, in order. Words for them are `reply.rs`'s business.

use std::collections::VecDeque;

use super::nickname::Nickname;
use crate::mask::Masked;

/// The most messages that may wait for one person; notices come on top.
pub const CAPACITY: usize = 200;

/// A piece of news for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Message { from: Nickname, text: Masked },
    Connected { partner: Nickname },
    PartnerLeft,
    PartnerTimedOut,
}

/// News with its place in the order in which everything happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub number: u64,
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
    leased: Vec<(LeaseId, Vec<Item>)>,
}

impl Inbox {
    /// How many items wait or are on their way.
    fn held(&self) -> usize {
        self.waiting.len() + self.leased.iter().map(|(_, items)| items.len()).sum::<usize>()
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

    /// Hands out all that waits.
    pub fn lease(&mut self, id: LeaseId) -> Lease {
        if self.waiting.is_empty() {
            return Lease::default();
        }
        let items = Vec::from(std::mem::take(&mut self.waiting));
        self.leased.push((id, items.clone()));
        Lease { id: Some(id), items }
    }

    /// Hands out `items` once more, for an answer that is being repeated. Those that have not
    /// been delivered meanwhile move to the new lease, wherever they are.
    pub fn lease_again(&mut self, id: LeaseId, items: &[Item]) -> Lease {
        let wanted = |item: &mut Item| items.iter().any(|known| known.number == item.number);
        let mut held: Vec<Item> = Vec::new();
        for (_, leased) in &mut self.leased {
            held.extend(leased.extract_if(.., wanted));
        }
        self.leased.retain(|(_, leased)| !leased.is_empty());
        let (mut again, rest): (Vec<_>, Vec<_>) = self
            .waiting
            .drain(..)
            .partition(|item| items.iter().any(|known| known.number == item.number));
        self.waiting = rest.into();
        held.append(&mut again);
        let id = (!held.is_empty()).then_some(id);
        if let Some(id) = id {
            self.leased.push((id, held));
        }
        Lease { id, items: items.to_vec() }
    }

    /// Puts back what an answer could not hold: all but the first `shown` of the lease's items.
    pub fn keep_back(&mut self, lease: &Lease, shown: usize) {
        let Some(first_kept) = lease.items.get(shown).map(|item| item.number) else { return };
        let Some((_, held)) = self.leased.iter_mut().find(|(id, _)| Some(*id) == lease.id) else {
            return;
        };
        let kept = held.extract_if(.., |item| item.number >= first_kept).collect();
        self.put_back(kept);
    }

    /// Ends a lease: its items are gone when delivered, back in the inbox when not.
    pub fn settle(&mut self, id: LeaseId, delivered: bool) {
        let Some(at) = self.leased.iter().position(|(lease, _)| *lease == id) else { return };
        let (_, items) = self.leased.swap_remove(at);
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

    fn inbox(numbers: impl IntoIterator<Item = u64>) -> Inbox {
        let mut inbox = Inbox::default();
        numbers.into_iter().for_each(|number| inbox.push(Item { number, news: News::PartnerLeft }));
        inbox
    }

    fn numbers(lease: &Lease) -> Vec<u64> {
        lease.items.iter().map(|item| item.number).collect()
    }

    #[test]
    fn delivered_items_are_gone() {
        let mut inbox = inbox(1..=3);
        assert_eq!(numbers(&inbox.lease(1)), [1, 2, 3]);
        inbox.settle(1, true);
        assert_eq!(inbox.lease(2), Lease::default());
        assert_eq!(inbox.held(), 0);
    }

    #[test]
    fn a_lost_answer_puts_its_items_back_before_what_came_later() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1);
        inbox.push(Item { number: 3, news: News::PartnerLeft });
        inbox.settle(1, false);
        assert_eq!(numbers(&inbox.lease(2)), [1, 2, 3]);
    }

    #[test]
    fn answers_lost_in_any_order_put_their_items_back_in_the_old_order() {
        let mut inbox = inbox(1..=1);
        inbox.lease(1);
        inbox.push(Item { number: 2, news: News::PartnerLeft });
        inbox.lease(2);
        inbox.settle(1, false);
        inbox.settle(2, false);
        assert_eq!(numbers(&inbox.lease(3)), [1, 2]);
    }

    #[test]
    fn what_an_answer_could_not_hold_waits_for_the_next() {
        let mut inbox = inbox(1..=5);
        let lease = inbox.lease(1);
        inbox.keep_back(&lease, 2);
        inbox.settle(1, true);
        assert_eq!(numbers(&inbox.lease(2)), [3, 4, 5]);
    }

    #[test]
    fn a_repeated_answer_shows_the_same_and_takes_over_what_was_not_delivered() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1);
        let again = inbox.lease_again(2, &first.items);
        assert_eq!(numbers(&again), [1, 2]);
        inbox.settle(1, false);
        assert_eq!(inbox.lease(3), Lease::default(), "the second answer holds them now");
        inbox.settle(2, false);
        assert_eq!(numbers(&inbox.lease(4)), [1, 2]);
    }

    #[test]
    fn a_repeated_answer_whose_items_were_delivered_holds_nothing() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1);
        inbox.settle(1, true);
        let again = inbox.lease_again(2, &first.items);
        assert_eq!((again.id, numbers(&again)), (None, vec![1, 2]));
    }

    #[test]
    fn items_on_their_way_take_room() {
        let mut inbox = inbox(1..=CAPACITY as u64);
        inbox.lease(1);
        assert!(!inbox.has_room_for(1));
        inbox.settle(1, true);
        assert!(inbox.has_room_for(CAPACITY));
    }
}
