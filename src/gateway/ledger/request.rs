//! The life of a request: [`Reservation`], then [`Settlement`] or recovery. [`decide`] has the rules.

use std::time::Duration;

use super::account::LedgerAccount;
use super::deduction::ServiceCredit;
use super::ids::{HoldId, NodeId, RequestKey};
use super::limits::{
    AccountLimitStates, AccountLimits, LimitClaim, RefusedByLimit, ReservedTokens,
};
use super::usage::{GatewayUsage, GatewayUsageRow, UsageStatus};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// Time after the settlement until a request loses its key and its result.
pub const KEY_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks for a hold on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// A new id. A retry of the same call has the same one.
    pub hold: HoldId,
    pub account: UserId,
    pub key: RequestKey,
    /// Distinguishes a repeated request from another one with the same key.
    pub body_hash: [u8; 32],
    /// The amount to hold, if the account has it.
    pub ask: MicroCredits,
    /// The smallest amount that is of use. At most `ask`.
    pub least: MicroCredits,
    /// The credit of an account that does not exist yet.
    pub start_credits: MicroCredits,
    /// The balance that replaces that of the account. `None` without a credit service.
    pub service: Option<ServiceCredit>,
    /// `None` to count and limit nothing but the credit.
    pub limits: Option<AccountLimits>,
    /// Maximum number of tokens of the request, input and output. More than the limit of a minute take the whole
    /// limit.
    pub tokens: u64,
    /// The provider that is tried first.
    pub provider: String,
    /// The model that is asked for.
    pub model: String,
    pub node: NodeId,
    /// The end of the hold's lease, unless that of the node ends later.
    pub lease_until: Timestamp,
    pub now: Timestamp,
}

impl Reservation {
    pub(super) fn claim(&self) -> LimitClaim {
        LimitClaim::of(self.limits, self.tokens, self.now)
    }
}

/// The answer to a [`Reservation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The hold is open. The amounts of the account contain it.
    Reserved {
        amount: MicroCredits,
        balance: MicroCredits,
        held: MicroCredits,
        /// `None` without limits.
        limits: Option<AccountLimitStates>,
    },
    /// The account has less than the smallest amount free.
    Insufficient { needed: MicroCredits, available: MicroCredits },
    /// The account has used up a limit. The request was not counted.
    Limited(RefusedByLimit),
    /// The same request runs with this hold.
    InProgress { hold: HoldId },
    /// The same request has ended less than [`KEY_TTL`] ago.
    Answered(Box<AnsweredRequest>),
    /// The key belongs to a request with another body.
    KeyReused,
}

/// A request that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredRequest {
    pub usage: GatewayUsageRow,
    /// The result, as the settlement gave it.
    pub result: Option<Vec<u8>>,
}

/// Ends a hold with a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub hold: HoldId,
    /// The price of the request.
    pub charge: MicroCredits,
    pub usage: GatewayUsage,
    /// The tokens that the reservation has taken of the limit, which the usage corrects. `None` without limits.
    pub reserved_tokens: Option<ReservedTokens>,
    /// The answer for a repeated request, which the caller has encrypted.
    pub result: Option<Vec<u8>>,
    /// Whether the same request runs again if it is repeated. Ignored if the request is charged.
    pub releases_key: bool,
    pub now: Timestamp,
}

impl Settlement {
    /// See [`ReservedTokens::correction`]. Zero without limits.
    pub(super) fn tokens_correction(&self) -> i64 {
        let used = self.usage.tokens.total();
        self.reserved_tokens.map_or(0, |reserved| reserved.correction(used))
    }
}

/// The answer to a [`Settlement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleOutcome {
    Settled(SettledRequest),
    /// An earlier call, or the recovery, has settled it. The charge is that one.
    AlreadySettled(SettledRequest),
    /// The hold does not exist, or its record is deleted.
    Unknown,
}

/// The charge of a request, with the amounts of the account now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledRequest {
    pub status: UsageStatus,
    pub charged: MicroCredits,
    /// The part of the price that neither the hold nor the free balance covered.
    pub uncollected: MicroCredits,
    pub balance: MicroCredits,
    pub held: MicroCredits,
}

/// A hold that was settled because its lease had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveredHold {
    pub hold: HoldId,
    pub account: UserId,
    pub settled: SettledRequest,
}

/// The request that has the key of a reservation.
#[derive(Clone, Debug)]
pub(super) struct KeyOwner {
    pub hold: HoldId,
    pub body_hash: [u8; 32],
    pub amount: MicroCredits,
    /// `None` while the hold is open.
    pub answered: Option<AnsweredRequest>,
}

/// The decision about a reservation.
#[derive(Debug)]
pub(super) enum ReserveDecision {
    /// The answer, without a change.
    Answer(ReserveOutcome),
    Place(PlacedHold),
}

/// The changes that place a hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedHold {
    pub amount: MicroCredits,
    /// The account with the hold.
    pub account: LedgerAccount,
    /// Whether the account is new.
    pub opened: bool,
    /// The request that loses the key, because it is too old.
    pub loses_key: Option<HoldId>,
    /// The change of the balance by [`LedgerAccount::adopt`].
    pub adopted: Option<MicroCredits>,
}

impl PlacedHold {
    pub fn outcome(&self, reservation: &Reservation) -> ReserveOutcome {
        reserved(reservation, self.amount, &self.account)
    }
}

/// The outcome of a hold of `amount` in its account.
fn reserved(
    reservation: &Reservation,
    amount: MicroCredits,
    account: &LedgerAccount,
) -> ReserveOutcome {
    let LedgerAccount { balance, held, used, .. } = account;
    let limits = reservation.limits.map(|limits| limits.states(used, reservation.now));
    ReserveOutcome::Reserved { amount, balance: *balance, held: *held, limits }
}

/// Decides about a reservation in the present state of its account and its key. `due` has the charges that a credit
/// service has not deducted.
pub(super) fn decide(
    reservation: &Reservation,
    account: Option<LedgerAccount>,
    owner: Option<KeyOwner>,
    due: MicroCredits,
) -> ReserveDecision {
    let opened = account.is_none();
    let mut account = account.unwrap_or_else(|| LedgerAccount::opened(reservation.start_credits));
    let mut loses_key = None;
    if let Some(owner) = owner {
        let is_over = |answered: &AnsweredRequest| reservation.now >= answered.usage.at + KEY_TTL;
        if owner.answered.as_ref().is_some_and(is_over) {
            loses_key = Some(owner.hold);
        } else {
            return ReserveDecision::Answer(answer(reservation, account, owner));
        }
    }
    let adopted = reservation.service.as_ref().and_then(|credit| account.adopt(credit, due));
    let Some(amount) = account.hold(reservation.ask, reservation.least) else {
        return ReserveDecision::Answer(ReserveOutcome::Insufficient {
            needed: reservation.least,
            available: account.free(),
        });
    };
    match reservation.claim().admit(&mut account.used) {
        Ok(()) => {
            ReserveDecision::Place(PlacedHold { amount, account, opened, loses_key, adopted })
        }
        Err((kind, retry_after)) => {
            let limits = reservation.limits;
            let states = limits.map(|limits| limits.states(&account.used, reservation.now));
            let refused = RefusedByLimit { kind, retry_after, states };
            ReserveDecision::Answer(ReserveOutcome::Limited(refused))
        }
    }
}

/// The answer to a reservation whose key has an owner.
fn answer(reservation: &Reservation, account: LedgerAccount, owner: KeyOwner) -> ReserveOutcome {
    if owner.body_hash != reservation.body_hash {
        return ReserveOutcome::KeyReused;
    }
    if let Some(answered) = owner.answered {
        return ReserveOutcome::Answered(Box::new(answered));
    }
    if owner.hold != reservation.hold {
        return ReserveOutcome::InProgress { hold: owner.hold };
    }
    // A retry of a call whose answer was lost.
    reserved(reservation, owner.amount, &account)
}
