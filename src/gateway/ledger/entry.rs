//! [`LedgerEntry`]: a change of a balance, and [`CreditChange`], which an operator orders.

use super::account::{ChangeRefusal, LedgerAccount};
use super::ids::{HoldId, RequestKey};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// Maximum number of entries of a page.
pub const ENTRY_PAGE_LIMIT: usize = 100;

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The credit of a new account.
    Start,
    /// A user has paid.
    TopUp,
    /// An operator corrects a balance.
    Adjustment,
    /// An operator returns a charge.
    Refund,
    /// The charge of a request.
    Charge,
    /// The balance of a credit service has changed.
    Service,
}

/// All kinds of entries.
pub const ENTRY_KINDS: [EntryKind; 6] = [
    EntryKind::Start,
    EntryKind::TopUp,
    EntryKind::Adjustment,
    EntryKind::Refund,
    EntryKind::Charge,
    EntryKind::Service,
];

impl EntryKind {
    /// The name in tables and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::TopUp => "top_up",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
            Self::Charge => "charge",
            Self::Service => "service",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ENTRY_KINDS.into_iter().find(|kind| kind.name() == name)
    }

    /// The account of the operator that has the other side of the entry.
    #[must_use]
    pub const fn contra(self) -> ContraAccount {
        match self {
            Self::Start => ContraAccount::Grants,
            Self::TopUp => ContraAccount::Payments,
            Self::Adjustment => ContraAccount::Adjustments,
            Self::Refund | Self::Charge => ContraAccount::Revenue,
            Self::Service => ContraAccount::Service,
        }
    }
}

/// An account of the operator. Its balance is the negative sum of the entries that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContraAccount {
    Revenue,
    Payments,
    Grants,
    Adjustments,
    Service,
}

/// All accounts of the operator.
pub const CONTRA_ACCOUNTS: [ContraAccount; 5] = [
    ContraAccount::Revenue,
    ContraAccount::Payments,
    ContraAccount::Grants,
    ContraAccount::Adjustments,
    ContraAccount::Service,
];

impl ContraAccount {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revenue => "revenue",
            Self::Payments => "payments",
            Self::Grants => "grants",
            Self::Adjustments => "adjustments",
            Self::Service => "service",
        }
    }
}

/// A change of a user's balance. The same amount with the other sign is in the [contra account](EntryKind::contra).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// 1 for the first entry of the account, without gaps.
    pub number: u64,
    pub amount: MicroCredits,
    /// The balance after the entry.
    pub balance: MicroCredits,
    pub kind: EntryKind,
    /// The request that is charged.
    pub hold: Option<HoldId>,
    /// The text of the operator.
    pub reason: Option<String>,
    /// The operator, as the audit log names them.
    pub operator: Option<String>,
    pub at: Timestamp,
}

/// The kind of a change that an operator orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreditKind {
    TopUp,
    Adjustment,
    Refund,
}

impl From<CreditKind> for EntryKind {
    fn from(kind: CreditKind) -> Self {
        match kind {
            CreditKind::TopUp => Self::TopUp,
            CreditKind::Adjustment => Self::Adjustment,
            CreditKind::Refund => Self::Refund,
        }
    }
}

/// A change of a user's credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditChange {
    pub account: UserId,
    /// Negative to take credit away.
    pub amount: MicroCredits,
    pub kind: CreditKind,
    pub reason: Option<String>,
    /// The operator, as the audit log names them. No name of a person.
    pub operator: Option<String>,
    /// Makes the change idempotent within the account, for as long as its entry exists.
    pub key: RequestKey,
    /// The credit of an account that does not exist yet.
    pub start_credits: MicroCredits,
    pub now: Timestamp,
}

impl CreditChange {
    /// Returns `true` if the entry with the same key is that of this change.
    #[must_use]
    pub(super) fn has_made(&self, amount: MicroCredits, kind: EntryKind) -> bool {
        amount == self.amount && kind == self.kind.into()
    }
}

/// The answer to a [`CreditChange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditOutcome {
    /// The change is made, by this call or by an earlier one with the same key. The amounts are those of now.
    Changed { balance: MicroCredits, held: MicroCredits },
    /// The balance would be less than what is held.
    BelowHeld { balance: MicroCredits, held: MicroCredits },
    /// The balance would exceed [`MicroCredits::MAX`].
    TooLarge { balance: MicroCredits },
    /// The key belongs to another change of the account.
    KeyReused,
}

impl ChangeRefusal {
    /// The answer of an account that refuses a change.
    pub(super) const fn outcome(self, account: LedgerAccount) -> CreditOutcome {
        let LedgerAccount { balance, held, .. } = account;
        match self {
            Self::BelowHeld => CreditOutcome::BelowHeld { balance, held },
            Self::TooLarge => CreditOutcome::TooLarge { balance },
        }
    }
}

/// The amounts of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerBalance {
    pub balance: MicroCredits,
    pub held: MicroCredits,
}
