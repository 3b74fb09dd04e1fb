//! The loop that owns the intervals: it calls the sweeps, which know nothing of timers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::service::{ConnectService, PAIRING_INTERVAL};

/// Evicts idle people every `interval_between`, and pairs relaxed waiters every few seconds, until
/// dropped.
pub async fn reap(service: Arc<ConnectService>, interval_between: Duration) {
    let mut evictions = interval(interval_between);
    let mut pairings = interval(PAIRING_INTERVAL);
    evictions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pairings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = evictions.tick() => evict_all(&service).await,
            _ = pairings.tick() => match service.pair_waiting().await {
                Ok(0) => {}
                Ok(pairs) => tracing::info!(pairs, "paired waiters with recent partners"),
                Err(error) => tracing::warn!(%error, "pairing failed"),
            },
        }
    }
}

/// Evicts in small steps and lets calls in between them.
async fn evict_all(service: &ConnectService) {
    let mut evicted = 0;
    loop {
        match service.evict_idle().await {
            Ok(0) => break,
            Ok(some) => evicted += some,
            Err(error) => {
                tracing::warn!(%error, "eviction failed");
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    if evicted > 0 {
        tracing::info!(evicted, "forgot idle people");
    }
}
