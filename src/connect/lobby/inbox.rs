//! [`Inbox`]: one user's undelivered events, in order, and the lease on the first of them.
//!
//! An answer or a push channel leases items. They are removed once the delivery is confirmed, and
//! return to the inbox in their old order if it fails. Wording is in `connect/reply/`.
//!
//! The cycle of a lease: [`Inbox::reclaim`], [`Inbox::lease`], optionally [`Inbox::put_back`], then
//! [`Inbox::settle`]. A replayed answer uses [`Inbox::renew_lease`] instead of the first two.

use std::collections::VecDeque;
use std::time::Duration;

use super::broadcast::BroadcastText;
use super::chat::Chat;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::delivery::mailbox;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::RoomId;
use crate::mask::Masked;

/// Maximum number of items in an inbox that still accepts messages, icebreakers and broadcasts.
/// Other events are added beyond it.
pub const INBOX_CAPACITY: usize = 200;

/// Maximum length of the message in one item, in characters. With a nickname and the words around
/// it, such an item always fits into an answer. A longer message becomes several items.
pub(super) const MAX_ITEM_CHARS: usize = 3_900;

/// Time after which an unsettled lease expires. Its items return to the inbox and are redelivered
/// under the same `seq`.
pub const LEASE_TIME: Duration = mailbox::LEASE_TIME;

/// An event that a user is notified of.
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
    /// The partner was evicted.
    PartnerTimedOut {
        room: RoomId,
    },
    /// The icebreaker question with this number, asked of both partners.
    Icebreaker {
        room: RoomId,
        question: u8,
    },
    /// Both partners have been silent for [`NUDGE_AFTER`](super::rules::NUDGE_AFTER).
    Nudge {
        room: RoomId,
    },
    /// A message of the operator, which belongs to no room.
    Broadcast(BroadcastText),
}

/// An event with its sequence number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Orders the items of all users. A redelivery has the same number.
    pub seq: u64,
    pub at: Timestamp,
    pub event: InboxEvent,
}

/// Identifies a lease among those of one user.
pub type LeaseId = u64;

/// Items handed out for one answer or push, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Identifies the lease for [`Inbox::settle`]; `None` if no item returns to the inbox when the
    /// delivery fails.
    pub id: Option<LeaseId>,
    /// The user's language; `None` until it is known.
    pub language: Option<Language>,
    pub items: Vec<Item>,
}

/// One user's undelivered items, in order. The first of them may be leased.
#[derive(Debug, Default)]
pub struct Inbox {
    items: VecDeque<Item>,
    active_lease: Option<ActiveLease>,
}

/// The lease on the first `item_count` items.
#[derive(Clone, Copy, Debug)]
struct ActiveLease {
    id: LeaseId,
    expires_at: Timestamp,
    item_count: usize,
}

impl Inbox {
    /// Returns `true` while a lease is active. No other item is handed out then, because it would
    /// overtake the leased ones.
    #[must_use]
    pub const fn is_leased(&self) -> bool {
        self.active_lease.is_some()
    }

    /// Returns `true` if there is an item to hand out.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.is_leased() && !self.items.is_empty()
    }

    /// Returns `true` if `count` more items fit. Leased items count too.
    #[must_use]
    pub fn has_room_for(&self, count: usize) -> bool {
        self.items.len() + count <= INBOX_CAPACITY
    }

    pub fn push(&mut self, item: Item) {
        if self.items.capacity() == 0 {
            // Most items are read before a second one arrives.
            self.items.reserve_exact(1);
        }
        self.items.push_back(item);
    }

    /// Ends an expired lease and returns its items to the inbox.
    pub fn reclaim(&mut self, now: Timestamp) {
        self.active_lease = self.active_lease.filter(|lease| now < lease.expires_at);
    }

    /// Leases all items. The lease is empty while another one is active.
    pub fn lease(&mut self, id: LeaseId, now: Timestamp) -> Lease {
        if !self.has_pending() {
            return Lease::default();
        }
        self.active_lease =
            Some(ActiveLease { id, expires_at: now + LEASE_TIME, item_count: self.items.len() });
        let items = self.items.iter().cloned().collect();
        Lease { id: Some(id), items, ..Lease::default() }
    }

    /// Hands out the `items` of an earlier answer again, for its replay. Leases those that are
    /// still undelivered, unless a lease with other items is active.
    pub fn renew_lease(&mut self, id: LeaseId, items: &[Item], now: Timestamp) -> Lease {
        let last = items.last().map_or(0, |item| item.seq);
        let undelivered = self.items.iter().take_while(|item| item.seq <= last).count();
        let can_lease = self.active_lease.is_none_or(|lease| lease.item_count == undelivered);
        let id = (undelivered > 0 && can_lease).then_some(id);
        if let Some(id) = id {
            self.active_lease =
                Some(ActiveLease { id, expires_at: now + LEASE_TIME, item_count: undelivered });
        }
        Lease { id, items: items.to_vec(), ..Lease::default() }
    }

    /// Returns all but the first `shown` items of an active lease to the inbox.
    pub fn put_back(&mut self, lease: &Lease, shown: usize) {
        if let Some(active) = self.active_lease.as_mut().filter(|it| Some(it.id) == lease.id) {
            active.item_count = active.item_count.min(shown);
        }
    }

    /// Ends a lease: removes its items if `delivered`, or else returns them to the inbox. Ignores a
    /// lease that is not active.
    pub fn settle(&mut self, id: LeaseId, delivered: bool) {
        if let Some(lease) = self.active_lease.take_if(|lease| lease.id == id)
            && delivered
        {
            self.items.drain(..lease.item_count);
            if self.items.is_empty() {
                // Frees the buffer, because most inboxes are empty most of the time.
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

    fn item(seq: u64) -> Item {
        let room = RoomId::random(&mut seeded_rng());
        Item { seq, at: NOW, event: InboxEvent::PartnerLeft { room } }
    }

    fn inbox(seqs: impl IntoIterator<Item = u64>) -> Inbox {
        let mut inbox = Inbox::default();
        seqs.into_iter().for_each(|seq| inbox.push(item(seq)));
        inbox
    }

    fn seqs(lease: &Lease) -> Vec<u64> {
        lease.items.iter().map(|item| item.seq).collect()
    }

    #[test]
    fn lease_settled_as_delivered_removes_items() {
        let mut inbox = inbox(1..=3);
        assert_eq!(seqs(&inbox.lease(1, NOW)), [1, 2, 3]);
        inbox.settle(1, true);
        assert_eq!(inbox.lease(2, NOW), Lease::default());
        assert_eq!((inbox.items.len(), inbox.items.capacity()), (0, 0), "the buffer is freed");
    }

    #[test]
    fn lease_settled_as_lost_restores_order() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1, NOW);
        inbox.push(item(3));
        inbox.settle(1, false);
        assert_eq!(seqs(&inbox.lease(2, NOW)), [1, 2, 3]);
    }

    #[test]
    fn lease_blocks_newer_items_until_settled() {
        let mut inbox = inbox(1..=1);
        inbox.lease(1, NOW);
        inbox.push(item(2));
        assert_eq!(inbox.lease(2, NOW), Lease::default());
        inbox.settle(1, false);
        assert_eq!(seqs(&inbox.lease(3, NOW)), [1, 2]);
    }

    #[test]
    fn lease_put_back_keeps_unshown_items() {
        let mut inbox = inbox(1..=5);
        let lease = inbox.lease(1, NOW);
        inbox.put_back(&lease, 2);
        inbox.settle(1, true);
        assert_eq!(seqs(&inbox.lease(2, NOW)), [3, 4, 5]);
    }

    #[test]
    fn lease_renewed_by_a_replay_takes_over_undelivered_items() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1, NOW);
        let replay = inbox.renew_lease(2, &first.items, NOW);
        assert_eq!(seqs(&replay), [1, 2]);
        inbox.settle(1, false);
        assert!(!inbox.has_pending(), "the second answer has leased them");
        inbox.settle(2, false);
        assert_eq!(seqs(&inbox.lease(4, NOW)), [1, 2]);
    }

    #[test]
    fn lease_renewed_after_delivery_holds_nothing() {
        let mut inbox = inbox(1..=2);
        let first = inbox.lease(1, NOW);
        inbox.settle(1, true);
        let replay = inbox.renew_lease(2, &first.items, NOW);
        assert_eq!((replay.id, seqs(&replay)), (None, vec![1, 2]));
    }

    #[test]
    fn lease_expires_and_a_late_settle_is_ignored() {
        let mut inbox = inbox(1..=2);
        inbox.lease(1, NOW);
        inbox.reclaim(NOW + Duration::from_millis(9_999));
        assert!(inbox.is_leased());
        inbox.reclaim(NOW + LEASE_TIME);
        inbox.settle(1, true);
        assert_eq!(seqs(&inbox.lease(2, NOW)), [1, 2]);
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
