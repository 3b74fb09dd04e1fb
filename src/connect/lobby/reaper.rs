//! The loop that owns the intervals: it calls the sweeps, which know nothing of timers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::broadcast::{Broadcast, BroadcastProgress};
use super::{Lobby, LobbyError};
use crate::kernel::clock::{Clock, Timestamp};

/// How often waiters whose constraints have relaxed are looked for.
const PAIRING_INTERVAL: Duration = Duration::from_secs(5);

/// Between two steps of an eviction. Most of the time the lock is then free, and whoever holds it
/// is hardly ever interrupted with it: evicting without a pause made calls wait for 8 ms on a busy
/// machine, which is a turn of the scheduler.
const SWEEP_PAUSE: Duration = Duration::from_millis(1);

/// Nudges all pairs that are silent for too long, in small steps like [`sweep_all`]'s.
async fn nudge_all(lobby: &dyn Lobby, now: Timestamp) -> Result<usize, LobbyError> {
    let mut pairs = 0;
    loop {
        let nudged = lobby.nudge_silent(now).await?;
        pairs += nudged.pairs;
        if !nudged.more {
            return Ok(pairs);
        }
        sleep(SWEEP_PAUSE).await;
    }
}

/// Evicts idle people every `interval_between`, pairs relaxed waiters and nudges silent pairs every few seconds, until
/// dropped.
pub async fn run_reaper(lobby: Arc<dyn Lobby>, clock: Arc<dyn Clock>, interval_between: Duration) {
    let mut evictions = interval(interval_between);
    let mut pairings = interval(PAIRING_INTERVAL);
    evictions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pairings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = evictions.tick() => match sweep_all(&*lobby, clock.now()).await {
                Ok(0) => {}
                Ok(evicted) => tracing::info!(evicted, "evicted idle users"),
                Err(error) => tracing::warn!(%error, "eviction failed"),
            },
            _ = pairings.tick() => {
                match lobby.pair_waiting(clock.now()).await {
                    Ok(0) => {}
                    Ok(pairs) => tracing::info!(pairs, "paired relaxed waiters"),
                    Err(error) => tracing::warn!(%error, "pairing failed"),
                }
                match nudge_all(&*lobby, clock.now()).await {
                    Ok(0) => {}
                    Ok(pairs) => tracing::debug!(pairs, "nudged silent chats"),
                    Err(error) => tracing::warn!(%error, "nudging failed"),
                }
            }
        }
    }
}

/// Forgets all who are idle, and what is too old to be repeated, in small steps with pauses for the
/// calls in between. Returns how many people were evicted.
pub async fn sweep_all(lobby: &dyn Lobby, now: Timestamp) -> Result<usize, LobbyError> {
    let mut evicted = 0;
    loop {
        let swept = lobby.sweep(now).await?;
        evicted += swept.evicted;
        if !swept.more {
            return Ok(evicted);
        }
        sleep(SWEEP_PAUSE).await;
    }
}

/// Tells everybody who is known, in small steps with pauses, and returns what came of it.
///
/// # Errors
/// When the store fails: what came of it until then. Whoever was told by then is not told again.
pub async fn broadcast_all(
    lobby: &dyn Lobby,
    announcement: &Broadcast,
    now: Timestamp,
) -> Result<BroadcastProgress, BroadcastProgress> {
    let mut all = BroadcastProgress::default();
    loop {
        let step = lobby.broadcast(announcement, all.cursor, now).await.map_err(|_| all)?;
        all = BroadcastProgress {
            delivered: all.delivered + step.delivered,
            already_delivered: all.already_delivered + step.already_delivered,
            inbox_full: all.inbox_full + step.inbox_full,
            cursor: step.cursor,
        };
        if step.cursor.is_none() {
            return Ok(all);
        }
        sleep(SWEEP_PAUSE).await;
    }
}
