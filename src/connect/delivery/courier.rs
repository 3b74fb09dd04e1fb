//! Brings people their news at once, over whichever channel reaches them.
//!
//! A courier works for one person and one channel: it collects what waits, hands it to the channel,
//! and ends the lease for what the channel has acknowledged. The rest waits again: for the moment
//! the channel is ready once more, or, where it is gone, for another channel or the person's next
//! call.
//!
//! To add a channel, implement [`Channel`] beside the way in that it belongs to.
//!
//! **Invariant:** an item is gone only once a channel acknowledged it. One person's slow channel
//! holds up nobody else: each has a task of its own and a time limit.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::connect::lobby::Lobby;
use crate::connect::lobby::inbox::{Item, LEASE_TIME, Lease};
use crate::connect::profile::language::Language;
use crate::kernel::clock::Clock;
use crate::kernel::id::{RoomId, UserId};
use crate::kernel::receipt::Receipt;

/// How often a courier looks without having been told to: a word may get lost between machines.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Why a channel did not bring anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryError {
    /// It does not reach the person any more.
    Closed,
    /// It may later: [`Channel::ready`] tells when.
    RetryLater,
}

/// A way to reach one person at once.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Brings items, in order, and returns how many of them, from the first on, the other side has
    /// acknowledged; `language` is the person's. It makes one attempt: after [`LEASE_TIME`] it is cut off and given up.
    async fn deliver(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError>;

    /// Returns when something may be brought. A channel that has to pause does it here: while it
    /// brings, the items are on lease, which does not last.
    async fn ready(&self) {}

    /// Returns when the channel has something to say of its own. [`Channel::bring`] is called then,
    /// without items if none wait.
    async fn outgoing_ready(&self) {
        pending::<()>().await;
    }

    /// Lets the person know that their partner is typing, or stopped. Nothing is lost if not.
    async fn send_typing(&self, room: RoomId, typing: bool);
}

/// All couriers of this process.
pub struct Couriers {
    lobby: Arc<dyn Lobby>,
    clock: Arc<dyn Clock>,
    active: Mutex<HashMap<UserId, (u64, AbortHandle)>>,
    next_id: AtomicU64,
    closed: AtomicU64,
}

/// A courier at work, until dropped or replaced by another for the same person.
pub struct CourierGuard {
    couriers: Arc<Couriers>,
    user: UserId,
    id: u64,
}

impl Couriers {
    #[must_use]
    pub fn new(lobby: Arc<dyn Lobby>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            lobby,
            clock,
            active: Mutex::default(),
            next_id: AtomicU64::new(0),
            closed: AtomicU64::new(0),
        })
    }

    /// Brings a person's news over `channel` from now on, and over no other.
    #[must_use]
    pub fn attach(self: &Arc<Self>, who: UserId, channel: Arc<dyn Channel>) -> CourierGuard {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        let couriers = Arc::clone(self);
        // Held until the task is in the list, so that it can't leave the list before it is there.
        let mut active = self.active.lock();
        let task = tokio::spawn(async move {
            couriers.run(who, &*channel).await;
            couriers.closed.fetch_add(1, Ordering::Relaxed);
            couriers.detach(who, number);
            tracing::debug!(user = %who, "channel closed, items returned to the inbox");
        });
        let before = active.insert(who, (number, task.abort_handle()));
        drop(active);
        if let Some((_, before)) = before {
            before.abort();
        }
        CourierGuard { couriers: Arc::clone(self), user: who, id: number }
    }

    /// Gives up whatever channel a person is reached over: they have come another way. What was on
    /// its way there waits again.
    pub fn release(&self, who: UserId) {
        let before = self.active.lock().remove(&who);
        if let Some((_, task)) = before {
            task.abort();
        }
    }

    /// Whether somebody can be reached at once.
    #[must_use]
    pub fn is_reachable(&self, who: UserId) -> bool {
        self.active.lock().contains_key(&who)
    }

    /// How many people can be reached at once.
    #[must_use]
    pub fn reachable_count(&self) -> usize {
        self.active.lock().len()
    }

    /// How many channels were given up since the start.
    #[must_use]
    pub fn closed_count(&self) -> u64 {
        self.closed.load(Ordering::Relaxed)
    }

    fn detach(&self, who: UserId, number: u64) -> Option<AbortHandle> {
        let mut active = self.active.lock();
        let own = active.get(&who).is_some_and(|(known, _)| *known == number);
        if own { active.remove(&who).map(|(_, task)| task) } else { None }
    }

    /// Works until the channel is gone.
    async fn run(&self, who: UserId, channel: &dyn Channel) {
        let mut listener = self.lobby.listen(who);
        let mut typing_heard = 0;
        let mut wanted = false;
        loop {
            channel.ready().await;
            // A store that fails will be asked again, as the inbox is where everything stays.
            let lease = self.lobby.collect(who, self.clock.now()).await.unwrap_or_default();
            if wanted || lease.id.is_some() {
                wanted = false;
                if self.deliver_once(who, &lease, channel).await == Err(DeliveryError::Closed) {
                    return;
                }
                continue;
            }
            let heard = tokio::select! {
                heard = timeout(POLL_INTERVAL, listener.recv()) => heard,
                () = channel.outgoing_ready() => {
                    wanted = true;
                    continue;
                }
            };
            let Ok(word) = heard else { continue };
            if let Some((times, room, typing)) = word.typing
                && times != typing_heard
            {
                typing_heard = times;
                channel.send_typing(room, typing).await;
            }
        }
    }

    /// Hands the items on lease to the channel, and ends the lease for those that it brought.
    async fn deliver_once(
        &self,
        who: UserId,
        lease: &Lease,
        channel: &dyn Channel,
    ) -> Result<(), DeliveryError> {
        let receipt = lease.id.map_or_else(Receipt::none, |id| {
            let lobby = Arc::clone(&self.lobby);
            Receipt::new(move |delivered| lobby.settle(who, id, delivered))
        });
        let brought =
            timeout(LEASE_TIME, channel.deliver(lease.language.unwrap_or_default(), &lease.items))
                .await;
        let brought = brought.unwrap_or(Err(DeliveryError::Closed))?;
        if brought < lease.items.len() && self.lobby.put_back(who, lease, brought).await.is_err() {
            // The receipt is dropped: what was brought comes twice rather than the rest not at all.
            return Err(DeliveryError::RetryLater);
        }
        receipt.confirm();
        Ok(())
    }
}

impl CourierGuard {
    /// Whether this courier is still the one that works for its person.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.couriers.active.lock().get(&self.user).is_some_and(|(known, _)| *known == self.id)
    }
}

impl Drop for CourierGuard {
    fn drop(&mut self) {
        if let Some(task) = self.couriers.detach(self.user, self.id) {
            task.abort();
        }
    }
}
