//! What an operator asks of the lobby: who is known in it, how somebody stands, and that everybody is told
//! something. Who may ask is not known here.
//!
//! Each is a step that does a bounded amount of work, so that nobody waits long for the lock around the
//! manager.

use std::sync::Arc;

use serde::Serialize;

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
