//! [`run_reaper`], the loop that owns the intervals of sweeping, pairing and nudging.
//!
//! [`sweep_all`] and [`broadcast_all`] repeat a bounded step of the [`Lobby`] until it is complete.
//! Rules must not live here, as timers must not live in the lobby: a step is a function of `now`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::broadcast::{Broadcast, BroadcastProgress};
use super::{Lobby, LobbyError};
use crate::kernel::clock::{Clock, Timestamp};

/// Interval between searches for waiting users whose constraints have relaxed.
const PAIRING_INTERVAL: Duration = Duration::from_secs(5);

/// Pause between two bounded steps, so that the lock is free most of the time and its holder is
/// rarely preempted. Evicting without a pause delayed calls by 8 ms on a busy machine, which is one
/// scheduler time slice.
const SWEEP_PAUSE: Duration = Duration::from_millis(1);

/// Nudges all silent pairs, in steps like those of [`sweep_all`]. Returns the number of pairs.
async fn nudge_all(lobby: &dyn Lobby, now: Timestamp) -> Result<usize, LobbyError> {
    let mut pairs = 0;
    loop {
        let step = lobby.nudge_silent(now).await?;
        pairs += step.pairs;
        if !step.more {
            return Ok(pairs);
        }
        sleep(SWEEP_PAUSE).await;
    }
}

/// Evicts idle users every `eviction_interval`; pairs relaxed waiters and nudges silent pairs every
/// five seconds. Runs until dropped.
pub async fn run_reaper(lobby: Arc<dyn Lobby>, clock: Arc<dyn Clock>, eviction_interval: Duration) {
    let mut evictions = interval(eviction_interval);
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

/// Evicts all idle users and all expired records, in bounded steps with pauses for other calls.
/// Returns the number of evicted users.
///
/// # Errors
/// Returns [`LobbyError`] if the lobby's store fails. The steps before the failure have taken
/// effect.
pub async fn sweep_all(lobby: &dyn Lobby, now: Timestamp) -> Result<usize, LobbyError> {
    let mut evicted = 0;
    loop {
        let step = lobby.sweep(now).await?;
        evicted += step.evicted;
        if !step.more {
            return Ok(evicted);
        }
        sleep(SWEEP_PAUSE).await;
    }
}

/// Sends a broadcast to all known users, in bounded steps with pauses for other calls. Returns the
/// sum of the steps.
///
/// # Errors
/// Returns the sum of the completed steps if the lobby's store fails. A retry skips the users who
/// have received the broadcast.
pub async fn broadcast_all(
    lobby: &dyn Lobby,
    broadcast: &Broadcast,
    now: Timestamp,
) -> Result<BroadcastProgress, BroadcastProgress> {
    let mut total = BroadcastProgress::default();
    loop {
        let step = lobby.broadcast(broadcast, total.cursor, now).await.map_err(|_| total)?;
        total = BroadcastProgress {
            delivered: total.delivered + step.delivered,
            already_delivered: total.already_delivered + step.already_delivered,
            inbox_full: total.inbox_full + step.inbox_full,
            cursor: step.cursor,
        };
        if step.cursor.is_none() {
            return Ok(total);
        }
        sleep(SWEEP_PAUSE).await;
    }
}
