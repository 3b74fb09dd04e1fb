//! [`Action`], [`Outcome`] and [`Effect`]: requests of users to the lobby, and their results.
//!
//! The manager, the backends and the services above share these values. They hold data only: rules
//! are in `manager/`, wording is in `connect/reply/`.
//!
//! To add an action, add its variants here, a rule in `manager/`, and the same rule in Lua in
//! `store_redis/lua/`.

use std::time::Duration;

use super::chat::{Chat, HistoryMessage, MatchPreferences};
use super::inbox::Lease;
use crate::connect::profile::interest::Interests;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, RoomId, UserId};
use crate::mask::{Masked, Memory};

/// One call of one user.
#[derive(Clone, Debug)]
pub struct Call {
    pub user: UserId,
    /// Identifies the call, so that a retry receives the same answer and executes nothing.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The nickname that the caller gave the user; `None` if it gave none or the operator ignores
    /// such names.
    pub caller_nickname: Option<Nickname>,
    /// The room the call refers to. If the user is not in it, the action is refused. `None` accepts
    /// any room.
    pub room: Option<RoomId>,
    /// The latest time at which the user can have written the message. If their chat began after
    /// it, an action that [depends on the chat](Action::depends_on_chat) is refused. `None` if the
    /// time is unknown.
    pub written_by: Option<Timestamp>,
    /// Whether the answer shows the user's inbox.
    pub include_inbox: bool,
    /// The keyed hash of the text of an [`Action::Relay`] as it was typed. Moderation counts
    /// repeats by it; the lobby does not store it.
    pub typed_text: Option<u64>,
    /// The keyed hash of the caller's network; `None` if the caller relays the calls of many users.
    /// Moderation counts reports by it; the lobby does not store it.
    pub network: Option<UserId>,
    /// Constraints on a search; other actions ignore them.
    pub constraints: MatchConstraints,
    pub now: Timestamp,
}

impl Call {
    /// Creates a call without a key or a room whose answer shows the inbox.
    #[must_use]
    pub const fn new(user: UserId, now: Timestamp) -> Self {
        Self {
            user,
            idempotency_key: None,
            caller_nickname: None,
            room: None,
            written_by: None,
            include_inbox: true,
            typed_text: None,
            network: None,
            constraints: MatchConstraints {
                blocked: Vec::new(),
                notice_seen: false,
                poorly_rated: false,
            },
            now,
        }
    }
}

/// Constraints that moderation adds to a user's search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchConstraints {
    /// Users who must never be matched with this one.
    pub blocked: Vec<UserId>,
    /// Whether the user needs no notice with their first partner.
    pub notice_seen: bool,
    /// Whether many partners rated the user badly.
    pub poorly_rated: bool,
}

/// The state of a sender that a text is prepared for before it is relayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderState {
    /// Whether contact details in the text are masked.
    pub masking: bool,
    /// Digits of the sender's recent short messages in this chat.
    pub memory: Memory,
    /// The chat that the text is written for: its room and partner. `None` without a chat; a text
    /// without one may be sent in any.
    pub chat: Option<(RoomId, UserId)>,
    /// The name that the partner sees before the sender's messages; `None` without a chat.
    pub own_name: Option<Nickname>,
    /// Whether both partners have sent enough messages in this chat; see
    /// [`TRUST_AFTER_MESSAGES`](super::rules::TRUST_AFTER_MESSAGES).
    pub trusted: bool,
    /// The sender's language; `None` until it is known. In [`Action::Relay`], the language detected
    /// in the text, which the lobby stores if it knows none.
    pub language: Option<Language>,
}

impl SenderState {
    /// Returns `true` if a text prepared for one state may be sent in the other.
    #[must_use]
    pub fn same_treatment_as(&self, other: &Self) -> bool {
        // The name changes only with the chat.
        let Self { masking, memory, trusted, chat, own_name: _, language: _ } = self;
        let is_same_chat = chat.is_none() || other.chat.is_none() || *chat == other.chat;
        is_same_chat
            && (masking, memory, trusted) == (&other.masking, &other.memory, &other.trusted)
    }
}

impl Default for SenderState {
    fn default() -> Self {
        Self {
            masking: true,
            memory: Memory::default(),
            chat: None,
            own_name: None,
            trusted: false,
            language: None,
        }
    }
}

/// A request of a user to the lobby.
#[derive(Clone, Debug)]
pub enum Action {
    /// Match immediately or join the queue.
    Meet(MatchPreferences),
    /// Leave the chat and search with the same preferences, skipping the partner just left.
    Again,
    /// End the chat or leave the queue.
    Leave,
    /// Send `text`, which was prepared for the state `sender`. Once sent, `memory` becomes the
    /// sender's mask memory.
    Relay { text: Masked, sender: SenderState, memory: Memory },
    /// Turn masking of the user's texts on (`Some(true)`) or off, or toggle it (`None`).
    SetMasking(Option<bool>),
    /// Leave, and delete what the lobby stores about the user, except blocks.
    Forget,
    /// Get the partner's name.
    Who,
    /// Set the nickname for future chats.
    SetNickname(Nickname),
    /// Notify the partner that the user is typing, or has stopped.
    SetTyping(bool),
    /// Get the last messages of the chat, up to this number.
    ReadHistory(usize),
    /// Get the current partner, or else the last one if they are recent. With `with_transcript`,
    /// also the partner's last messages.
    LookUpLastPartner { with_transcript: bool },
    /// Never match the user with this one again, and end a chat with them.
    Block(UserId),
    /// Ask both partners the icebreaker question with this number.
    Icebreaker(u8),
    /// Set the language of the user's answers.
    SetLanguage(Language),
    /// Get the user's status.
    GetStatus,
    /// Read the inbox and do nothing else.
    ReadInbox,
}

impl Action {
    /// Returns `true` if the action means the chat of the moment, so that it must not reach a
    /// partner that the user met after writing it.
    #[must_use]
    pub const fn depends_on_chat(&self) -> bool {
        match self {
            Self::Relay { .. }
            | Self::SetTyping(_)
            | Self::LookUpLastPartner { .. }
            | Self::Icebreaker(_) => true,
            action => action.ends_search(),
        }
    }

    /// Returns `true` if the action ends or restarts a search, so that it must not end one that
    /// began after the user wrote it.
    #[must_use]
    pub const fn ends_search(&self) -> bool {
        matches!(self, Self::Leave | Self::Again | Self::Forget)
    }

    /// A search without preferences.
    #[must_use]
    pub fn meet() -> Self {
        Self::Meet(MatchPreferences::default())
    }
}

/// The users of a chat who sent a message in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatWriters {
    pub user: bool,
    pub partner: bool,
}

/// The current or last partner, and their last messages, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPartner {
    pub partner: UserId,
    /// Which of the two sent a message in the chat.
    pub wrote: ChatWriters,
    pub transcript: Vec<Masked>,
}

/// The status of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserStatus {
    Idle,
    Waiting(QueuePosition),
    Chatting(Chat),
}

/// A user's rank in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    /// 1 for the longest waiter.
    pub position: usize,
    /// Median of recent waits; `None` until one is known.
    pub estimated_wait: Option<Duration>,
}

/// Why a search found no one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCause {
    /// No one else is waiting or chatting.
    Alone,
    /// No one else is waiting.
    AllChatting,
    /// The user accepts anyone, and all others who wait are in interest-only mode.
    AllSelective,
    /// The rules of matching keep the user from those who wait.
    NotEligible,
}

/// The result of an [`Action`]. A refusal is an outcome too; it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Connected {
        chat: Chat,
        /// Whether the action was [`Action::Again`].
        again: bool,
    },
    /// In the queue. Users who share one of `interests` are matched first.
    Waiting {
        place: QueuePosition,
        interests: Interests,
        cause: WaitCause,
        /// Whether the action was [`Action::Again`].
        again: bool,
    },
    AlreadyChatting(Chat),
    /// The user is not in the room that the call refers to.
    NotInRoom {
        /// Whether it was the room of one of the user's last chats.
        ended: bool,
    },
    /// The user wrote the message before the chat or the search that it would act on.
    WrittenBefore,
    ChatEnded,
    LeftQueue,
    NothingToLeave,
    /// The text is in the inbox of `to` as item `seq`. A long text also takes the following items.
    Sent {
        to: UserId,
        seq: u64,
        /// The sender's name in this chat.
        from: Nickname,
        text: Masked,
        /// Whether both users have now sent a message in this chat for the first time. `false` in
        /// a replay.
        completes_exchange: bool,
    },
    /// There is no chat to send to.
    NoPartner {
        /// Whether the user is in the queue.
        waiting: bool,
    },
    PartnerInboxFull,
    /// The sender's state has changed since the text was prepared. Prepare it again.
    SenderChanged,
    /// Whether masking is now on.
    Masking(bool),
    /// `None` if the user is not in a chat.
    PartnerName(Option<Nickname>),
    NicknameSet(Nickname),
    TypingSet,
    Forgotten,
    /// The messages, oldest first; `None` unless both partners opted to store them.
    History(Option<Vec<HistoryMessage>>),
    /// `None` if the user has no current or recent partner.
    LastPartner(Option<LastPartner>),
    Blocked {
        /// Whether the block ended a chat.
        chat_ended: bool,
    },
    Status(UserStatus),
    /// The number of the question.
    Icebreaker(u8),
    LanguageSet(Language),
    InboxRead,
}

/// A change that the listeners of a user are notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Items have entered or returned to this user's inbox.
    InboxChanged(UserId),
    /// The partner of the user `to` is typing, or has stopped.
    Typing { to: UserId, room: RoomId, typing: bool },
}

/// An outcome and the inbox items that the answer may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    pub outcome: Outcome,
    pub lease: Lease,
}

/// The result of one sweep step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepResult {
    /// The evicted users.
    pub evicted: Vec<UserId>,
    /// Whether another step may find more to evict.
    pub more: bool,
}

/// The result of one nudge step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NudgeResult {
    /// Number of nudged pairs.
    pub pairs: usize,
    /// Whether another step may find more pairs to nudge.
    pub more: bool,
}

/// Figures about the lobby.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LobbyStats {
    /// Number of known users: those who made a call within the idle timeout.
    pub people: usize,
    pub waiting: usize,
    pub pairs: usize,
    /// Wait of the longest waiter, in seconds; 0 if the queue is empty.
    pub longest_wait_secs: u64,
    /// Number of relayed messages since the lobby was created.
    pub relayed: u64,
    /// Number of masked ranges of text since the lobby was created.
    pub masked: u64,
    /// Number of evicted users since the lobby was created.
    pub evicted: u64,
    /// Number of processes that share the lobby.
    pub instances: usize,
}
