//! [`CreditService::run`]: has the charges deducted that are due, until the service has confirmed each.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval};

use super::client::TIME_LIMIT;
use super::credit::CreditService;
use crate::gateway::ledger::deduction::DueDeduction;
use crate::kernel::clock::{Clock, Timestamp};

/// Interval of looking for charges that other instances or earlier processes have left.
const COLLECT_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of deductions at a time.
const CONCURRENT: usize = 8;

/// Time until another instance may take a deduction: an attempt, and its confirmation in the database.
const TAKEN_TIME: Duration = Duration::from_secs(2 * TIME_LIMIT.as_secs());

/// Bounds of the pause after a failed deduction, which is as long as its charge is old.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

impl CreditService {
    /// Has charges deducted as they become due. Never ends.
    pub async fn run(self: Arc<Self>, clock: Arc<dyn Clock>) {
        let mut ticks = interval(COLLECT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.charged.notified() => {}
            }
            while self.collect_some(clock.as_ref()).await {}
        }
    }

    /// Has some charges deducted. Returns `true` if more may be due, and the service answers.
    async fn collect_some(&self, clock: &dyn Clock) -> bool {
        let now = clock.now();
        let taken = self.accounts.take_deductions(now, now + TAKEN_TIME, CONCURRENT).await;
        let Ok(taken) = taken else { return false };
        let collected = join_all(taken.iter().map(|due| self.collect(due, now))).await;
        collected.len() == CONCURRENT && collected.into_iter().all(|is_collected| is_collected)
    }

    async fn collect(&self, due: &DueDeduction, now: Timestamp) -> bool {
        if self.deduct(due).await.is_err() {
            let pause = now.since(due.since).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            // After a failure here, the deduction is taken again when its time is over.
            let _ = self.accounts.postpone_deduction(due.hold, now + pause).await;
            return false;
        }
        // A confirmation that is not stored is repeated with the next attempt, which deducts nothing more.
        self.accounts.confirm_deduction(due.hold).await.is_ok()
    }
}
