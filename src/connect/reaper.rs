//! [`run_reaper`], the loop that owns the intervals of sweeping, pairing, nudging and purging.
//!
//! Rules must not live here, as timers must not live in the stores: a step is a function of `now`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::lobby::Upkeep;
use super::lobby::steps::{nudge_all, sweep_all};
use crate::kernel::clock::{Clock, DateConfirmation, Stopwatch};
use crate::moderation::service::ModerationService;

/// Interval between searches for waiting users whose constraints have relaxed.
const PAIRING_INTERVAL: Duration = Duration::from_secs(5);

/// Evicts idle users and purges expired moderation data every `eviction_interval`; pairs relaxed
/// waiters and nudges silent pairs every five seconds. Runs until dropped.
pub async fn run_reaper(
    lobby: Arc<dyn Upkeep>,
    moderation: Arc<ModerationService>,
    clock: Arc<dyn Clock>,
    eviction_interval: Duration,
) {
    let mut evictions = interval(eviction_interval);
    let mut pairings = interval(PAIRING_INTERVAL);
    evictions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pairings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (since_start, mut confirmation) = (Stopwatch::start(), DateConfirmation::default());
    // Each store logs its own failures.
    loop {
        tokio::select! {
            _ = evictions.tick() => {
                match sweep_all(&*lobby, clock.now()).await {
                    Ok(0) | Err(_) => {}
                    Ok(evicted) => tracing::info!(evicted, "evicted idle users"),
                }
                let date = confirmation.confirm(clock.now(), since_start.elapsed());
                let _ = moderation.purge(date).await;
            }
            _ = pairings.tick() => {
                match lobby.pair_waiting(clock.now()).await {
                    Ok(0) | Err(_) => {}
                    Ok(pairs) => tracing::info!(pairs, "paired relaxed waiters"),
                }
                match nudge_all(&*lobby, clock.now()).await {
                    Ok(0) | Err(_) => {}
                    Ok(pairs) => tracing::debug!(pairs, "nudged silent chats"),
                }
            }
        }
    }
}
