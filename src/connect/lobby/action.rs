//! What a person can ask of the lobby, and what comes of it: the words the manager, the storage
//! seam and the service share.

use std::time::Duration;

use super::chat::{Chat, HistoryMessage, MatchPreferences};
use super::inbox::Lease;
use crate::connect::profile::interest::Interests;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, RoomId, UserId};
use crate::mask::{Masked, Memory};
use crate::moderation::service::ReportReason;
use crate::rate_limit::gcra::RateLimited;

/// One call of one person.
#[derive(Clone, Debug)]
pub struct Call {
    pub user: UserId,
    /// Names this call, so that a retry of it is answered without being carried out again.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The name their caller gave them, where the operator wants such names used.
    pub caller_nickname: Option<Nickname>,
    /// The room they mean. If they are not in it, nothing is done.
    pub room: Option<RoomId>,
    /// Whether the answer shows what waits for them.
    pub include_inbox: bool,
    /// What is known of whoever looks for a partner.
    pub constraints: MatchConstraints,
    pub now: Timestamp,
}

impl Call {
    /// A call that means no particular room and is answered with what waits.
    #[must_use]
    pub const fn new(user: UserId, now: Timestamp) -> Self {
        Self {
            user,
            idempotency_key: None,
            caller_nickname: None,
            room: None,
            include_inbox: true,
            constraints: MatchConstraints {
                blocked: Vec::new(),
                notice_seen: false,
                poorly_rated: false,
            },
            now,
        }
    }
}

/// What is known, beside what the lobby knows, of somebody who looks for a partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchConstraints {
    /// Whom they are never to meet.
    pub blocked: Vec<UserId>,
    /// Whether they need not be told any more how people treat each other here.
    pub notice_seen: bool,
    /// Whether many of those they met would rather not have.
    pub poorly_rated: bool,
}

/// What the lobby knows of a sender that decides what their text must go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderState {
    /// Whether their numbers are hidden from their partners.
    pub masking: bool,
    /// What the masker remembers of their last messages in this chat.
    pub memory: Memory,
    /// Whether both have written a few messages in this chat.
    pub trusted: bool,
    /// Their language, once it is known. With a text to relay, the one that it seems to be in: it is
    /// kept if none is known.
    pub language: Option<Language>,
}

impl SenderState {
    /// Whether a text that was prepared for one goes for the other.
    #[must_use]
    pub fn same_treatment_as(&self, other: &Self) -> bool {
        let Self { masking, memory, trusted, language: _ } = self;
        (masking, memory, trusted) == (&other.masking, &other.memory, &other.trusted)
    }
}

impl Default for SenderState {
    fn default() -> Self {
        Self { masking: true, memory: Memory::default(), trusted: false, language: None }
    }
}

/// What a person does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Join the queue, or pair at once.
    Meet(MatchPreferences),
    /// Leave, and meet anyone but the partner just left, by the same wishes as last time.
    Again,
    /// End the chat, or leave the queue.
    Leave,
    /// Send text that was prepared for this sender as they were. Once sent, `memory` is what the
    /// masker remembers of them.
    Relay {
        text: Masked,
        sender: SenderState,
        memory: Memory,
    },
    ToggleMasking,
    /// Ask for the partner's name.
    Who,
    /// Be called so in the coming chats.
    SetNickname(Nickname),
    /// Let the partner know that something is, or is no longer, being typed.
    SetTyping(bool),
    /// See the last messages of the chat, at most so many.
    ReadHistory(usize),
    /// Ask whom one talks with, or talked with last, if that was lately, and with `quoted` what they
    /// wrote last.
    LookUpLastPartner {
        with_transcript: bool,
    },
    /// Never meet somebody again: end the chat, if it is with them. Without `whom` it is who
    /// [`Action::Encounter`] tells. The lobby leaves the grounds to whoever keeps reports.
    Block {
        target: Option<UserId>,
        reason: Option<ReportReason>,
    },
    /// Ask both the question of this number.
    Icebreaker(u8),
    /// Be written to in this language.
    SetLanguage(Language),
    /// Say whether the chat with whom [`Action::Encounter`] tells was good. The lobby leaves that to
    /// whoever keeps it.
    Rate {
        good: bool,
    },
    /// Agree to how people treat each other here; kept by whoever keeps that.
    Agree,
    /// Ask how one stands.
    GetStatus,
    /// Nothing but read the inbox.
    ReadInbox,
}

impl Action {
    /// Meet anyone.
    #[must_use]
    pub fn meet() -> Self {
        Self::Meet(MatchPreferences::default())
    }
}

/// Whom somebody met, and what the other wrote last, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPartner {
    pub partner: UserId,
    pub transcript: Vec<Masked>,
}

/// How a person stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserStatus {
    Idle,
    Waiting(QueuePosition),
    Chatting(Chat),
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    /// 1 is next in line.
    pub position: usize,
    /// How long people waited lately; nothing while that is not known.
    pub estimated_wait: Option<Duration>,
}

/// What came of an [`Action`]. Refusals are outcomes: they changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Connected {
        chat: Chat,
        again: bool,
    },
    /// In the queue, looking for somebody with one of `interests` first.
    Waiting {
        place: QueuePosition,
        interests: Interests,
        again: bool,
    },
    AlreadyChatting(Chat),
    /// The person is not in the room they meant: it has ended, or is none of theirs.
    NotInRoom {
        ended: bool,
    },
    ChatEnded,
    LeftQueue,
    NothingToLeave,
    /// The text is in the inbox of `to`, as the item `number` (a long one as this and the next);
    /// `from` is the name they see.
    Sent {
        to: UserId,
        seq: u64,
        from: Nickname,
        text: Masked,
    },
    NoPartner {
        waiting: bool,
    },
    PartnerInboxFull,
    /// The sender changed since the text was prepared: prepare it anew.
    SenderChanged,
    Masking(bool),
    PartnerName(Option<Nickname>),
    NicknameSet(Nickname),
    TypingSet,
    /// The messages; nothing where not both wanted them kept.
    History(Option<Vec<HistoryMessage>>),
    LastPartner(Option<LastPartner>),
    Blocked {
        /// Whether this ended a chat.
        chat_ended: bool,
        reported: bool,
    },
    NoBlockTarget,
    /// They did this too often: they may again after so long.
    RateLimited(RateLimited),
    /// They may not meet anyone for so long; without a time, until somebody has reviewed it.
    Suspended {
        remaining: Option<Duration>,
    },
    Status(UserStatus),
    Icebreaker(u8),
    LanguageSet(Language),
    Rated,
    NoRateTarget,
    /// They have to agree first.
    MustAgree,
    Agreed,
    InboxRead,
}

/// What an action means for people other than who did it. Told to those who listen for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something is in this person's inbox.
    InboxChanged(UserId),
    /// This person's partner is, or is no longer, typing.
    Typing { to: UserId, room: RoomId, typing: bool },
}

/// An outcome, and what the answer to this call may show of the person's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    pub outcome: Outcome,
    pub lease: Lease,
}

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepResult {
    /// How many people were forgotten because they were idle.
    pub evicted: usize,
    /// Whether there may be more to forget.
    pub more: bool,
}

/// What one step of nudging did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NudgeResult {
    /// How many pairs were nudged.
    pub pairs: usize,
    /// Whether there may be more to nudge.
    pub more: bool,
}

/// How the lobby does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LobbyStats {
    /// Users active within the idle timeout.
    pub people: usize,
    pub waiting: usize,
    pub pairs: usize,
    /// Seconds that the longest waiter has waited; 0 when nobody waits.
    pub longest_wait_secs: u64,
    /// Totals since the lobby was made.
    pub relayed: u64,
    pub masked: u64,
    pub evicted: u64,
    /// Processes that share the lobby.
    pub instances: usize,
}
