//! [`Couriers`]: tasks that deliver users' inboxes over push channels as items arrive.
//!
//! A courier serves one user over one [`Channel`]. It leases the inbox items, hands them to the
//! channel and settles the lease for the items that the channel has acknowledged. The other items
//! return to the inbox. They are delivered once the channel is ready again or, if it has closed, by
//! another channel or with the user's next call.
//!
//! **Invariants:** an item leaves the inbox only after a channel has acknowledged it. A slow
//! channel delays no other user, because each courier is a separate task and each delivery has a
//! timeout.

use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep, timeout};
use tracing::Instrument;

use super::channel::{Channel, DeliveryError};
use crate::connect::lobby::inbox::{LEASE_TIME, Lease};
use crate::connect::lobby::{Mailbox, lease_receipt};
use crate::kernel::clock::Clock;
use crate::kernel::id::{RoomId, UserId};

/// Poll interval of a courier; signals between instances may be lost.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Minimum time between two states of a typing indicator.
const TYPING_INTERVAL: Duration = Duration::from_secs(1);

/// All couriers of this process, at most one per user.
pub struct Couriers {
    mailbox: Arc<dyn Mailbox>,
    clock: Arc<dyn Clock>,
    active: Mutex<HashMap<UserId, ActiveCourier>>,
    next_id: AtomicU64,
    /// Number of channels that closed themselves.
    closed: AtomicU64,
}

/// The courier of a user.
struct ActiveCourier {
    id: u64,
    task: AbortHandle,
    channel: Arc<dyn Channel>,
}

/// A running courier. Stops when dropped or when another courier replaces it for the same user.
pub struct CourierGuard {
    couriers: Arc<Couriers>,
    user: UserId,
    id: u64,
}

impl Couriers {
    #[must_use]
    pub fn new(mailbox: Arc<dyn Mailbox>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            mailbox,
            clock,
            active: Mutex::default(),
            next_id: AtomicU64::new(0),
            closed: AtomicU64::new(0),
        })
    }

    /// Starts delivering a user's inbox over `channel`, which replaces the user's previous channel.
    #[must_use]
    pub fn attach(self: &Arc<Self>, user: UserId, channel: Arc<dyn Channel>) -> CourierGuard {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (couriers, served) = (Arc::clone(self), Arc::clone(&channel));
        // Locked until the task is registered, so that the task can't deregister itself first.
        let mut active = self.active.lock();
        let deliver = async move {
            couriers.run(user, &*served).await;
            couriers.closed.fetch_add(1, Ordering::Relaxed);
            couriers.detach(user, id);
            tracing::debug!("channel closed, items returned to the inbox");
        };
        let task = tokio::spawn(deliver.instrument(tracing::info_span!("courier", %user)));
        let courier = ActiveCourier { id, task: task.abort_handle(), channel };
        let replaced = active.insert(user, courier);
        drop(active);
        if let Some(replaced) = replaced {
            replaced.task.abort();
        }
        CourierGuard { couriers: Arc::clone(self), user, id }
    }

    /// Stops the user's courier, because the user has connected in another way. Its leased items
    /// return to the inbox.
    pub fn release(&self, user: UserId) {
        let removed = self.active.lock().remove(&user);
        if let Some(courier) = removed {
            courier.task.abort();
        }
    }

    /// Returns `true` if a courier of this process serves the user over a channel that is open.
    #[must_use]
    pub fn is_reachable(&self, user: UserId) -> bool {
        self.active.lock().get(&user).is_some_and(|courier| courier.channel.is_open())
    }

    /// Returns the number of users that a courier serves.
    #[must_use]
    pub fn reachable_count(&self) -> usize {
        self.active.lock().len()
    }

    /// Returns the number of channels that closed since the process started.
    #[must_use]
    pub fn closed_count(&self) -> u64 {
        self.closed.load(Ordering::Relaxed)
    }

    /// Removes the courier unless another one has replaced it.
    fn detach(&self, user: UserId, id: u64) -> Option<ActiveCourier> {
        let mut active = self.active.lock();
        let is_current = active.get(&user).is_some_and(|courier| courier.id == id);
        if is_current { active.remove(&user) } else { None }
    }

    /// Delivers until the channel closes.
    async fn run(&self, user: UserId, channel: &dyn Channel) {
        let mut listener = self.mailbox.listen(user);
        let mut last_typing = 0;
        let mut indicator = TypingIndicator::default();
        let mut has_outgoing = false;
        loop {
            channel.ready().await;
            // A store failure is ignored: the items stay in the inbox until the next poll.
            let lease = self.mailbox.collect(user, self.clock.now()).await.unwrap_or_default();
            if has_outgoing || lease.id.is_some() {
                has_outgoing = false;
                if self.deliver_once(user, &lease, channel).await == Err(DeliveryError::Closed) {
                    return;
                }
                continue;
            }
            let received = tokio::select! {
                received = timeout(POLL_INTERVAL, listener.recv()) => received,
                (room, typing) = indicator.due() => {
                    channel.send_typing(room, typing).await;
                    continue;
                }
                () = channel.outgoing_ready() => {
                    has_outgoing = true;
                    continue;
                }
            };
            let Ok(signal) = received else { continue };
            if let Some((count, room, typing)) = signal.typing
                && count != last_typing
            {
                last_typing = count;
                indicator.next = Some((room, typing));
            }
        }
    }

    /// Hands the leased items to the channel and settles the lease for the delivered ones.
    async fn deliver_once(
        &self,
        user: UserId,
        lease: &Lease,
        channel: &dyn Channel,
    ) -> Result<(), DeliveryError> {
        let receipt = lease_receipt(&self.mailbox, user, lease);
        let language = lease.language.unwrap_or_default();
        let result = timeout(LEASE_TIME, channel.deliver(language, &lease.items)).await;
        let delivered = result.unwrap_or(Err(DeliveryError::Closed))?;
        let is_partial = delivered < lease.items.len();
        if is_partial && self.mailbox.put_back(user, lease, delivered).await.is_err() {
            // Dropping the receipt returns all items: a duplicate is better than a loss.
            return Err(DeliveryError::RetryLater);
        }
        receipt.confirm();
        Ok(())
    }
}

/// The typing indicator of the partner, sent at most once per [`TYPING_INTERVAL`]: the states in
/// between are skipped, and the last one is sent.
#[derive(Default)]
struct TypingIndicator {
    /// The state to send.
    next: Option<(RoomId, bool)>,
    /// The pause after the last state that was sent.
    pause: Option<Pin<Box<Sleep>>>,
}

impl TypingIndicator {
    /// Waits until a state is to be sent. Cancel-safe.
    async fn due(&mut self) -> (RoomId, bool) {
        let Some(state) = self.next else { return pending().await };
        if let Some(pause) = &mut self.pause {
            pause.await;
        }
        self.next = None;
        self.pause = Some(Box::pin(sleep(TYPING_INTERVAL)));
        state
    }
}

impl CourierGuard {
    /// Returns `true` while this courier serves its user.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.couriers.active.lock().get(&self.user).is_some_and(|courier| courier.id == self.id)
    }
}

impl Drop for CourierGuard {
    fn drop(&mut self) {
        if let Some(courier) = self.couriers.detach(self.user, self.id) {
            courier.task.abort();
        }
    }
}
