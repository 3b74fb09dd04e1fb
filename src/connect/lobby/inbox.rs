//! Inbox until their next call.
//!
//! Items are leased to an answer and go only when that answer was delivered; a lost answer puts
//! them back where they were, in order. Words for them are `reply.rs`'s business.

use std::collections::VecDeque;
use std::time::Duration;

use super::broadcast::BroadcastText;
use super::chat::Chat;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::RoomId;
use crate::mask::Masked;

/// The most messages that may wait for one person; notices come on top.
pub const INBOX_CAPACITY: usize = 200;

/// Maximum length of one item's message, in characters. With a nickname and the words around it, an
/// item then always fits into an answer; a longer message becomes several items.
pub(super) const MAX_ITEM_CHARS: usize = 3_900;

/// How long whoever took items has to say that they arrived. After that they wait again, and may
/// come a second time under the same number.
pub const LEASE_TIME: Duration = Duration::from_secs(10);

/// A piece of news for one person, and the room it happened in, if it did in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxEvent {
    Message {
        room: RoomId,
        from: Nickname,
        text: Masked,
    },
    Connected {
        chat: Chat,
    },
    PartnerLeft {
        room: RoomId,
    },
    PartnerTimedOut {
        room: RoomId,
    },
    /// A question to both, the one of this number.
    Icebreaker {
        room: RoomId,
        question: u8,
    },
    /// Both have been silent for a while.
    Nudge {
        room: RoomId,
    },
    /// What the operator has everybody told, in no room.
    Broadcast(BroadcastText),
}

/// News with its place in the order in which everything happened, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub seq: u64,
    pub at: Timestamp,
    pub event: InboxEvent,
}

/// Names a lease among those of one person.
pub type LeaseId = u64;

/// What an answer may show, in order. `id` names what goes back to the inbox should the answer be
/// lost; there is none where nothing would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    pub id: Option<LeaseId>,
    /// The language of the person they are for, where it is known.
    pub language: Option<Language>,
    pub items: Vec<Item>,
}

/// One person's inbox: what waits, in order, of which the first few may be on their way.
#[derive(Debug, Default)]
pub struct Inbox {
    items: VecDeque<Item>,
    active_lease: Option<ActiveLease>,
}

/// The lease of the first `count` items.
#[derive(Clone, Copy, Debug)]
struct ActiveLease {
    id: LeaseId,
    expires_at: Timestamp,
    item_count: usize,
}

impl Inbox {
    /// Whether something is on its way: nothing more is handed out then, as it would overtake that.
    #[must_use]
    pub const fn is_leased(&self) -> bool {
        self.active_lease.is_some()
    }

    /// Whether there is anything to hand out.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.is_leased() && !self.items.is_empty()
    }

    /// Whether `more` messages still fit. Those on their way take room.
    #[must_use]
    pub fn has_room_for(&self, more: usize) -> bool {
        self.items.len() + more <= INBOX_CAPACITY
    }

    pub fn push(&mut self, item: Item) {
        if self.items.capacity() == 0 {
            // Most are read before a second comes.
            self.items.reserve_exact(1);
        }
        self.items.push_back(item);
    }

    /// Ends a lease of which was not heard for too long: its items wait again.
    pub fn reclaim(&mut self, now: Timestamp) {
        self.active_lease = self.active_lease.filter(|lease| now < lease.expires_at);
    }

    /// Hands out all that waits; nothing while anything is on its way.
    pub fn lease(&mut self, id: LeaseId, now: Timestamp) -> Lease {
        if !self.has_pending() {
            return Lease::default();
        }
        self.active_lease =
            Some(ActiveLease { id, expires_at: now + LEASE_TIME, item_count: self.items.len() });
        let items = self.items.iter().cloned().collect();
        Lease { id: Some(id), items, ..Lease::default() }
    }

    /// Hands out `items` once more, for an answer that is being repeated. Those that have not been
    /// delivered meanwhile are on lease to it, unless something is on its way to another answer.
    pub fn renew_lease(&mut self, id: LeaseId, items: &[Item], now: Timestamp) -> Lease {
        let last = items.last().map_or(0, |item| item.seq);
        let count = self.items.iter().take_while(|item| item.seq <= last).count();
        let free = self.active_lease.is_none_or(|lease| lease.item_count == count);
        let id = (count > 0 && free).then_some(id);
        if let Some(id) = id {
            self.active_lease =
                Some(ActiveLease { id, expires_at: now + LEASE_TIME, item_count: count });
        }
        Lease { id, items: items.to_vec(), ..Lease::default() }
    }

    /// Keeps what an answer could not hold: all but the first `shown` of the lease's items.
    pub fn put_back(&mut self, lease: &Lease, shown: usize) {
        if let Some(own) = self.active_lease.as_mut().filter(|own| Some(own.id) == lease.id) {
            own.item_count = own.item_count.min(shown);
        }
    }

    /// Ends a lease: its items are gone when delivered, and wait again when not.
    pub fn settle(&mut self, id: LeaseId, delivered: bool) {
        if let Some(lease) = self.active_lease.take_if(|lease| lease.id == id)
            && delivered
        {
            self.items.drain(..lease.item_count);
            if self.items.is_empty() {
                // Most inboxes are empty most of the time: one must not keep the room of its fullest.
                self.items = VecDeque::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn item(number: u64) -> Item {
        let room = RoomId::random(&mut seeded_rng());
        Item { seq: number, at: NOW, event: InboxEvent::PartnerLeft { room } }
    }

    fn inbox(numbers: impl IntoIterator<Item = u64>) -> Inbox {
        let mut inbox = Inbox::default();
        numbers.into_iter().for_each(|number| inbox.push(item(number)));
        inbox
    }

    fn numbers(lease: &Lease) -> Vec<u64> {
        lease.items.iter().map(|item| item.seq).collect()
    }

    #[test]
    fn lease_settled_as_delivered_removes_items() {
        let mut inbox = inbox(1..=3);
        assert_eq!(numbers(&inbox.lease(1, NOW)), [1, 2, 3]);
        inbox.settle(1, true);
        assert_eq!(inbox.lease(2, NOW), Lease::default());
        assert_eq!((inbox.items.len(), inbox.items.capacity()), (0, 0), "it takes no room");
    }

    #[test]
    fn lease_settled_as_lost_restores_order() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1, NOW);
        inbox.push(item(3));
        inbox.settle(1, false);
        assert_eq!(numbers(&inbox.lease(2, NOW)), [1, 2, 3]);
    }

    #[test]
    fn lease_blocks_newer_items_until_settled() {
        let mut inbox = inbox(1..=1);
        inbox.lease(1, NOW);
        inbox.push(item(2));
        assert_eq!(inbox.lease(2, NOW), Lease::default());
        inbox.settle(1, false);
        assert_eq!(numbers(&inbox.lease(3, NOW)), [1, 2]);
    }

    #[test]
    fn lease_put_back_keeps_unshown_items() {
        let mut inbox = inbox(1..=5);
        let lease = inbox.lease(1, NOW);
        inbox.put_back(&lease, 2);
        inbox.settle(1, true);
        assert_eq!(numbers(&inbox.lease(2, NOW)), [3, 4, 5]);
    }

    #[test]
    fn lease_renewed_by_a_replay_takes_over_undelivered_items() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1, NOW);
        let again = inbox.renew_lease(2, &first.items, NOW);
        assert_eq!(numbers(&again), [1, 2]);
        inbox.settle(1, false);
        assert!(!inbox.has_pending(), "the second answer holds them now");
        inbox.settle(2, false);
        assert_eq!(numbers(&inbox.lease(4, NOW)), [1, 2]);
    }

    #[test]
    fn lease_renewed_after_delivery_holds_nothing() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1, NOW);
        inbox.settle(1, true);
        let again = inbox.renew_lease(2, &first.items, NOW);
        assert_eq!((again.id, numbers(&again)), (None, vec![1, 2]));
    }

    #[test]
    fn lease_expires_and_a_late_settle_is_ignored() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1, NOW);
        inbox.reclaim(NOW + Duration::from_millis(9_999));
        assert!(inbox.is_leased());
        inbox.reclaim(NOW + LEASE_TIME);
        inbox.settle(1, true);
        assert_eq!(numbers(&inbox.lease(2, NOW)), [1, 2]);
    }

    #[test]
    fn inbox_capacity_counts_leased_items() {
        let mut inbox = inbox(1..=INBOX_CAPACITY as u64);
        inbox.lease(1, NOW);
        assert!(!inbox.has_room_for(1));
        inbox.settle(1, true);
        assert!(inbox.has_room_for(INBOX_CAPACITY));
    }
}
