//! [`Channel`]: a way to push inbox items to one user.
//!
//! A channel knows its transport but not the lobby; its courier leases and settles the items.

use std::future::pending;

use async_trait::async_trait;

use crate::connect::lobby::inbox::Item;
use crate::connect::profile::language::Language;
use crate::kernel::id::RoomId;

/// The reason that a delivery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryError {
    /// The channel no longer reaches the user.
    Closed,
    /// The channel may deliver later, once [`Channel::ready`] returns.
    RetryLater,
}

/// A way to push to one user: a live session, WhatsApp or a bridge.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Delivers items in order, in the user's `language`. Returns the length of the prefix that the
    /// other side has acknowledged.
    ///
    /// Makes one attempt. After [`LEASE_TIME`](crate::connect::lobby::inbox::LEASE_TIME) the
    /// courier cancels the attempt and closes the channel.
    ///
    /// # Errors
    /// Returns [`DeliveryError`] if the attempt failed. All items then return to the inbox.
    async fn deliver(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError>;

    /// Waits until the channel may deliver. A channel backs off here and not in
    /// [`Channel::deliver`], because the items are leased during delivery and the lease expires.
    async fn ready(&self) {}

    /// Returns `true` if the channel probably reaches the user at the moment.
    fn is_open(&self) -> bool {
        true
    }

    /// Waits until the channel has its own content to send. The courier then calls
    /// [`Channel::deliver`], without items if the inbox is empty.
    async fn outgoing_ready(&self) {
        pending::<()>().await;
    }

    /// Shows whether the partner is typing. Best effort: a lost indicator is not sent again.
    async fn send_typing(&self, room: RoomId, typing: bool);
}
