//! [`sweep_all`], [`nudge_all`] and [`broadcast_all`]: they repeat a bounded step of the lobby until
//! it is complete.
//!
//! Rules must not live here: a step is a function of `now` in the backend.

use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;

use super::broadcast::{Broadcast, BroadcastProgress};
use super::{Directory, Upkeep};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// Pause between two bounded steps, so that the lock is free most of the time and its holder is
/// rarely preempted. Evicting without a pause delayed calls by 8 ms on a busy machine, which is one
/// scheduler time slice.
const SWEEP_PAUSE: Duration = Duration::from_millis(1);

/// A broadcast stopped before it reached every user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the broadcast was interrupted: {cause}")]
pub struct BroadcastInterrupted {
    /// The sum of the completed steps.
    pub progress: BroadcastProgress,
    pub cause: StoreError,
}

/// Nudges all silent pairs, in steps like those of [`sweep_all`]. Returns the number of pairs.
///
/// # Errors
/// Returns [`StoreError`] if the lobby's store fails. The steps before the failure have taken
/// effect.
pub async fn nudge_all(lobby: &dyn Upkeep, now: Timestamp) -> Result<usize, StoreError> {
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

/// Evicts all idle users and all expired records, in bounded steps with pauses for other calls.
/// `on_eviction` gets the evicted users of each step. Returns their number.
///
/// # Errors
/// Returns [`StoreError`] if the lobby's store fails. The steps before the failure have taken
/// effect.
pub async fn sweep_all(
    lobby: &dyn Upkeep,
    now: Timestamp,
    on_eviction: impl Fn(&[UserId]),
) -> Result<usize, StoreError> {
    let mut evicted = 0;
    loop {
        let step = lobby.sweep(now).await?;
        on_eviction(&step.evicted);
        evicted += step.evicted.len();
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
/// Returns [`BroadcastInterrupted`] if the lobby's store fails. A retry skips the users who have
/// received the broadcast.
pub async fn broadcast_all(
    directory: &dyn Directory,
    broadcast: &Broadcast,
    now: Timestamp,
) -> Result<BroadcastProgress, BroadcastInterrupted> {
    let mut total = BroadcastProgress::default();
    loop {
        let step = directory.broadcast(broadcast, total.cursor, now).await;
        let step = step.map_err(|cause| BroadcastInterrupted { progress: total, cause })?;
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
