//! The lobby in this process's memory: gone with it.

use std::pin::Pin;
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
use super::{Lobby, LobbyError};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::ttl_cache::TtlCache;

/// People handled per hold of the lock: about 0.02 ms, so that a call in between hardly waits.
const SWEEP_BATCH: usize = 128;

/// How long a call waits for the answer to the same person's last one to arrive or to be lost. It
/// is known within microseconds unless the caller is slow to take it in.
const LEASE_WAIT: Duration = Duration::from_millis(250);

/// The most messages that are remembered so that they are not carried out again; older ones go.
const MAX_CLAIMED: usize = 500_000;

/// The pure manager behind one lock. Every method holds it for microseconds, never across an await.
pub struct MemoryLobby {
    state: Mutex<LobbyState>,
    /// Wakes the calls that wait for a lease to end.
    lease_settled: Notify,
    listeners: SignalHub,
    /// Messages that may be sent again for days.
    claimed: Mutex<TtlCache<IdempotencyKey, ()>>,
}

struct LobbyState {
    manager: RandomConnectManager,
    rng: StdRng,
    /// Whether a call waits for a lease to end, so that telling nobody costs nothing.
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
        }
    }

    /// Takes one step, and then, the lock being free, tells whom it concerns and frees what is gone.
    fn with_state<T>(&self, step: impl FnOnce(&mut LobbyState) -> T) -> T {
        let (done, effects, _gone) = {
            let state = &mut *self.state.lock();
            (step(state), state.manager.take_effects(), state.manager.take_deferred_drops())
        };
        self.listeners.notify(&effects);
        done
    }
}

#[async_trait]
impl Lobby for MemoryLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (who, takes_inbox) = (call.user, call.include_inbox);
        let mut asked = Some((call, action));
        // Made when there is something to wait for, which there hardly ever is.
        let mut wait: Option<Pin<Box<Sleep>>> = None;
        loop {
            // Made before the look at the lease, so that no wake-up falls in between.
            let settled = self.lease_settled.notified();
            // A call that shows nothing of the inbox has nothing to wait for.
            let ready = !takes_inbox || wait.as_ref().is_some_and(|wait| wait.is_elapsed());
            let done = self.with_state(|LobbyState { manager, rng, has_waiters: awaited }| {
                let ready = ready || !manager.has_active_lease(who);
                *awaited |= !ready;
                let (call, action) = asked.take_if(|_| ready)?;
                Some(manager.perform(call, action, rng))
            });
            if let Some(performed) = done {
                return Ok(performed);
            }
            tokio::select! {
                () = settled => {}
                () = wait.get_or_insert_with(|| Box::pin(sleep(LEASE_WAIT))) => {}
            }
        }
    }

    async fn sender_state(&self, who: UserId) -> Result<SenderState, LobbyError> {
        Ok(self.state.lock().manager.sender_state(who))
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        Ok(self.with_state(|state| state.manager.collect(who, now)))
    }

    fn listen(&self, who: UserId) -> Listener {
        self.listeners.listen(who)
    }

    async fn put_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.with_state(|state| state.manager.put_back(who, lease, shown));
        Ok(())
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        let awaited = self.with_state(|LobbyState { manager, has_waiters: awaited, .. }| {
            manager.settle(who, lease, delivered);
            std::mem::take(awaited)
        });
        if awaited {
            self.lease_settled.notify_waiters();
        }
    }

    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, LobbyError> {
        let mut seen = self.claimed.lock();
        let first = seen.get(&message, now).is_none();
        if first {
            drop(seen.insert(message, (), now));
        }
        Ok(first)
    }

    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        Ok(self.with_state(|state| state.manager.sweep(now, SWEEP_BATCH)))
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        Ok(self.with_state(|state| state.manager.pair_waiting(now, SWEEP_BATCH, &mut state.rng)))
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError> {
        Ok(self.with_state(|state| state.manager.nudge_silent(now, SWEEP_BATCH)))
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        Ok(self.state.lock().manager.find(prefix, MAX_FIND_RESULTS))
    }

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        Ok(self.state.lock().manager.presence(who))
    }

    async fn broadcast(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        Ok(self.with_state(|state| state.manager.broadcast(announcement, after, now, SWEEP_BATCH)))
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        Ok(self.state.lock().manager.stats(now))
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
        let call = |who| Call::new(who, Timestamp::default());
        for who in [ann, bob] {
            lobby.perform(call(who), Action::meet()).await.expect("memory");
        }
        let told = lobby.perform(call(ann), Action::ReadInbox).await.expect("memory").lease;
        let mut next = pin!(lobby.perform(call(ann), Action::ReadInbox));
        assert!(poll!(&mut next).is_pending(), "the first answer is on its way");
        lobby.settle(ann, told.id.expect("a lease"), true);
        assert!(poll!(&mut next).is_ready(), "it has arrived");
    }
}
