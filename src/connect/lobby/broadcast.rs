//! What an operator asks of the lobby: who is known in it, how somebody stands, and that everybody is told
//! something. Who may ask is not known here.
//!
//! Each is a step that does a bounded amount of work, so that nobody waits long for the lock around the
//! manager.

use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;

use super::inbox::InboxEvent;
use super::manager::RandomConnectManager;
use super::person::PersonState;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};

/// The most characters of a notice: with what else an answer holds it always fits.
pub const MAX_BROADCAST_CHARS: usize = 1_000;

/// The most people that one search returns.
pub const MAX_FIND_RESULTS: usize = 100;

/// How somebody stands, without a word of with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    Idle,
    Waiting,
    Chatting,
}

/// What an operator has everybody told. Cheap to clone: it goes into many inboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastText(Arc<str>);

impl BroadcastText {
    /// A text of 1 to [`MAX_NOTICE_CHARS`] characters, without the white space around it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=MAX_BROADCAST_CHARS).contains(&text.chars().count());
        fits.then(|| Self(text.into()))
    }

    /// A text that was a notice before it was kept.
    #[must_use]
    pub(super) fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A notice, and what it is known by: whoever was told of it last is not told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    pub key: IdempotencyKey,
    pub text: BroadcastText,
}

/// What one step of telling everybody did, or all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastProgress {
    /// Into how many inboxes it went.
    pub delivered: usize,
    /// How many had been told before.
    pub already_delivered: usize,
    /// How many were passed over because their inbox is full.
    pub inbox_full: usize,
    /// The last who was looked at, where there may be more behind them.
    pub cursor: Option<UserId>,
}

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
