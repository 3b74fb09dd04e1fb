//! [`MemoryLobby`]: the lobby in the memory of one process, lost when the process exits.
//!
//! All rules are in [`RandomConnectManager`]. This file adds the lock, the wait for a lease to end,
//! and the notification of listeners after the lock is released.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

use super::action::{
    Action, ActionResult, Call, LobbyStats, NudgeResult, SenderState, SweepResult,
};
use super::broadcast::{Broadcast, BroadcastProgress, MAX_FIND_RESULTS, Presence};
use super::inbox::{Lease, LeaseId};
use super::manager::RandomConnectManager;
use super::rules::CLAIM_TTL;
use super::signal::{Listener, SignalHub};
use super::{Deduplicator, Directory, Lobby, Mailbox, Upkeep};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::store::StoreError;
use crate::kernel::ttl_cache::TtlCache;

/// Number of users handled while the lock is held: about 0.02 ms, so that other calls hardly wait.
const SWEEP_BATCH: usize = 128;

/// Maximum time that a call waits for the same user's previous answer to be settled. That takes
/// microseconds unless the caller is slow to read the answer.
const LEASE_WAIT: Duration = Duration::from_millis(250);

/// Maximum number of claimed messages; the oldest claims are dropped first.
const MAX_CLAIMED: usize = 500_000;

/// The manager behind one lock. Every method holds it for microseconds and never across an await.
pub struct MemoryLobby {
    state: Mutex<LobbyState>,
    /// Wakes the calls that wait for a lease to end.
    lease_settled: Notify,
    listeners: SignalHub,
    /// Messages whose sender may retry them for days.
    claimed: Mutex<TtlCache<IdempotencyKey, ()>>,
    /// `None` in tests that pass the time.
    clock: Option<Arc<dyn Clock>>,
}

struct LobbyState {
    manager: RandomConnectManager,
    rng: StdRng,
    /// Whether a call waits for a lease to end, so that settling wakes no one in vain.
    has_waiters: bool,
}

impl MemoryLobby {
    #[must_use]
    pub fn new(idle_timeout: Duration, rng: StdRng) -> Self {
        Self {
            state: Mutex::new(LobbyState {
                manager: RandomConnectManager::new(idle_timeout),
                rng,
                has_waiters: false,
            }),
            lease_settled: Notify::new(),
            listeners: SignalHub::default(),
            claimed: Mutex::new(TtlCache::new(CLAIM_TTL, MAX_CLAIMED)),
            clock: None,
        }
    }

    /// Measures durations with the steady time of `clock` instead of the callers' dates, so that a
    /// jump of the date ends no lease and evicts no user.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// The time of the lobby when the date is `now`.
    fn lobby_time(&self, now: Timestamp) -> Timestamp {
        self.clock.as_ref().map_or(now, |clock| clock.steady())
    }

    /// Runs a step of the manager at the time of the lobby when the date is `now`.
    fn step<T>(
        &self,
        now: Timestamp,
        step: impl FnOnce(&mut RandomConnectManager, Timestamp, &mut StdRng) -> T,
    ) -> T {
        self.with_state(|state| {
            let time = self.lobby_time(now);
            state.manager.set_date_offset(now.millis_after(time));
            step(&mut state.manager, time, &mut state.rng)
        })
    }

    /// Runs `step` under the lock, then notifies listeners and frees removed values after releasing
    /// it.
    fn with_state<T>(&self, step: impl FnOnce(&mut LobbyState) -> T) -> T {
        let (result, effects, _deferred_drops) = {
            let state = &mut *self.state.lock();
            (step(state), state.manager.take_effects(), state.manager.take_deferred_drops())
        };
        self.listeners.notify(&effects);
        result
    }
}

#[async_trait]
impl Lobby for MemoryLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, StoreError> {
        let (user, include_inbox, now) = (call.user, call.include_inbox, call.now);
        let mut pending = Some((call, action));
        // Created on the first wait, because most calls do not wait.
        let mut wait: Option<Pin<Box<Sleep>>> = None;
        loop {
            // Created before the lease is checked, so that no wake-up is missed in between.
            let settled = self.lease_settled.notified();
            // A call that shows no items does not need to wait for the leased ones.
            let ready = !include_inbox || wait.as_ref().is_some_and(|wait| wait.is_elapsed());
            let result = self.with_state(|LobbyState { manager, rng, has_waiters }| {
                let ready = ready || !manager.has_active_lease(user);
                *has_waiters |= !ready;
                let (call, action) = pending.take_if(|_| ready)?;
                let time = self.lobby_time(now);
                manager.set_date_offset(now.millis_after(time));
                Some(manager.perform(Call { now: time, ..call }, action, rng))
            });
            if let Some(result) = result {
                return Ok(result);
            }
            tokio::select! {
                () = settled => {}
                () = wait.get_or_insert_with(|| Box::pin(sleep(LEASE_WAIT))) => {}
            }
        }
    }

    async fn sender_state(&self, user: UserId) -> Result<SenderState, StoreError> {
        Ok(self.state.lock().manager.sender_state(user))
    }
}

#[async_trait]
impl Mailbox for MemoryLobby {
    async fn collect(&self, user: UserId, now: Timestamp) -> Result<Lease, StoreError> {
        Ok(self.step(now, |manager, now, _| manager.collect(user, now)))
    }

    async fn put_back(&self, user: UserId, lease: &Lease, shown: usize) -> Result<(), StoreError> {
        self.with_state(|state| state.manager.put_back(user, lease, shown));
        Ok(())
    }

    fn settle(&self, user: UserId, lease: LeaseId, delivered: bool) {
        let had_waiters = self.with_state(|LobbyState { manager, has_waiters, .. }| {
            manager.settle(user, lease, delivered);
            std::mem::take(has_waiters)
        });
        if had_waiters {
            self.lease_settled.notify_waiters();
        }
    }

    fn listen(&self, user: UserId) -> Listener {
        self.listeners.listen(user)
    }
}

#[async_trait]
impl Upkeep for MemoryLobby {
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, StoreError> {
        Ok(self.step(now, |manager, now, _| manager.sweep(now, SWEEP_BATCH)))
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.step(now, |manager, now, rng| manager.pair_waiting(now, SWEEP_BATCH, rng)))
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, StoreError> {
        Ok(self.step(now, |manager, now, _| manager.nudge_silent(now, SWEEP_BATCH)))
    }

    async fn note_departure(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.step(now, |manager, now, _| manager.note_departure(user, now));
        Ok(())
    }

    async fn end_departed(&self, now: Timestamp) -> Result<usize, StoreError> {
        let is_connected = |user| self.listeners.has_listener(user);
        Ok(self.step(now, |manager, now, _| manager.end_departed(now, is_connected)))
    }
}

#[async_trait]
impl Directory for MemoryLobby {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        Ok(self.state.lock().manager.find(prefix, MAX_FIND_RESULTS))
    }

    async fn presence(&self, user: UserId) -> Result<Option<Presence>, StoreError> {
        Ok(self.state.lock().manager.presence(user))
    }

    async fn broadcast(
        &self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, StoreError> {
        Ok(self.step(now, |manager, now, _| manager.broadcast(broadcast, after, now, SWEEP_BATCH)))
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, StoreError> {
        Ok(self.state.lock().manager.stats(self.lobby_time(now)))
    }
}

#[async_trait]
impl Deduplicator for MemoryLobby {
    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = self.lobby_time(now);
        let mut claimed = self.claimed.lock();
        let is_first = claimed.get(&message, now).is_none();
        if is_first {
            drop(claimed.insert(message, (), now));
        }
        Ok(is_first)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[tokio::test(start_paused = true)]
    async fn lease_wait_ends_when_the_previous_answer_settles() {
        let lobby = MemoryLobby::new(Duration::from_secs(60), seeded_rng());
        let [ann, bob] = [1, 2].map(|id| UserId::from_bytes([id; 16]));
        let call = |user| Call::new(user, Timestamp::default());
        for user in [ann, bob] {
            lobby.perform(call(user), Action::meet()).await.expect("the memory store never fails");
        }
        let first = lobby
            .perform(call(ann), Action::ReadInbox)
            .await
            .expect("the memory store never fails")
            .lease;
        let mut next = pin!(lobby.perform(call(ann), Action::ReadInbox));
        assert!(poll!(&mut next).is_pending(), "the first answer is in flight");
        lobby.settle(ann, first.id.expect("a lease"), true);
        assert!(poll!(&mut next).is_ready(), "the first answer is settled");
    }
}
