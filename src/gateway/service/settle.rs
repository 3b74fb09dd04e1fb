//! [`settle`]: stores the charge of an answer, and then ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::answer::{AnswerEvent, FailedAnswer};
use super::core::GatewayCore;
use super::ended::EndedAnswer;
use super::stored::StoredAnswer;
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::limits::ReservedTokens;
use crate::gateway::ledger::request::{Reservation, SettleOutcome, SettledRequest, Settlement};
use crate::gateway::ledger::usage::{GatewayUsage, UsageStatus};
use crate::gateway::money::MicroCredits;
use crate::kernel::id::UserId;

/// Time after which a client is told that its charge can't be stored. The charge is tried further.
const SETTLE_NOTICE: Duration = Duration::from_secs(20);

/// Pauses between attempts to store a charge.
const SETTLE_PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(5);

/// A hold to settle.
#[derive(Clone, Copy)]
pub(super) struct SettledHold {
    pub account: UserId,
    pub hold: HoldId,
    /// See [`Settlement::reserved_tokens`].
    pub reserved_tokens: Option<ReservedTokens>,
}

/// Stores the charge of an answer, `total` after its start, and returns the end of the answer. `stores_answer` keeps a
/// complete answer for a repeated request.
pub(super) async fn settle(
    core: &Arc<GatewayCore>,
    SettledHold { account, hold, reserved_tokens }: SettledHold,
    ended: EndedAnswer,
    total: Duration,
    stores_answer: bool,
) -> AnswerEvent {
    let charge = ended.charge(&core.catalog);
    core.figures.record_answer(&ended.measured(&charge, total, &core.catalog));
    let is_done = ended.status() == UsageStatus::Done;
    let result = (stores_answer && is_done)
        .then(|| core.seal(account, &StoredAnswer::of(&ended.answer)))
        .flatten();
    let settlement = Settlement {
        hold,
        charge: charge.price,
        usage: ended.usage(&charge, total),
        reserved_tokens,
        result,
        releases_key: !is_done,
        now: core.clock.now(),
    };
    let is_partial = ended.has_content;
    let Some(settled) = store(core, settlement).await else {
        let message = "The charge can't be stored at the moment. It will be stored later";
        let error = GatewayError::new(GatewayErrorCode::LedgerUnavailable, message);
        return AnswerEvent::Failed(Arc::new(FailedAnswer { error, is_partial, bill: None }));
    };
    if let Some(service) = &core.credit_service {
        service.collect_soon();
    }
    let mut bill = ended.bill(&charge, total);
    (bill.charged, bill.balance) = (settled.charged, settled.balance);
    match ended.error() {
        None => AnswerEvent::Done(Arc::new(bill)),
        Some(error) => {
            AnswerEvent::Failed(Arc::new(FailedAnswer { error, is_partial, bill: Some(bill) }))
        }
    }
}

/// Stores a settlement, and repeats it until the ledger answers. `None` if that takes long; another task then goes on.
async fn store(core: &Arc<GatewayCore>, settlement: Settlement) -> Option<SettledRequest> {
    let storing = core.tasks.spawn({
        let core = Arc::clone(core);
        async move {
            let mut pause = *SETTLE_PAUSES.start();
            loop {
                match core.accounts.settle(settlement.clone()).await {
                    Ok(
                        SettleOutcome::Settled(settled) | SettleOutcome::AlreadySettled(settled),
                    ) => {
                        core.figures.record_charge(&settled);
                        return Some(settled);
                    }
                    Ok(SettleOutcome::Unknown) => {
                        let hold = settlement.hold.to_hex();
                        tracing::error!(%hold, "a hold has disappeared");
                        return None;
                    }
                    Err(_) => {
                        sleep(pause).await;
                        pause = (pause * 2).min(*SETTLE_PAUSES.end());
                    }
                }
            }
        }
    });
    timeout(SETTLE_NOTICE, storing).await.ok()?.ok()?
}

/// Releases the hold of a reservation that was not answered, if it exists. This node would renew its lease until it stops.
pub(super) fn release(core: &Arc<GatewayCore>, reservation: &Reservation) {
    let reserved_tokens = reservation.limits.map(|limits| ReservedTokens {
        per_minute: limits.tokens_per_minute,
        reserved: reservation.tokens,
    });
    let settlement = Settlement {
        hold: reservation.hold,
        charge: MicroCredits::ZERO,
        usage: GatewayUsage {
            status: UsageStatus::Failed,
            ..GatewayUsage::recovered(reservation.provider.clone(), 0)
        },
        reserved_tokens,
        result: None,
        releases_key: true,
        now: reservation.now,
    };
    let core_of_task = Arc::clone(core);
    core.tasks.spawn(async move {
        let mut pause = *SETTLE_PAUSES.start();
        while core_of_task.accounts.settle(settlement.clone()).await.is_err() {
            sleep(pause).await;
            pause = (pause * 2).min(*SETTLE_PAUSES.end());
        }
    });
}
