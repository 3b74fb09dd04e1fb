//! The check of all stores behind `/health`, `/ready` and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use random_connect::connect::health::StoreHealth;
use random_connect::connect::lobby::Directory;
use random_connect::connect::lobby::action::LobbyStats;
use random_connect::connect::lobby::broadcast::{Broadcast, BroadcastProgress, Presence};
use random_connect::kernel::clock::{ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::UserId;
use random_connect::kernel::keyring::Keyring;
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use random_connect::moderation::service::ModerationService;
use random_connect::moderation::store_memory::MemoryModerationStore;
use tokio::task::yield_now;

/// Fails every time, and counts the calls.
#[derive(Default)]
struct FailingDirectory(AtomicUsize);

#[async_trait]
impl Directory for FailingDirectory {
    async fn find_by_prefix(&self, _: &str) -> Result<Vec<UserId>, StoreError> {
        unreachable!("a check finds no one")
    }

    async fn presence(&self, _: UserId) -> Result<Option<Presence>, StoreError> {
        unreachable!("a check finds no one")
    }

    async fn broadcast(
        &self,
        _: &Broadcast,
        _: Option<UserId>,
        _: Timestamp,
    ) -> Result<BroadcastProgress, StoreError> {
        unreachable!("a check finds no one")
    }

    async fn stats(&self, _: Timestamp) -> Result<LobbyStats, StoreError> {
        unreachable!("a check reads no statistics")
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        Err(StoreErrorKind::Connection.into())
    }
}

#[tokio::test]
async fn store_check_runs_once_per_second() {
    let (directory, clock) =
        (Arc::new(FailingDirectory::default()), Arc::new(ManualClock::default()));
    let store = Arc::new(MemoryModerationStore::default());
    let moderation = ModerationService::new(store, Keyring::new(&[[7; 32]]), None, seeded_rng());
    let shared = (Arc::clone(&directory) as Arc<dyn Directory>, Arc::clone(&clock));
    let health = StoreHealth::new(shared.0, Arc::new(moderation), shared.1);
    let (first, second) = tokio::join!(health.check(), health.check());
    assert_eq!(first, second);
    assert!(first.lobby.is_err() && first.moderation.is_ok() && first.rate_limit.is_ok());
    assert!(!first.all_up());
    clock.advance(Duration::from_millis(999));
    health.check().await;
    assert_eq!(directory.0.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_millis(1));
    health.check().await;
    assert_eq!(directory.0.load(Ordering::Relaxed), 2);
}
