//! [`PenPalService::wait_for_message`]: waits for events of a user.
//!
//! **Invariant:** a wait that ends without an answer takes nothing. The future may be dropped at any
//! moment, so a separate task takes each lease and gives it to a receipt, which returns the items.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::args::MAX_WAIT_SECS;
use super::error::{PenPalError, not_chatting};
use super::output::WaitResult;
use super::service::PenPalService;
use crate::connect::lobby::action::{Action, Call, Outcome};
use crate::connect::lobby::inbox::Lease;
use crate::connect::lobby::lease_receipt;
use crate::connect::moderated::action::{ModeratedOutcome, ModeratedResult};
use crate::kernel::id::UserId;
use crate::kernel::progress::CallProgress;
use crate::kernel::receipt::Receipt;
use crate::kernel::store::StoreError;

/// Interval of progress notifications, and of looking into the inbox without a signal: signals between
/// instances may be lost, and none is sent when a lease expires.
const TICK_INTERVAL: Duration = Duration::from_secs(5);

/// A lease and the receipt that settles it.
type Leased = (Lease, Receipt);

impl PenPalService {
    /// Waits for events for at most `seconds` or [`MAX_WAIT_SECS`], until `cancelled`, or until the server
    /// begins to stop. Without a `room_id`, also waits for a match. Reports progress in seconds.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn wait_for_message(
        &self,
        user: UserId,
        room_id: Option<&str>,
        seconds: f64,
        cancelled: &CancellationToken,
        progress: &CallProgress,
    ) -> Result<(WaitResult, Receipt), PenPalError> {
        if seconds < 0.0 {
            return Err(PenPalError::InvalidTimeout);
        }
        let seconds = seconds.min(MAX_WAIT_SECS);
        let call = match room_id {
            Some(room_id) => Call { include_inbox: true, ..self.room_call(user, room_id)? },
            None => self.call(user),
        };
        // Listens before reading the inbox, so that no event is missed in between.
        let mut listener = self.mailbox().listen(user);
        let (outcome, mut leased) = self.first_look(call).await?;
        let is_refused = matches!(
            outcome,
            ModeratedOutcome::Lobby(Outcome::NotInRoom { .. }) | ModeratedOutcome::RateLimited(_)
        );
        if is_refused && leased.0.items.is_empty() {
            return Err(not_chatting(&outcome));
        }
        let mut deadline = std::pin::pin!(sleep(Duration::from_secs_f64(seconds)));
        let mut ticks = interval(TICK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waited = 0.0;
        if leased.0.items.is_empty() && seconds > 0.0 {
            progress.report(waited, seconds).await;
        }
        // The first tick is immediate.
        ticks.tick().await;
        while leased.0.items.is_empty() {
            // Neither a timeout nor a shutdown is an error; the result is then empty.
            tokio::select! {
                biased;
                () = cancelled.cancelled() => break,
                () = self.shutdown().cancelled() => break,
                _ = listener.recv() => {}
                () = &mut deadline => break,
                _ = ticks.tick() => {
                    waited += TICK_INTERVAL.as_secs_f64();
                    progress.report(waited, seconds).await;
                }
            }
            leased = self.look_again(user).await?;
        }
        if cancelled.is_cancelled() {
            // Dropping the receipt returns the items.
            return Err(PenPalError::Cancelled);
        }
        let (lease, receipt) = leased;
        let events = self.events(lease.language.unwrap_or_default(), &lease.items);
        Ok((WaitResult { events }, receipt))
    }

    /// Returns the status of the user, and leases the inbox.
    async fn first_look(&self, call: Call) -> Result<(ModeratedOutcome, Leased), PenPalError> {
        let (lobby, mailbox) = (Arc::clone(self.lobby()), Arc::clone(self.mailbox()));
        let look = async move {
            let user = call.user;
            let ModeratedResult { outcome, lease } = lobby.perform(call, Action::GetStatus).await?;
            let receipt = lease_receipt(&mailbox, user, &lease);
            Ok::<_, StoreError>((outcome, (lease, receipt)))
        };
        let look = tokio::spawn(look.in_current_span());
        Ok(look.await.map_err(resume_panic)??)
    }

    /// Leases the inbox.
    async fn look_again(&self, user: UserId) -> Result<Leased, PenPalError> {
        let (mailbox, now) = (Arc::clone(self.mailbox()), self.now());
        let look = async move {
            let lease = mailbox.collect(user, now).await?;
            let receipt = lease_receipt(&mailbox, user, &lease);
            Ok::<_, StoreError>((lease, receipt))
        };
        let look = tokio::spawn(look.in_current_span());
        Ok(look.await.map_err(resume_panic)??)
    }
}

/// A look is never aborted, except by the end of the runtime.
fn resume_panic(error: JoinError) -> PenPalError {
    if error.is_panic() {
        std::panic::resume_unwind(error.into_panic());
    }
    PenPalError::Cancelled
}
