//! [`Broadcast`], [`Presence`] and the other values of an operator's operations on the lobby.
//!
//! The operations are in `manager/operator.rs`. Operators are authenticated in
//! `transport/ops/admin/`.

use std::sync::Arc;

use serde::Serialize;

use crate::kernel::id::{IdempotencyKey, UserId};

/// Maximum length of a broadcast, in characters, so that it always fits into an answer.
pub const MAX_BROADCAST_CHARS: usize = 1_000;

/// Maximum number of users that one search returns.
pub const MAX_FIND_RESULTS: usize = 100;

/// The lobby status of a user as an operator sees it, without the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    Idle,
    Waiting,
    Chatting,
}

/// The text of a broadcast. Cheap to clone, because it goes into many inboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastText(Arc<str>);

impl BroadcastText {
    /// Trims `text`. Returns `None` unless 1 to [`MAX_BROADCAST_CHARS`] characters remain.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=MAX_BROADCAST_CHARS).contains(&text.chars().count());
        fits.then(|| Self(text.into()))
    }

    /// Wraps a text that [`parse`](Self::parse) accepted before it was stored.
    #[must_use]
    pub(super) fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An operator's message to all known users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// Identifies the broadcast, so that no user receives it twice in a row.
    pub key: IdempotencyKey,
    pub text: BroadcastText,
}

/// The result of one broadcast step, or the sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastProgress {
    /// Number of inboxes that received the broadcast.
    pub delivered: usize,
    /// Number of users skipped because their last broadcast was the same.
    pub already_delivered: usize,
    /// Number of users skipped because their inbox is full.
    pub inbox_full: usize,
    /// The last user visited; `None` if no user follows.
    pub cursor: Option<UserId>,
}
