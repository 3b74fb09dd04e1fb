//! The lobby in this process's memory: gone with it.

use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::action::{Action, Call, LobbyStats, Nudged, Performed, Sender, Swept};
use super::inbox::{Lease, LeaseId};
use super::listeners::{Listener, Listeners};
use super::lobby::{Lobby, LobbyError, REDELIVERY};
use super::manager::RandomConnectManager;
use super::operator::{Announced, Announcement, FOUND, Presence};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{MessageKey, UserId};
use crate::kernel::recent::Recent;

/// People handled per hold of the lock: about 0.02 ms, so that a call in between hardly waits.
const BATCH: usize = 128;

/// How long a call waits for the answer to the same person's last one to arrive or to be lost. It
/// is known within microseconds unless the caller is slow to take it in.
const ANSWER_WAIT: Duration = Duration::from_millis(250);

/// The most messages that are remembered so that they are not carried out again; older ones go.
const MAX_SEEN: usize = 500_000;

/// The pure manager behind one lock. Every method holds it for microseconds, never across an await.
pub struct MemoryLobby {
    state: Mutex<(RandomConnectManager, StdRng)>,
    /// Wakes the calls that wait for a lease to end.
    settled: Notify,
    listeners: Listeners,
    /// Messages that may be sent again for days.
    seen: Mutex<Recent<MessageKey, ()>>,
}

impl MemoryLobby {
    #[must_use]
    pub fn new(idle_timeout: Duration, rng: StdRng) -> Self {
        Self {
            state: Mutex::new((RandomConnectManager::new(idle_timeout), rng)),
            settled: Notify::new(),
            listeners: Listeners::default(),
            seen: Mutex::new(Recent::new(REDELIVERY, MAX_SEEN)),
        }
    }

    /// Takes one step, and then, the lock being free, tells whom it concerns and frees what is gone.
    fn step<T>(&self, step: impl FnOnce(&mut RandomConnectManager, &mut StdRng) -> T) -> T {
        let (done, effects, _gone) = {
            let (manager, rng) = &mut *self.state.lock();
            (step(manager, rng), manager.take_effects(), manager.take_gone())
        };
        self.listeners.tell(&effects);
        done
    }
}

#[async_trait]
impl Lobby for MemoryLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<Performed, LobbyError> {
        let mut wait = pin!(sleep(ANSWER_WAIT));
        let (who, takes_inbox) = (call.who, call.takes_inbox);
        let mut asked = Some((call, action));
        loop {
            // Made before the look at the lease, so that no wake-up falls in between.
            let settled = self.settled.notified();
            // A call that shows nothing of the inbox has nothing to wait for.
            let ready = wait.is_elapsed() || !takes_inbox;
            let done = self.step(|manager, rng| {
                let ready = ready || !manager.is_being_answered(who);
                let (call, action) = asked.take_if(|_| ready)?;
                Some(manager.perform(call, action, rng))
            });
            if let Some(performed) = done {
                return Ok(performed);
            }
            tokio::select! {
                () = settled => {}
                () = &mut wait => {}
            }
        }
    }

    async fn sender(&self, who: UserId) -> Result<Sender, LobbyError> {
        Ok(self.state.lock().0.sender(who))
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        Ok(self.step(|manager, _| manager.collect(who, now)))
    }

    fn listen(&self, who: UserId) -> Listener {
        self.listeners.listen(who)
    }

    async fn keep_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.step(|manager, _| manager.keep_back(who, lease, shown));
        Ok(())
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        self.step(|manager, _| manager.settle(who, lease, delivered));
        self.settled.notify_waiters();
    }

    async fn first(&self, message: MessageKey, now: Timestamp) -> Result<bool, LobbyError> {
        let mut seen = self.seen.lock();
        let first = seen.get(&message, now).is_none();
        if first {
            drop(seen.put(message, (), now));
        }
        Ok(first)
    }

    async fn sweep(&self, now: Timestamp) -> Result<Swept, LobbyError> {
        Ok(self.step(|manager, _| manager.sweep(now, BATCH)))
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        Ok(self.step(|manager, rng| manager.pair_waiting(now, BATCH, rng)))
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<Nudged, LobbyError> {
        Ok(self.step(|manager, _| manager.nudge_silent(now, BATCH)))
    }

    async fn find(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        Ok(self.state.lock().0.find(prefix, FOUND))
    }

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        Ok(self.state.lock().0.presence(who))
    }

    async fn announce(
        &self,
        announcement: &Announcement,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<Announced, LobbyError> {
        Ok(self.step(|manager, _| manager.announce(announcement, after, now, BATCH)))
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        Ok(self.state.lock().0.stats(now))
    }
}
