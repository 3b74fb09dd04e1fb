//! One person as the lobby knows them, and whom they met lately.

use std::collections::BTreeSet;
use std::time::Duration;

use super::chat::{Chat, Search};
use super::inbox::Inbox;
use super::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};
use crate::mask::Memory;

/// How many of the last partners are avoided, and for how long after the chat.
pub(super) const RECENT_PARTNERS: usize = 5;
pub(super) const RECENT_FOR: Duration = Duration::from_secs(20 * 60);

/// How long somebody waits for a new face before a recent partner will do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long somebody who named interests waits for a person who shares one before anyone will do.
pub const CHOOSY_FOR: Duration = Duration::from_secs(30);

/// So many messages of both make two people familiar with each other.
pub const FAMILIAR: u8 = 3;

/// Everything kept of a person. A fresh one is idle, masked and nameless.
#[derive(Debug)]
pub struct Person {
    pub last_seen: Timestamp,
    /// Whether the numbers they write are hidden.
    pub masking: bool,
    /// What the masker remembers of what they wrote in this chat.
    pub memory: Memory,
    /// How many messages they sent in this chat, as far as [`FAMILIAR`].
    pub sent: u8,
    /// The name they chose, and the one their caller gave them; the first that is there is used.
    pub chosen_name: Option<Nickname>,
    pub given_name: Option<Nickname>,
    pub state: State,
    /// How they last wanted to be matched.
    pub search: Search,
    pub recent: RecentPartners,
    /// Whom they are never to meet.
    pub avoid: BTreeSet<UserId>,
    /// The number of the last notice to everybody that they were told of; 0 for none.
    pub announced: u32,
    pub inbox: Inbox,
}

/// What a person is doing.
#[derive(Clone, Debug)]
pub enum State {
    Idle,
    Waiting(Waiting),
    /// In a chat, under `name`.
    Chatting {
        chat: Chat,
        name: Nickname,
    },
}

/// A place in the queue.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Orders the queue; larger is later.
    pub ticket: u64,
    pub since: Timestamp,
    /// The partner left for this search: not wanted back while patience lasts.
    pub spurned: Option<UserId>,
}

impl Waiting {
    #[must_use]
    pub fn is_patient(&self, now: Timestamp) -> bool {
        now.since(self.since) < PATIENCE
    }
}

impl Person {
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            last_seen: now,
            masking: true,
            memory: Memory::default(),
            sent: 0,
            chosen_name: None,
            given_name: None,
            state: State::Idle,
            search: Search::default(),
            recent: RecentPartners::default(),
            avoid: BTreeSet::new(),
            announced: 0,
            inbox: Inbox::default(),
        }
    }

    #[must_use]
    pub fn own_name(&self) -> Option<&Nickname> {
        self.chosen_name.as_ref().or(self.given_name.as_ref())
    }
}

/// The last few partners, oldest first.
#[derive(Debug, Default)]
pub struct RecentPartners(Vec<Ended>);

/// A chat that is over.
#[derive(Debug)]
struct Ended {
    partner: UserId,
    room: RoomId,
    at: Timestamp,
}

impl RecentPartners {
    pub fn add(&mut self, partner: UserId, room: RoomId, now: Timestamp) {
        self.0.retain(|known| known.partner != partner);
        if self.0.len() == RECENT_PARTNERS {
            self.0.remove(0);
        }
        self.0.push(Ended { partner, room, at: now });
    }

    #[must_use]
    pub fn contains(&self, partner: UserId, now: Timestamp) -> bool {
        self.0.iter().any(|known| known.partner == partner && now.since(known.at) < RECENT_FOR)
    }

    /// Whether the chat in this room is one of them.
    #[must_use]
    pub fn was_in(&self, room: RoomId) -> bool {
        self.0.iter().any(|known| known.room == room)
    }

    /// The partner of the last chat, if it was lately.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Option<UserId> {
        self.0.last().filter(|last| now.since(last.at) < RECENT_FOR).map(|last| last.partner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    const fn user(n: u8) -> UserId {
        UserId::from_bytes([n; 16])
    }

    fn room() -> RoomId {
        RoomId::random(&mut seeded_rng())
    }

    #[test]
    fn the_last_five_partners_of_twenty_minutes_are_recent() {
        let start = Timestamp::from_millis(0);
        let mut recent = RecentPartners::default();
        (1..=6).for_each(|n| recent.add(user(n), room(), start));
        assert!(!recent.contains(user(1), start), "the sixth last");
        assert!((2..=6).all(|n| recent.contains(user(n), start)));
        assert_eq!(recent.last(start), Some(user(6)));
        let later = start + RECENT_FOR;
        assert!((1..=6).all(|n| !recent.contains(user(n), later)));
        assert_eq!(recent.last(later), None);
    }

    #[test]
    fn meeting_somebody_again_makes_them_the_last_not_a_second_entry() {
        let mut recent = RecentPartners::default();
        [1, 2, 1].into_iter().for_each(|n| recent.add(user(n), room(), Timestamp::default()));
        assert_eq!(recent.0.len(), 2);
        assert_eq!(recent.last(Timestamp::default()), Some(user(1)));
    }
}
