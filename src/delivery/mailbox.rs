//! [`EventMailbox`]: the undelivered events of a toolset's users, which couriers lease.
//!
//! # Contract
//!
//! - **At least once.** Events that [`EventMailbox::lease`] hands out stay leased until
//!   [`EventMailbox::settle`], and for at most [`LEASE_TIME`]. The events of a lost or expired lease return in their
//!   old order and are handed out again under the same id.
//! - **Order.** While a lease of a user is active, no other event of the user is handed out.
//! - **Signals.** A listener is notified when an event enters or returns to its user's mailbox. A signal may get lost,
//!   because couriers also poll.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::channel::TypingState;
use super::event::PushEvent;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::receipt::Receipt;
use crate::kernel::store::StoreError;

/// Time after which an unsettled lease expires. Its events return to the mailbox and are redelivered.
pub const LEASE_TIME: Duration = Duration::from_secs(10);

/// Events handed out for one delivery, in order.
pub struct EventLease {
    /// Identifies the lease among those of one user.
    pub id: u64,
    /// Never empty.
    pub events: Vec<Box<dyn PushEvent>>,
}

/// The undelivered events of one toolset.
#[async_trait]
pub trait EventMailbox: Send + Sync {
    /// Leases the pending events of `user`. `None` if there is none, or a lease is active.
    async fn lease(&self, user: UserId, now: Timestamp) -> Result<Option<EventLease>, StoreError>;

    /// Returns all but the first `delivered` events of an active lease to the mailbox; the others stay leased.
    async fn put_back(&self, user: UserId, lease: u64, delivered: usize) -> Result<(), StoreError>;

    /// Ends a lease: removes its events if `delivered`, or else returns them to the mailbox. A lease that is no
    /// longer active is ignored.
    ///
    /// Does not block. A backend that needs I/O spawns a task; if that fails, the lease expires.
    fn settle(&self, user: UserId, lease: u64, delivered: bool);

    /// Subscribes to the signals of `user`, known or unknown, until the listener is dropped.
    fn listen(&self, user: UserId) -> Box<dyn EventListener>;
}

/// A subscription to the signals of one user.
#[async_trait]
pub trait EventListener: Send {
    /// Waits for a signal since the previous one. Returns the typing state of the user's partner if that has
    /// changed. Cancel-safe.
    async fn changed(&mut self) -> Option<TypingState>;
}

/// Returns the receipt of a delivery: it settles `lease`.
#[must_use]
pub fn event_receipt(mailbox: &Arc<dyn EventMailbox>, user: UserId, lease: u64) -> Receipt {
    let mailbox = Arc::clone(mailbox);
    Receipt::new(move |delivered| {
        if !delivered {
            tracing::debug!(%user, "delivery failed, events returned to the mailbox");
        }
        mailbox.settle(user, lease, delivered);
    })
}
