//! [`ServiceCredit`] and [`DueDeduction`]: accounts whose balance belongs to a credit service.
//!
//! The service knows balances and deductions, but no holds. The ledger therefore gives an account the balance of the
//! service, minus the charges that the service has not deducted, when it places a hold. Between the read of
//! [`ServiceAccount::deducted`] and the hold, which surround the question to the service, a charge is in one place: it is
//! deducted before the question, or it counts as due or as deducted meanwhile. So no answer of the service, however
//! late, makes a charge count twice or not at all.
//!
//! A hold that the service pays for has its payer until its charge is deducted. This is the queue of deductions, so that
//! the settlement of a hold also queues its deduction.

use super::account::LedgerAccount;
use super::ids::HoldId;
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// The credit of an account at a credit service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCredit {
    /// The answer of the service.
    pub balance: MicroCredits,
    /// [`ServiceAccount::deducted`] before the service was asked.
    pub deducted_before: MicroCredits,
    /// The name of the user at the service, which the caller has encrypted.
    pub payer: Vec<u8>,
}

/// The amounts of an account whose balance belongs to a credit service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The sum of the open holds.
    pub held: MicroCredits,
    /// The charges that the service has not deducted.
    pub due: MicroCredits,
    /// The charges that the service has deducted, since the beginning.
    pub deducted: MicroCredits,
}

impl ServiceAccount {
    /// The balance minus what is charged, if the service has answered `balance` after [`Self::deducted`] was
    /// `deducted_before`. At least zero.
    #[must_use]
    pub fn balance(&self, balance: MicroCredits, deducted_before: MicroCredits) -> MicroCredits {
        let meanwhile = self.deducted.minus(deducted_before);
        balance.minus(self.due).minus(meanwhile).max(MicroCredits::ZERO)
    }
}

/// A charge for the credit service to deduct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDeduction {
    /// Makes the deduction idempotent.
    pub hold: HoldId,
    pub account: UserId,
    pub amount: MicroCredits,
    /// See [`ServiceCredit::payer`].
    pub payer: Vec<u8>,
    /// The time of the charge.
    pub since: Timestamp,
}

/// The charges of all accounts that the service has not deducted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueTotals {
    pub count: u64,
    pub amount: MicroCredits,
    /// The time of the oldest charge.
    pub oldest: Option<Timestamp>,
}

impl LedgerAccount {
    /// Sets the balance to that of the credit service, or to what is held if that is more. `due` has the charges that the
    /// service has not deducted. Returns the change, for an entry; `None` if there is none.
    pub(super) fn adopt(
        &mut self,
        credit: &ServiceCredit,
        due: MicroCredits,
    ) -> Option<MicroCredits> {
        let amounts = ServiceAccount { held: self.held, due, deducted: self.deducted };
        let balance = amounts.balance(credit.balance, credit.deducted_before).max(self.held);
        let change = balance.minus(self.balance);
        self.balance = balance;
        self.entries += u64::from(change != MicroCredits::ZERO);
        Some(change).filter(|change| *change != MicroCredits::ZERO)
    }
}
