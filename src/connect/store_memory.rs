//! The lobby in this process's memory: gone with it.

use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;

use super::action::{Action, Call, LobbyStats, Performed, Sender};
use super::inbox::{Lease, LeaseId};
use super::lobby::{Lobby, LobbyError};
use super::manager::RandomConnectManager;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// People handled per hold of the lock: about 0.02 ms, so that a call in between hardly waits.
const BATCH: usize = 128;

/// The pure manager behind one lock. Every method takes it once and holds it for microseconds,
/// never across an await.
pub struct MemoryLobby(Mutex<(RandomConnectManager, StdRng)>);

impl MemoryLobby {
    #[must_use]
    pub fn new(idle_timeout: Duration, rng: StdRng) -> Self {
        Self(Mutex::new((RandomConnectManager::new(idle_timeout), rng)))
    }
}

#[async_trait]
impl Lobby for MemoryLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<Performed, LobbyError> {
        let (manager, rng) = &mut *self.0.lock();
        Ok(manager.perform(call, action, rng))
    }

    async fn sender(&self, who: UserId) -> Result<Sender, LobbyError> {
        Ok(self.0.lock().0.sender(who))
    }

    async fn keep_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.0.lock().0.keep_back(who, lease, shown);
        Ok(())
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        self.0.lock().0.settle(who, lease, delivered);
    }

    async fn evict_idle(&self, now: Timestamp) -> Result<usize, LobbyError> {
        Ok(self.0.lock().0.evict_idle(now, BATCH))
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        let (manager, rng) = &mut *self.0.lock();
        Ok(manager.pair_waiting(now, BATCH, rng))
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        Ok(self.0.lock().0.stats(now))
    }
}
