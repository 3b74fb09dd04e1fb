//! [`Couriers`]: tasks that deliver users' events over push channels as they arrive.
//!
//! A courier serves one user over one [`Channel`], from the mailboxes of all toolsets in turn: a channel has one
//! interval, one backoff and one order for all of them. It leases the events of a mailbox, hands them to the
//! channel and settles the lease for the events that the channel has acknowledged. The other events return
//! to the mailbox. They are delivered once the channel is ready again or, if it has closed, by another channel or
//! with the user's next call.
//!
//! **Invariants:** an event leaves its mailbox only after a channel has acknowledged it. A slow
//! channel delays no other user, because each courier is a separate task and each delivery has a
//! timeout. A mailbox that is never empty delays no other mailbox by more than one delivery.

use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::select_all;
use parking_lot::{Mutex, RwLock};
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep, timeout};
use tracing::Instrument;

use super::channel::{Channel, DeliveryError, TypingState};
use super::mailbox::{EventLease, EventListener, EventMailbox, LEASE_TIME, event_receipt};
use crate::kernel::clock::Clock;
use crate::kernel::id::UserId;

/// Poll interval of a courier; signals between instances may be lost.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Minimum time between two states of a typing indicator.
const TYPING_INTERVAL: Duration = Duration::from_secs(1);

/// All couriers of this process, at most one per user.
pub struct Couriers {
    mailboxes: RwLock<Vec<Arc<dyn EventMailbox>>>,
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
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            mailboxes: RwLock::default(),
            clock,
            active: Mutex::default(),
            next_id: AtomicU64::new(0),
            closed: AtomicU64::new(0),
        })
    }

    /// Adds the mailbox of a toolset, at start: a courier serves the mailboxes that exist when it is attached.
    pub fn add_mailbox(&self, mailbox: Arc<dyn EventMailbox>) {
        self.mailboxes.write().push(mailbox);
    }

    /// Starts delivering a user's events over `channel`, which replaces the user's previous channel.
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
            tracing::debug!("channel closed, events returned to the mailbox");
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

    /// Stops the user's courier, because the user has connected in another way. Its leased events
    /// return to their mailbox.
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
        let mut mailboxes = self.mailboxes.read().clone();
        let mut listeners: Vec<_> = mailboxes.iter().map(|mailbox| mailbox.listen(user)).collect();
        let mut indicator = TypingIndicator::default();
        let mut has_outgoing = false;
        loop {
            channel.ready().await;
            let leased = self.lease_from(user, &mut mailboxes).await;
            if has_outgoing || leased.is_some() {
                has_outgoing = false;
                let result = match leased {
                    Some((mailbox, lease)) => deliver_once(&mailbox, user, lease, channel).await,
                    None => deliver_outgoing(channel).await,
                };
                if result == Err(DeliveryError::Closed) {
                    return;
                }
                continue;
            }
            let received = tokio::select! {
                received = timeout(POLL_INTERVAL, any_changed(&mut listeners)) => received,
                state = indicator.due() => {
                    channel.send_typing(state).await;
                    continue;
                }
                () = channel.outgoing_ready() => {
                    has_outgoing = true;
                    continue;
                }
            };
            if let Ok(Some(state)) = received {
                indicator.next = Some(state);
            }
        }
    }

    /// Leases from the first of `mailboxes` that has events, and moves it to the end, so that it is asked last.
    async fn lease_from(
        &self,
        user: UserId,
        mailboxes: &mut [Arc<dyn EventMailbox>],
    ) -> Option<(Arc<dyn EventMailbox>, EventLease)> {
        for index in 0..mailboxes.len() {
            // A store failure is ignored: the events stay in the mailbox until the next poll.
            if let Ok(Some(lease)) = mailboxes[index].lease(user, self.clock.now()).await {
                mailboxes[index..].rotate_left(1);
                return mailboxes.last().map(|mailbox| (Arc::clone(mailbox), lease));
            }
        }
        None
    }
}

/// Waits until one of the listeners has a signal. Cancel-safe, as they are.
async fn any_changed(listeners: &mut [Box<dyn EventListener>]) -> Option<TypingState> {
    match listeners {
        [] => pending().await,
        [listener] => listener.changed().await,
        several => select_all(several.iter_mut().map(|listener| listener.changed())).await.0,
    }
}

/// Sends what the channel itself has to send.
async fn deliver_outgoing(channel: &dyn Channel) -> Result<(), DeliveryError> {
    let result = timeout(LEASE_TIME, channel.deliver(&[])).await;
    result.unwrap_or(Err(DeliveryError::Closed)).map(drop)
}

/// Hands the leased events to the channel and settles the lease for the delivered ones.
async fn deliver_once(
    mailbox: &Arc<dyn EventMailbox>,
    user: UserId,
    lease: EventLease,
    channel: &dyn Channel,
) -> Result<(), DeliveryError> {
    let EventLease { id, events } = lease;
    let receipt = event_receipt(mailbox, user, id);
    let result = timeout(LEASE_TIME, channel.deliver(&events)).await;
    let delivered = result.unwrap_or(Err(DeliveryError::Closed))?;
    let is_partial = delivered < events.len();
    if is_partial && mailbox.put_back(user, id, delivered).await.is_err() {
        // Dropping the receipt returns all events: a duplicate is better than a loss.
        return Err(DeliveryError::RetryLater);
    }
    receipt.confirm();
    Ok(())
}

/// The typing indicator of the partner, sent at most once per [`TYPING_INTERVAL`]: the states in
/// between are skipped, and the last one is sent.
#[derive(Default)]
struct TypingIndicator {
    /// The state to send.
    next: Option<TypingState>,
    /// The pause after the last state that was sent.
    pause: Option<Pin<Box<Sleep>>>,
}

impl TypingIndicator {
    /// Waits until a state is to be sent. Cancel-safe.
    async fn due(&mut self) -> TypingState {
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
