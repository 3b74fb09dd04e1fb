//! One person as the lobby knows them, and whom they met lately.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::chat::{Chat, MatchPreferences};
use super::inbox::Inbox;
use super::rules::{
    AVOID_RECENT_FOR, INTEREST_ONLY_FOR, RECENT_PARTNER_TTL, RECENT_PARTNERS, TRUST_AFTER_MESSAGES,
};
use super::transcript::Transcript;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};
use crate::mask::{Masked, Memory};

/// Everything kept of a person. A fresh one is idle, masked and nameless.
#[derive(Debug)]
pub struct Person {
    pub last_seen: Timestamp,
    /// The language they read, once it is known.
    pub language: Option<Language>,
    /// Whether they were told how people treat each other here.
    pub notice_seen: bool,
    /// Whether many of those they met would rather not have.
    pub poorly_rated: bool,
    /// Whether the numbers they write are hidden.
    pub masking: bool,
    /// The name they chose, and the one their caller gave them; the first that is there is used.
    pub nickname: Option<Nickname>,
    pub caller_nickname: Option<Nickname>,
    pub state: PersonState,
    /// How they last wanted to be matched.
    pub preferences: MatchPreferences,
    pub recent_partners: RecentPartners,
    /// Whom they are never to meet.
    pub blocked: BlockedUsers,
    /// The number of the last notice to everybody that they were told of; 0 for none.
    pub last_broadcast: u32,
    pub inbox: Inbox,
}

/// What a person is doing.
#[derive(Debug, Default)]
pub enum PersonState {
    #[default]
    Idle,
    Waiting(QueueEntry),
    /// In a chat. A pointer, so that who is in none takes no room for one: there are many people.
    Chatting(Box<ChatSide>),
}

/// A person's part in their chat; gone with it, but for what they said.
#[derive(Debug)]
pub struct ChatSide {
    pub chat: Chat,
    /// What they are called in it.
    pub own_name: Nickname,
    /// What the masker remembers of what they wrote in it.
    pub mask_memory: Memory,
    /// How many messages they sent in it, as far as [`FAMILIAR`].
    pub sent_count: u8,
    pub transcript: Transcript,
}

impl ChatSide {
    #[must_use]
    pub fn new(chat: Chat, own_name: Nickname) -> Self {
        Self {
            chat,
            own_name,
            mask_memory: Memory::default(),
            sent_count: 0,
            transcript: Transcript::default(),
        }
    }

    /// They sent a message, after which the masker remembers this of them.
    pub fn record_sent(&mut self, text: Masked, memory: Memory) {
        self.mask_memory = memory;
        self.sent_count = TRUST_AFTER_MESSAGES.min(self.sent_count + 1);
        self.transcript.push(text);
    }

    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        self.sent_count == TRUST_AFTER_MESSAGES
    }
}

/// A place in the queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueEntry {
    /// Orders the queue; larger is later.
    pub ticket: u64,
    pub since: Timestamp,
    /// The partner left for this search: not wanted back while patience lasts.
    pub skip_partner: Option<UserId>,
}

impl QueueEntry {
    /// Whether somebody whom many would rather not have met will do as well as nobody.
    #[must_use]
    pub fn is_selective(&self, now: Timestamp) -> bool {
        now.since(self.since) < INTEREST_ONLY_FOR
    }

    #[must_use]
    pub fn avoids_recent(&self, now: Timestamp) -> bool {
        now.since(self.since) < AVOID_RECENT_FOR
    }
}

impl Person {
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            last_seen: now,
            language: None,
            notice_seen: false,
            poorly_rated: false,
            masking: true,
            nickname: None,
            caller_nickname: None,
            state: PersonState::Idle,
            preferences: MatchPreferences::default(),
            recent_partners: RecentPartners::default(),
            blocked: BlockedUsers::default(),
            last_broadcast: 0,
            inbox: Inbox::default(),
        }
    }

    #[must_use]
    pub fn effective_nickname(&self) -> Option<&Nickname> {
        self.nickname.as_ref().or(self.caller_nickname.as_ref())
    }

    #[must_use]
    pub const fn chat_side(&self) -> Option<&ChatSide> {
        match &self.state {
            PersonState::Chatting(talk) => Some(talk),
            _ => None,
        }
    }

    pub const fn chat_side_mut(&mut self) -> Option<&mut ChatSide> {
        match &mut self.state {
            PersonState::Chatting(talk) => Some(talk),
            _ => None,
        }
    }

    #[must_use]
    pub fn chat(&self) -> Option<&Chat> {
        self.chat_side().map(|talk| &talk.chat)
    }

    #[must_use]
    pub fn room(&self) -> Option<RoomId> {
        self.chat().map(|chat| chat.room)
    }
}

/// People whom somebody is never to meet. Most have none, so that an empty one is a pointer only:
/// there are many people.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "a set takes three times the pointer, also while empty")]
pub struct BlockedUsers(Option<Box<BTreeSet<UserId>>>);

impl BlockedUsers {
    pub fn insert(&mut self, who: UserId) {
        self.extend([who]);
    }

    pub fn extend(&mut self, people: impl IntoIterator<Item = UserId>) {
        let mut people = people.into_iter().peekable();
        if people.peek().is_some() {
            self.0.get_or_insert_default().extend(people);
        }
    }

    #[must_use]
    pub fn contains(&self, who: &UserId) -> bool {
        self.0.as_ref().is_some_and(|people| people.contains(who))
    }
}

/// The last few partners, oldest first; a pointer only for whoever has had none.
#[derive(Debug, Default)]
pub struct RecentPartners(Option<Box<SmallVec<[PastChat; RECENT_PARTNERS]>>>);

/// A chat that is over.
#[derive(Debug)]
struct PastChat {
    partner: UserId,
    room: RoomId,
    ended_at: Timestamp,
}

impl RecentPartners {
    pub fn add(&mut self, partner: UserId, room: RoomId, now: Timestamp) {
        let known = self.0.get_or_insert_default();
        known.retain(|known| known.partner != partner);
        if known.len() == RECENT_PARTNERS {
            known.remove(0);
        }
        known.push(PastChat { partner, room, ended_at: now });
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &PastChat> {
        self.0.iter().flat_map(|known| known.iter())
    }

    #[must_use]
    pub fn contains(&self, partner: UserId, now: Timestamp) -> bool {
        self.iter()
            .any(|known| known.partner == partner && now.since(known.ended_at) < RECENT_PARTNER_TTL)
    }

    /// Whether the chat in this room is one of them.
    #[must_use]
    pub fn includes_room(&self, room: RoomId) -> bool {
        self.iter().any(|known| known.room == room)
    }

    /// The partner of the last chat, if it was lately.
    #[must_use]
    pub fn last_partner(&self, now: Timestamp) -> Option<UserId> {
        self.iter()
            .next_back()
            .filter(|last| now.since(last.ended_at) < RECENT_PARTNER_TTL)
            .map(|last| last.partner)
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
    fn recent_partners_keeps_five_for_twenty_minutes() {
        let start = Timestamp::from_millis(0);
        let mut recent = RecentPartners::default();
        (1..=6).for_each(|n| recent.add(user(n), room(), start));
        assert!(!recent.contains(user(1), start), "the sixth last");
        assert!((2..=6).all(|n| recent.contains(user(n), start)));
        assert_eq!(recent.last_partner(start), Some(user(6)));
        let later = start + RECENT_PARTNER_TTL;
        assert!((1..=6).all(|n| !recent.contains(user(n), later)));
        assert_eq!(recent.last_partner(later), None);
    }

    #[test]
    fn person_size_is_bounded() {
        // As many bytes as an allocator hands out.
        assert!(size_of::<Person>() <= 192);
    }

    #[test]
    fn blocked_users_allocates_nothing_when_empty() {
        let mut avoided = BlockedUsers::default();
        avoided.extend([]);
        assert!(avoided.0.is_none() && !avoided.contains(&user(1)));
        avoided.insert(user(1));
        avoided.extend([user(2), user(1)]);
        assert!(avoided.contains(&user(1)) && avoided.contains(&user(2)));
        assert!(!avoided.contains(&user(3)));
    }

    #[test]
    fn recent_partners_moves_a_repeat_to_the_end() {
        let mut recent = RecentPartners::default();
        [1, 2, 1].into_iter().for_each(|n| recent.add(user(n), room(), Timestamp::default()));
        assert_eq!(recent.iter().count(), 2);
        assert_eq!(recent.last_partner(Timestamp::default()), Some(user(1)));
    }
}
