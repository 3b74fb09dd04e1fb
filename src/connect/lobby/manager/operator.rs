//! What an operator does: searches users, reads their presence and broadcasts.

use std::ops::Bound;

use super::RandomConnectManager;
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, Presence};
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::PersonState;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};

impl RandomConnectManager {
    /// Those known whose code begins so, at most `limit` of them, in the order of their codes.
    #[must_use]
    pub fn find(&self, prefix: &str, limit: usize) -> Vec<UserId> {
        let codes = UserId::range_with_prefix(prefix).map(|codes| self.people.ids_in(codes));
        codes.into_iter().flatten().take(limit).collect()
    }

    /// How somebody stands; nothing where they are not known.
    #[must_use]
    pub fn presence(&self, who: UserId) -> Option<Presence> {
        self.people.get(&who).map(|person| match person.state {
            PersonState::Idle => Presence::Idle,
            PersonState::Waiting(_) => Presence::Waiting,
            PersonState::Chatting(_) => Presence::Chatting,
        })
    }

    /// Puts a notice into the inboxes of up to `limit` people behind `after`, in the order of their
    /// codes. Who was told of it last, or has no room, is passed over.
    pub fn broadcast(
        &mut self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
        limit: usize,
    ) -> BroadcastProgress {
        self.advance_clock(now);
        let number = self.broadcast_seq(announcement.key);
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let some: Vec<_> = self.people.ids_in(behind).take(limit).collect();
        let last = some.last().copied().filter(|_| some.len() == limit);
        let mut done = BroadcastProgress { cursor: last, ..BroadcastProgress::default() };
        for who in some {
            let Some(person) = self.people.get_mut(&who) else { continue };
            if person.last_broadcast == number {
                done.already_delivered += 1;
            } else if person.inbox.has_room_for(1) {
                person.last_broadcast = number;
                self.push_event(who, InboxEvent::Broadcast(announcement.text.clone()));
                done.delivered += 1;
            } else {
                done.inbox_full += 1;
            }
        }
        done
    }

    /// The number of a notice, from 1; a new one where it is not known.
    fn broadcast_seq(&mut self, key: IdempotencyKey) -> u32 {
        let place = self.broadcasts.iter().position(|known| *known == key);
        let place = place.unwrap_or_else(|| {
            self.broadcasts.push(key);
            self.broadcasts.len() - 1
        });
        u32::try_from(place + 1).unwrap_or(u32::MAX)
    }
}
