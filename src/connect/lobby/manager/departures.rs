//! The ends of searches and chats whose users have no connection left.

use super::RandomConnectManager;
use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::PersonState;
use crate::connect::lobby::rules::{CHAT_GRACE, QUEUE_GRACE};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

impl RandomConnectManager {
    /// Records that a connection of `user` ended.
    pub fn note_departure(&mut self, user: UserId, now: Timestamp) {
        let now = self.advance_clock(now);
        self.departures.insert(user, now);
    }

    /// Ends the searches and chats of departed users, unless `is_connected` returns `true`.
    /// Returns the number of users.
    pub fn end_departed(&mut self, now: Timestamp, is_connected: impl Fn(UserId) -> bool) -> usize {
        let (now, mut ended) = (self.advance_clock(now), 0);
        for (user, left_at) in self.departures.clone() {
            let person = self.people.get(&user).filter(|person| person.last_seen <= left_at);
            let grace = match person.map(|person| &person.state) {
                Some(PersonState::Waiting(_)) => QUEUE_GRACE,
                Some(PersonState::Chatting(_)) => CHAT_GRACE,
                Some(PersonState::Idle) | None => {
                    self.departures.remove(&user);
                    continue;
                }
            };
            if is_connected(user) {
                self.departures.remove(&user);
            } else if now.since(left_at) >= grace {
                self.departures.remove(&user);
                self.leave_queue(user);
                if let Some(Chat { partner, room, .. }) = self.end_chat(user, now) {
                    self.push_event(partner, InboxEvent::PartnerTimedOut { room });
                }
                ended += 1;
            }
        }
        ended
    }
}
