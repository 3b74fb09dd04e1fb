//! What a person can ask of the lobby, and what comes of it: the words the manager, the storage
//! seam and the service share.

use super::inbox::Lease;
use super::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{MessageKey, UserId};
use crate::mask::{Masked, Memory};

/// One call of one person.
#[derive(Clone, Debug)]
pub struct Call {
    pub who: UserId,
    /// Names this call, so that a retry of it is answered without being carried out again.
    pub key: Option<MessageKey>,
    /// The name their caller gave them, where the operator wants such names used.
    pub given_name: Option<Nickname>,
    pub now: Timestamp,
}

/// What the lobby knows of a sender that decides what their text must go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Whether their numbers are hidden from their partners.
    pub masking: bool,
    /// What the masker remembers of their last messages in this chat.
    pub memory: Memory,
}

impl Default for Sender {
    fn default() -> Self {
        Self { masking: true, memory: Memory::default() }
    }
}

/// What a person does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Join the queue, or pair at once.
    Meet,
    /// Leave, and meet anyone but the partner just left.
    Again,
    /// End the chat, or leave the queue.
    Leave,
    /// Send text that was prepared for this sender as they were. Once sent, `memory` is what the
    /// masker remembers of them.
    Relay {
        text: Masked,
        sender: Sender,
        memory: Memory,
    },
    ToggleMasking,
    /// Ask for the partner's name.
    Who,
    /// Be called so in the coming chats.
    Rename(Nickname),
    /// Nothing but read the inbox.
    Read,
}

/// What came of an [`Action`]. Refusals are outcomes: they changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Connected {
        partner: Nickname,
        again: bool,
    },
    /// In the queue; the next in line has place 1.
    Waiting {
        place: usize,
        again: bool,
    },
    AlreadyChatting,
    ChatEnded,
    LeftQueue,
    NothingToLeave,
    /// The text is with the partner; `from` is the name they saw.
    Sent {
        from: Nickname,
        text: Masked,
    },
    NobodyToSendTo {
        waiting: bool,
    },
    PartnerInboxFull,
    /// The sender changed since the text was prepared: prepare it anew.
    SenderChanged,
    Masking(bool),
    Partner(Option<Nickname>),
    Renamed(Nickname),
    Read,
}

/// An outcome, and what the answer to this call may show of the person's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    pub outcome: Outcome,
    pub lease: Lease,
}

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// How many people were forgotten because they were idle.
    pub evicted: usize,
    /// Whether there may be more to forget.
    pub more: bool,
}

/// How the lobby does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LobbyStats {
    /// People heard of within the idle time.
    pub people: usize,
    pub waiting: usize,
    pub pairs: usize,
    /// Seconds that the longest waiter has waited; 0 when nobody waits.
    pub longest_wait_secs: u64,
    /// Totals since the lobby was made.
    pub relayed: u64,
    pub masked: u64,
    pub evicted: u64,
}
