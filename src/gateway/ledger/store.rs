//! [`GatewayLedger`]: the trait of a backend that stores the accounts. Rules do not belong here: see
//! [`request`](super::request) and [`account`](super::account).

use std::time::Duration;

use async_trait::async_trait;

use super::deduction::{DueDeduction, DueTotals, ServiceAccount};
use super::entry::{ContraAccount, CreditChange, CreditOutcome, LedgerBalance, LedgerEntry};
use super::ids::{HoldId, NodeId};
use super::request::{RecoveredHold, Reservation, ReserveOutcome, SettleOutcome, Settlement};
use super::usage::{UsageFilter, UsagePage, UsagePosition};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// Maximum number of requests, and of results, that one purge deletes.
pub const PURGE_LIMIT: usize = 1_000;

/// A storage backend for the accounts of the gateway.
///
/// Every method is one atomic step, except [`recover`](Self::recover), [`purge`](Self::purge) and
/// [`checkpoint`](Self::checkpoint), which are one step per hold. Operations on one account take effect one after the
/// other, also from several instances. A method that refuses changes nothing, and a refused operation creates no
/// account.
///
/// After [`StoreError`] it is unknown whether the operation took effect. Every method can be repeated with the same
/// arguments: it then takes effect once, and returns the same answer with the amounts of the account at that moment.
/// A settlement that is repeated returns [`SettleOutcome::AlreadySettled`].
#[async_trait]
pub trait GatewayLedger: Send + Sync {
    /// Places a hold on an account, which it creates if necessary. The hold is the amount that is asked for, or what
    /// is free if that is at least `least`, and counts against the limits of the account. The key belongs to the request until [`KEY_TTL`](super::request::KEY_TTL)
    /// after its settlement.
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, StoreError>;

    /// Ends a hold, charges at most it and what is free, and stores the usage. Corrects the use of the limit on tokens.
    async fn settle(&self, settlement: Settlement) -> Result<SettleOutcome, StoreError>;

    /// Sets the amounts that open holds are charged if their node ends without settling them; zero at first. Ignores
    /// holds that are not open.
    async fn checkpoint(&self, charges: Vec<(HoldId, MicroCredits)>) -> Result<(), StoreError>;

    /// Extends the lease of all holds of a node. A lease never becomes shorter.
    async fn renew(&self, node: NodeId, lease_until: Timestamp) -> Result<(), StoreError>;

    /// Settles open holds whose lease and that of their node have ended at `now`, at most `limit`, with the charge of
    /// their checkpoint. A key whose request is charged nothing is released. Reserved tokens count as used. A hold that another instance is changing
    /// is left out.
    async fn recover(&self, now: Timestamp, limit: usize)
    -> Result<Vec<RecoveredHold>, StoreError>;

    /// Changes the credit of an account, which it creates if necessary.
    async fn credit(&self, change: CreditChange) -> Result<CreditOutcome, StoreError>;

    /// The amounts of an account. One that does not exist has `start_credits`, and is not created.
    async fn balance(
        &self,
        account: UserId,
        start_credits: MicroCredits,
    ) -> Result<LedgerBalance, StoreError>;

    /// Entries of an account, the newest first, with numbers below `before`. At most
    /// [`ENTRY_PAGE_LIMIT`](super::entry::ENTRY_PAGE_LIMIT).
    async fn entries(
        &self,
        account: UserId,
        before: Option<u64>,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Requests that have ended, after the position `after` in the order of the filter. A page has at most `limit`
    /// rows, and at most [`USAGE_PAGE_LIMIT`](super::usage::USAGE_PAGE_LIMIT). Requests that are settled while pages
    /// are read may be left out, so an export ends some seconds before now.
    async fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Result<UsagePage, StoreError>;

    /// The amounts of an account whose balance belongs to a credit service.
    async fn service_account(&self, account: UserId) -> Result<ServiceAccount, StoreError>;

    /// Takes charges of settled holds that have a payer, at most `limit`, those first that wait longest. No other call takes
    /// them before `until`, unless [`postpone_deduction`](Self::postpone_deduction) changes the time. Holds without a charge are
    /// among them.
    async fn take_deductions(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDeduction>, StoreError>;

    /// Ends a deduction, which the service has confirmed. Returns `false` if nothing was to be deducted.
    async fn confirm_deduction(&self, hold: HoldId) -> Result<bool, StoreError>;

    /// Sets the time before which a deduction is not taken.
    async fn postpone_deduction(&self, hold: HoldId, until: Timestamp) -> Result<(), StoreError>;

    /// The charges of all accounts that a credit service has not deducted.
    async fn due_deductions(&self) -> Result<DueTotals, StoreError>;

    /// The open holds of all accounts.
    async fn open_holds(&self) -> Result<OpenHoldTotals, StoreError>;

    /// Compares all amounts with each other. Reads every account and every entry.
    async fn audit(&self) -> Result<LedgerAudit, StoreError>;

    /// Deletes results [`KEY_TTL`](super::request::KEY_TTL) after the settlement, and requests `retention` after it,
    /// which is at least as long. Entries stay, and so do requests whose charge is to be deducted. Returns `true` if more may have to be deleted, because one call is
    /// limited to [`PURGE_LIMIT`] of each.
    async fn purge(&self, now: Timestamp, retention: Duration) -> Result<bool, StoreError>;
}

/// The open holds of all accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenHoldTotals {
    pub count: u64,
    pub amount: MicroCredits,
    /// The time of the oldest reservation.
    pub oldest: Option<Timestamp>,
}

/// Sums of all amounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAudit {
    pub accounts: u64,
    pub balances: MicroCredits,
    pub held: MicroCredits,
    /// The accounts of the operator that have entries, with their balances.
    pub contra: Vec<(ContraAccount, MicroCredits)>,
    /// Number of accounts whose entries have another sum than the balance, or whose open holds have another sum or
    /// number than the account has.
    pub wrong_accounts: u64,
    /// Number of holds with more than one charge.
    pub repeated_charges: u64,
}

impl LedgerAudit {
    /// Returns `true` if all amounts agree, and the sum of all accounts is zero.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let sum = self.contra.iter().fold(self.balances, |sum, (_, balance)| sum.plus(*balance));
        sum == MicroCredits::ZERO && self.wrong_accounts == 0 && self.repeated_charges == 0
    }
}
