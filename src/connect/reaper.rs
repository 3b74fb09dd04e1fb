//! [`run_reaper`], the loop that owns the intervals of sweeping, pairing, nudging and purging.
//!
//! Rules must not live here, as timers must not live in the stores: a step is a function of `now`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::lobby::Upkeep;
use super::lobby::steps::{nudge_all, sweep_all};
use crate::kernel::clock::{Clock, ConfirmedDate, DateConfirmation, Stopwatch, Timestamp};
use crate::kernel::id::UserId;
use crate::moderation::service::ModerationService;

/// Interval between searches for waiting users whose constraints have relaxed.
const PAIRING_INTERVAL: Duration = Duration::from_secs(5);

/// Interval of the correction of dates, which reads all of them. A wrong clock may be corrected
/// between two steps of the reaper, so that one correction is not enough.
const CORRECTION_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Purges and corrects moderation data by dates that a wrong clock does not change.
pub struct Purger {
    moderation: Arc<ModerationService>,
    confirmation: DateConfirmation,
    /// When dates were corrected; `None` if the date was uncertain since then.
    corrected_at: Option<Duration>,
}

impl Purger {
    #[must_use]
    pub fn new(moderation: Arc<ModerationService>) -> Self {
        Self { moderation, confirmation: DateConfirmation::default(), corrected_at: None }
    }

    /// Runs one step at `elapsed`, a time since any fixed moment, when the clock shows `now`. The
    /// store logs its failures; the next step repeats what failed.
    pub async fn run(&mut self, now: Timestamp, elapsed: Duration) {
        let ConfirmedDate { date, is_certain } = self.confirmation.confirm(now, elapsed);
        let is_due = |at: Duration| elapsed.saturating_sub(at) >= CORRECTION_INTERVAL;
        if !is_certain {
            self.corrected_at = None;
        } else if self.corrected_at.is_none_or(is_due) {
            let is_corrected = self.moderation.correct_dates(date).await.is_ok();
            self.corrected_at = is_corrected.then_some(elapsed);
        }
        let _ = self.moderation.purge(date).await;
    }
}

/// Evicts idle users and purges expired moderation data every `eviction_interval`; pairs relaxed
/// waiters, ends what departed users have left and nudges silent pairs every five seconds. Runs until dropped.
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
    let (since_start, mut purger) = (Stopwatch::start(), Purger::new(moderation));
    // Each store logs its own failures.
    loop {
        tokio::select! {
            _ = evictions.tick() => {
                let on_eviction = |users: &[UserId]| purger.moderation.on_eviction(users);
                match sweep_all(&*lobby, clock.now(), on_eviction).await {
                    Ok(0) | Err(_) => {}
                    Ok(evicted) => tracing::info!(evicted, "evicted idle users"),
                }
                purger.run(clock.now(), since_start.elapsed()).await;
            }
            _ = pairings.tick() => {
                match lobby.pair_waiting(clock.now()).await {
                    Ok(0) | Err(_) => {}
                    Ok(pairs) => tracing::info!(pairs, "paired relaxed waiters"),
                }
                match lobby.end_departed(clock.now()).await {
                    Ok(0) | Err(_) => {}
                    Ok(users) => tracing::info!(users, "ended searches and chats of departed users"),
                }
                match nudge_all(&*lobby, clock.now()).await {
                    Ok(0) | Err(_) => {}
                    Ok(pairs) => tracing::debug!(pairs, "nudged silent chats"),
                }
            }
        }
    }
}
