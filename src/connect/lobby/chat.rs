//! A chat of two people: the room, whom one is with, and what both like.

use std::collections::VecDeque;
use std::fmt;

use crate::connect::profile::interest::Interests;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};
use crate::mask::Masked;

/// A chat as one of the two sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    pub room: RoomId,
    pub partner: UserId,
    pub partner_name: Nickname,
    /// What both said they like.
    pub common_interests: Interests,
    /// Whether this is somebody's first partner, so that they have to be told how people treat each
    /// other here.
    pub is_first_chat: bool,
}

/// How somebody wants to be matched, and what is to be kept of the chat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchPreferences {
    /// People with one of these are preferred for a while.
    pub interests: Interests,
    /// Whether messages of the chat may be kept while it lasts; both must agree.
    pub keep_history: bool,
}

/// A message that was kept because both wanted it.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryMessage {
    pub seq: u64,
    pub at: Timestamp,
    pub sender: UserId,
    pub sender_name: Nickname,
    pub text: Masked,
}

/// Somebody's message stays out of logs.
impl fmt::Debug for HistoryMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("number", &self.seq).finish_non_exhaustive()
    }
}

/// The most messages kept of a chat; older ones go.
pub const MAX_HISTORY: usize = 200;

/// The messages of a chat whose two people wanted them kept, oldest first.
#[derive(Debug, Default)]
pub struct History(VecDeque<HistoryMessage>);

impl History {
    pub fn push(&mut self, message: HistoryMessage) {
        if self.0.len() == MAX_HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    /// The last `limit` messages, oldest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<HistoryMessage> {
        self.0.iter().skip(self.0.len().saturating_sub(limit)).cloned().collect()
    }
}
