//! [`Channel`]: a way to push events to one user.
//!
//! A channel knows its transport but not the mailboxes; its courier leases and settles the events.

use std::future::pending;

use async_trait::async_trait;

use super::event::PushEvents;
use crate::kernel::id::RoomId;

/// The reason that a delivery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryError {
    /// The channel no longer reaches the user.
    Closed,
    /// The channel may deliver later, once [`Channel::ready`] returns.
    RetryLater,
}

/// Whether the user's partner is typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingState {
    pub room: RoomId,
    pub typing: bool,
}

/// A way to push to one user: a live session, WhatsApp or a bridge.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Delivers events in order. Returns the length of the prefix that the other side has
    /// acknowledged.
    ///
    /// Makes one attempt. After [`LEASE_TIME`](super::mailbox::LEASE_TIME) the courier cancels the
    /// attempt and closes the channel.
    ///
    /// # Errors
    /// Returns [`DeliveryError`] if the attempt failed. All events then return to their mailbox.
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError>;

    /// Waits until the channel may deliver. A channel backs off here and not in
    /// [`Channel::deliver`], because the events are leased during delivery and the lease expires.
    async fn ready(&self) {}

    /// Returns `true` if the channel probably reaches the user at the moment.
    fn is_open(&self) -> bool {
        true
    }

    /// Waits until the channel has its own content to send. The courier then calls
    /// [`Channel::deliver`], without events if the mailboxes are empty.
    async fn outgoing_ready(&self) {
        pending::<()>().await;
    }

    /// Shows whether the partner is typing. Best effort: a lost indicator is not sent again.
    async fn send_typing(&self, state: TypingState);
}
