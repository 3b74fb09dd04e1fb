//! [`Chat`], one user's view of a pair, and [`History`], the messages that both users opted to
//! store.

use std::collections::VecDeque;
use std::fmt;

use crate::connect::profile::interest::Interests;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};
use crate::mask::Masked;

/// A pair as one of its two users sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    pub room: RoomId,
    pub partner: UserId,
    pub partner_name: Nickname,
    /// Interests that both users named.
    pub common_interests: Interests,
    /// Whether this is the user's first partner, so that the answer includes the notice with the
    /// chat rules.
    pub is_first_chat: bool,
}

/// The user's preferences for a search and for the chat that follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchPreferences {
    /// Users who share one of these are matched first, for the time of
    /// [`INTEREST_ONLY_FOR`](super::rules::INTEREST_ONLY_FOR).
    pub interests: Interests,
    /// Whether the chat's messages may be stored while it lasts; both users must agree.
    pub keep_history: bool,
}

/// A message stored by mutual opt-in.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryMessage {
    pub seq: u64,
    pub at: Timestamp,
    pub sender: UserId,
    pub sender_name: Nickname,
    pub text: Masked,
}

/// Omits the text, so that no message reaches a log.
impl fmt::Debug for HistoryMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryMessage").field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// Maximum number of messages stored per chat; the oldest is dropped first.
pub const MAX_HISTORY: usize = 200;

/// The stored messages of one chat, oldest first.
#[derive(Debug, Default)]
pub struct History(VecDeque<HistoryMessage>);

impl History {
    pub fn push(&mut self, message: HistoryMessage) {
        if self.0.len() == MAX_HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    /// Returns the last `limit` messages, oldest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<HistoryMessage> {
        self.0.iter().skip(self.0.len().saturating_sub(limit)).cloned().collect()
    }
}
