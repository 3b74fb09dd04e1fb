//! [`Person`]: everything the lobby stores about one user, except chat histories and the
//! transcripts of ended chats.
//!
//! These are values without access to other users. Rules that concern two users are in `manager/`.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::action::{Action, ChatWriters};
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

/// The lobby's record of one user. A new one is idle, masked and without a nickname.
#[derive(Debug)]
pub struct Person {
    pub last_seen: Timestamp,
    /// The language of the user's answers; `None` until it is known.
    pub language: Option<Language>,
    /// Whether the user has received the notice or needs none.
    pub notice_seen: bool,
    /// Whether many partners rated the user badly.
    pub poorly_rated: bool,
    /// Whether contact details in the user's messages are masked.
    pub masking: bool,
    /// The nickname that the user chose; it takes precedence over `caller_nickname`.
    pub nickname: Option<Nickname>,
    /// The nickname that the caller gave the user.
    pub caller_nickname: Option<Nickname>,
    pub state: PersonState,
    /// The preferences of the last search.
    pub preferences: MatchPreferences,
    pub recent_partners: RecentPartners,
    pub blocked: BlockedUsers,
    /// The number of the last broadcast that the user received; 0 for none.
    pub last_broadcast: u32,
    pub inbox: Inbox,
}

/// The current activity of a user.
#[derive(Debug, Default)]
pub enum PersonState {
    #[default]
    Idle,
    Waiting(QueueEntry),
    /// Boxed, because most of the many users are not in a chat.
    Chatting(Box<ChatSide>),
}

/// A user's state inside the current chat. Only the transcript outlives the chat.
#[derive(Debug)]
pub struct ChatSide {
    pub chat: Chat,
    pub started_at: Timestamp,
    /// The name that the partner sees.
    pub own_name: Nickname,
    /// Digits of the user's recent short messages in this chat.
    pub mask_memory: Memory,
    /// Number of messages the user has sent in this chat, up to [`TRUST_AFTER_MESSAGES`].
    pub sent_count: u8,
    pub transcript: Transcript,
}

impl ChatSide {
    #[must_use]
    pub fn new(chat: Chat, own_name: Nickname, started_at: Timestamp) -> Self {
        Self {
            chat,
            started_at,
            own_name,
            mask_memory: Memory::default(),
            sent_count: 0,
            transcript: Transcript::default(),
        }
    }

    /// Records a message that the user sent, and the mask memory after it.
    pub fn record_sent(&mut self, text: Masked, memory: Memory) {
        self.mask_memory = memory;
        self.sent_count = TRUST_AFTER_MESSAGES.min(self.sent_count + 1);
        self.transcript.push(text);
    }

    /// Returns `true` if this side has sent enough messages; a pair is trusted if both sides have.
    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        self.sent_count == TRUST_AFTER_MESSAGES
    }
}

/// A user's entry in the queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueEntry {
    /// Orders the queue. A later ticket is larger.
    pub ticket: u64,
    pub since: Timestamp,
    /// The partner left for this search, skipped for [`AVOID_RECENT_FOR`].
    pub skip_partner: Option<UserId>,
}

impl QueueEntry {
    /// Returns `true` while this user accepts only equally rated partners.
    #[must_use]
    pub fn is_selective(&self, now: Timestamp) -> bool {
        now.since(self.since) < INTEREST_ONLY_FOR
    }

    /// Returns `true` while the user accepts no recent partner.
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

    /// Returns the name for the user's next chat; `None` if it is to be random.
    #[must_use]
    pub fn effective_nickname(&self) -> Option<&Nickname> {
        self.nickname.as_ref().or(self.caller_nickname.as_ref())
    }

    #[must_use]
    pub const fn chat_side(&self) -> Option<&ChatSide> {
        match &self.state {
            PersonState::Chatting(side) => Some(side),
            _ => None,
        }
    }

    pub const fn chat_side_mut(&mut self) -> Option<&mut ChatSide> {
        match &mut self.state {
            PersonState::Chatting(side) => Some(side),
            _ => None,
        }
    }

    #[must_use]
    pub fn chat(&self) -> Option<&Chat> {
        self.chat_side().map(|side| &side.chat)
    }

    /// Returns `true` if the chat that `action` depends on, or the search that it ends, began after
    /// `written_by`.
    #[must_use]
    pub fn began_after(&self, written_by: Timestamp, action: &Action) -> bool {
        match &self.state {
            PersonState::Chatting(side) => action.depends_on_chat() && side.started_at > written_by,
            PersonState::Waiting(entry) => action.ends_search() && entry.since > written_by,
            PersonState::Idle => false,
        }
    }

    #[must_use]
    pub fn room(&self) -> Option<RoomId> {
        self.chat().map(|chat| chat.room)
    }
}

/// Users who must never be matched with this one. An empty set is a null pointer, because most of
/// the many users block no one.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "a set is three times a pointer's size, even when empty")]
pub struct BlockedUsers(Option<Box<BTreeSet<UserId>>>);

impl BlockedUsers {
    pub fn insert(&mut self, user: UserId) {
        self.extend([user]);
    }

    pub fn extend(&mut self, users: impl IntoIterator<Item = UserId>) {
        let mut users = users.into_iter().peekable();
        if users.peek().is_some() {
            self.0.get_or_insert_default().extend(users);
        }
    }

    #[must_use]
    pub fn contains(&self, user: &UserId) -> bool {
        self.0.as_ref().is_some_and(|users| users.contains(user))
    }
}

/// The last [`RECENT_PARTNERS`] partners, oldest first. Allocates nothing before the first.
#[derive(Debug, Default)]
pub struct RecentPartners(Option<Box<PastChats>>);

#[derive(Debug, Default)]
struct PastChats {
    chats: SmallVec<[PastChat; RECENT_PARTNERS]>,
    /// The users who wrote in the last of them.
    last_wrote: ChatWriters,
}

/// A chat that has ended.
#[derive(Debug)]
struct PastChat {
    partner: UserId,
    room: RoomId,
    ended_at: Timestamp,
}

impl RecentPartners {
    /// Adds the partner of a chat that ends now. A partner who is already listed moves to the end.
    pub fn add(&mut self, partner: UserId, room: RoomId, wrote: ChatWriters, now: Timestamp) {
        let PastChats { chats, last_wrote } = &mut **self.0.get_or_insert_default();
        *last_wrote = wrote;
        chats.retain(|chat| chat.partner != partner);
        if chats.len() == RECENT_PARTNERS {
            chats.remove(0);
        }
        chats.push(PastChat { partner, room, ended_at: now });
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &PastChat> {
        self.0.iter().flat_map(|past| past.chats.iter())
    }

    /// Returns `true` if a chat with `partner` ended within [`RECENT_PARTNER_TTL`].
    #[must_use]
    pub fn contains(&self, partner: UserId, now: Timestamp) -> bool {
        self.iter()
            .any(|chat| chat.partner == partner && now.since(chat.ended_at) < RECENT_PARTNER_TTL)
    }

    /// Returns `true` if one of the listed chats was in `room`, however long ago.
    #[must_use]
    pub fn includes_room(&self, room: RoomId) -> bool {
        self.iter().any(|chat| chat.room == room)
    }

    /// Returns the partner of the last chat, and who wrote in it; `None` if it ended before
    /// [`RECENT_PARTNER_TTL`].
    #[must_use]
    pub fn last_partner(&self, now: Timestamp) -> Option<(UserId, ChatWriters)> {
        let PastChats { chats, last_wrote } = self.0.as_deref()?;
        let last = chats.last().filter(|chat| now.since(chat.ended_at) < RECENT_PARTNER_TTL)?;
        Some((last.partner, *last_wrote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    const fn test_user(n: u8) -> UserId {
        UserId::from_bytes([n; 16])
    }

    fn room() -> RoomId {
        RoomId::random(&mut seeded_rng())
    }

    #[test]
    fn recent_partners_keeps_five_for_twenty_minutes() {
        let start = Timestamp::from_millis(0);
        let mut recent = RecentPartners::default();
        let wrote = |user| ChatWriters { user, partner: true };
        (1..=6).for_each(|n| recent.add(test_user(n), room(), wrote(n == 6), start));
        assert!(!recent.contains(test_user(1), start), "only the last five are stored");
        assert!((2..=6).all(|n| recent.contains(test_user(n), start)));
        assert_eq!(recent.last_partner(start), Some((test_user(6), wrote(true))));
        let later = start + RECENT_PARTNER_TTL;
        assert!((1..=6).all(|n| !recent.contains(test_user(n), later)));
        assert_eq!(recent.last_partner(later), None);
    }

    #[test]
    fn person_size_is_bounded() {
        // A size class of the allocator, in bytes.
        assert!(size_of::<Person>() <= 192);
    }

    #[test]
    fn blocked_users_allocates_nothing_when_empty() {
        let mut blocked = BlockedUsers::default();
        blocked.extend([]);
        assert!(blocked.0.is_none() && !blocked.contains(&test_user(1)));
        blocked.insert(test_user(1));
        blocked.extend([test_user(2), test_user(1)]);
        assert!(blocked.contains(&test_user(1)) && blocked.contains(&test_user(2)));
        assert!(!blocked.contains(&test_user(3)));
    }

    #[test]
    fn recent_partners_moves_a_repeat_to_the_end() {
        let mut recent = RecentPartners::default();
        let (now, wrote) = (Timestamp::default(), ChatWriters::default());
        [1, 2, 1].into_iter().for_each(|n| recent.add(test_user(n), room(), wrote, now));
        assert_eq!(recent.iter().count(), 2);
        assert_eq!(recent.last_partner(now), Some((test_user(1), wrote)));
    }
}
