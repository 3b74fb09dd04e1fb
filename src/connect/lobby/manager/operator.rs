//! Operator steps of [`RandomConnectManager`]: search by id, presence and broadcasts.
//!
//! Each step does a bounded amount of work, so that calls do not wait long for the lock around the
//! manager. Operators are authenticated in `transport/ops/admin/`, not here.

use std::ops::Bound;

use super::RandomConnectManager;
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, Presence};
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::PersonState;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};

impl RandomConnectManager {
    /// Returns up to `limit` known users whose id begins with the hex digits `prefix`, in the order
    /// of their ids.
    #[must_use]
    pub fn find(&self, prefix: &str, limit: usize) -> Vec<UserId> {
        let ids = UserId::range_with_prefix(prefix).map(|range| self.people.ids_in(range));
        ids.into_iter().flatten().take(limit).collect()
    }

    /// Returns the lobby status of `user`; `None` if the user is unknown.
    #[must_use]
    pub fn presence(&self, user: UserId) -> Option<Presence> {
        self.people.get(&user).map(|person| match person.state {
            PersonState::Idle => Presence::Idle,
            PersonState::Waiting(_) => Presence::Waiting,
            PersonState::Chatting(_) => Presence::Chatting,
        })
    }

    /// Puts a broadcast into the inboxes of up to `limit` users, in the order of their ids,
    /// starting after the id `after`. Skips a user whose last broadcast was this one, or whose
    /// inbox is full.
    pub fn broadcast(
        &mut self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
        limit: usize,
    ) -> BroadcastProgress {
        self.advance_clock(now);
        let number = self.broadcast_seq(broadcast.key);
        let range = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let users: Vec<_> = self.people.ids_in(range).take(limit).collect();
        let cursor = users.last().copied().filter(|_| users.len() == limit);
        let mut progress = BroadcastProgress { cursor, ..BroadcastProgress::default() };
        for user in users {
            let Some(person) = self.people.get_mut(&user) else { continue };
            if person.last_broadcast == number {
                progress.already_delivered += 1;
            } else if person.inbox.has_room_for(1) {
                person.last_broadcast = number;
                self.push_event(user, InboxEvent::Broadcast(broadcast.text.clone()));
                progress.delivered += 1;
            } else {
                progress.inbox_full += 1;
            }
        }
        progress
    }

    /// Returns the 1-based number of a broadcast, and assigns the next one to a new key.
    fn broadcast_seq(&mut self, key: IdempotencyKey) -> u32 {
        let index = self.broadcasts.iter().position(|existing| *existing == key);
        let index = index.unwrap_or_else(|| {
            self.broadcasts.push(key);
            self.broadcasts.len() - 1
        });
        u32::try_from(index + 1).unwrap_or(u32::MAX)
    }
}
