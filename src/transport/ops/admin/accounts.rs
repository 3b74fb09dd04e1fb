//! [`AccountAdmin`]: the actions of an operator on the credits of the gateway.
//!
//! Each action on an account, and each export, is written to the audit log before it runs, with the code of the account
//! and not with the name of the user.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::account_args::{AccountArgs, AccountName, ChangeCreditsArgs, CreditKindArg};
use crate::gateway::accounts::{
    AccountStatement, CreditError, CreditOrder, GatewayAccounts, InvalidCreditOrder, parse_owner,
};
use crate::gateway::ledger::deduction::DueTotals;
use crate::gateway::ledger::entry::{CreditKind, ENTRY_PAGE_LIMIT, LedgerBalance, LedgerEntry};
use crate::gateway::ledger::export::usage_object;
use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::store::OpenHoldTotals;
use crate::gateway::money::{AmountError, MicroCredits};
use crate::gateway::remote::credit::CreditServiceError;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::principal::{InvalidOwner, Owner};
use crate::kernel::store::StoreError;
use crate::moderation::admin::{AdminError, AdminService, Operator};

/// The actions of an operator on credits.
pub struct AccountAdmin {
    pub admin: AdminService,
    pub accounts: Arc<GatewayAccounts>,
}

/// Why an action on an account failed.
#[derive(Debug, Error)]
pub(super) enum AccountError {
    #[error("name the account with either user or account")]
    Unnamed,
    #[error("an account has 32 hex digits")]
    NoAccount,
    #[error("there is no account with this code: pass the user for the first credit")]
    UnknownAccount,
    #[error("a time is a date such as 2026-11-28, or a time such as 2026-11-28T09:30:00Z")]
    NoTime,
    #[error("from must be before to")]
    NoPeriod,
    #[error("the format is csv or jsonl")]
    NoFormat,
    #[error(transparent)]
    User(#[from] InvalidOwner),
    #[error(transparent)]
    Amount(#[from] AmountError),
    #[error(transparent)]
    Order(#[from] InvalidCreditOrder),
    #[error(transparent)]
    Credit(#[from] CreditError),
    #[error("the accounts can't be reached: try again")]
    Unavailable(#[from] StoreError),
    #[error("the balance can't be read: {0}; try again")]
    Balance(#[from] CreditServiceError),
    #[error(transparent)]
    Audit(#[from] AdminError),
}

/// An account, with its latest entries and requests.
#[derive(Serialize)]
pub(super) struct AccountView {
    /// 32 hex digits.
    account: String,
    balance: MicroCredits,
    held: MicroCredits,
    /// The newest first.
    entries: Vec<EntryView>,
    /// The `before` of the next page of entries.
    next: Option<u64>,
    /// The newest first, with the fields of an export.
    requests: Vec<Value>,
}

#[derive(Serialize)]
struct EntryView {
    number: u64,
    /// In ISO 8601.
    at: String,
    kind: &'static str,
    amount: MicroCredits,
    balance: MicroCredits,
    /// The request that was charged.
    hold: Option<String>,
    reason: Option<String>,
    by: Option<String>,
}

impl From<LedgerEntry> for EntryView {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_iso_8601(),
            kind: entry.kind.name(),
            amount: entry.amount,
            balance: entry.balance,
            hold: entry.hold.map(HoldId::to_hex),
            reason: entry.reason,
            by: entry.operator,
        }
    }
}

/// The amounts of an account after a change.
#[derive(Serialize)]
pub(super) struct ChangedAccount {
    account: String,
    balance: MicroCredits,
    held: MicroCredits,
}

/// The open holds of all accounts.
#[derive(Serialize)]
pub(super) struct OpenHoldsView {
    count: u64,
    amount: MicroCredits,
    /// The time of the oldest one in ISO 8601.
    oldest: Option<String>,
    /// The charges that the credit service has not deducted. Absent without a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    deductions: Option<DeductionsView>,
}

/// The charges that the credit service has not deducted.
#[derive(Serialize)]
struct DeductionsView {
    count: u64,
    amount: MicroCredits,
    /// The time of the oldest one in ISO 8601.
    oldest: Option<String>,
}

impl From<DueTotals> for DeductionsView {
    fn from(due: DueTotals) -> Self {
        let oldest = due.oldest.map(Timestamp::to_iso_8601);
        Self { count: due.count, amount: due.amount, oldest }
    }
}

impl AccountAdmin {
    /// The account with this name.
    pub(super) fn account(&self, name: AccountName<'_>) -> Result<UserId, AccountError> {
        Ok(self.named(name)?.0)
    }

    /// The account with this name, and its user if the name is theirs.
    fn named(&self, name: AccountName<'_>) -> Result<(UserId, Option<Owner>), AccountError> {
        match (name.user, name.account) {
            (Some(user), None) => {
                let owner = parse_owner(user)?;
                Ok((self.accounts.account_of(&owner), Some(owner)))
            }
            (None, Some(hex)) => {
                let account = UserId::from_hex(hex).ok_or(AccountError::NoAccount)?;
                Ok((account, None))
            }
            _ => Err(AccountError::Unnamed),
        }
    }

    pub(super) async fn look_up(
        &self,
        args: &AccountArgs,
        by: &Operator,
    ) -> Result<AccountView, AccountError> {
        let AccountArgs { user, account, before } = args;
        let name = AccountName { user: user.as_deref(), account: account.as_deref() };
        let (account, user) = self.named(name)?;
        self.audit(&format!("looked up account {account}"), by).await?;
        let statement = self.accounts.statement(account, user.as_ref(), *before).await?;
        let AccountStatement { amounts, entries, requests } = statement;
        let last = entries.last().filter(|_| entries.len() == ENTRY_PAGE_LIMIT);
        Ok(AccountView {
            account: account.to_hex(),
            balance: amounts.balance,
            held: amounts.held,
            next: last.map(|entry| entry.number).filter(|number| *number > 1),
            entries: entries.into_iter().map(EntryView::from).collect(),
            requests: requests.iter().map(usage_object).collect(),
        })
    }

    /// Tops an account up, adjusts it, or refunds a charge.
    pub(super) async fn change(
        &self,
        args: ChangeCreditsArgs,
        by: &Operator,
    ) -> Result<ChangedAccount, AccountError> {
        let ChangeCreditsArgs { user, account, amount, kind, reason, key } = args;
        let name = AccountName { user: user.as_deref(), account: account.as_deref() };
        let (account, user) = self.named(name)?;
        let kind = kind.map(|kind| match kind {
            CreditKindArg::TopUp => CreditKind::TopUp,
            CreditKindArg::Adjustment => CreditKind::Adjustment,
            CreditKindArg::Refund => CreditKind::Refund,
        });
        self.accounts.check_changeable()?;
        let order = CreditOrder::new(amount.parse()?, kind, reason, key)?;
        // A mistake in a code would create an account that belongs to no user.
        if user.is_none() && !self.accounts.exists(account).await? {
            return Err(AccountError::UnknownAccount);
        }
        self.audit(&order.action(account), by).await?;
        let LedgerBalance { balance, held } = self.accounts.change(account, &order, &by.0).await?;
        Ok(ChangedAccount { account: account.to_hex(), balance, held })
    }

    /// The open holds of all accounts.
    pub(super) async fn open_holds(&self) -> Result<OpenHoldsView, AccountError> {
        let OpenHoldTotals { count, amount, oldest } = self.accounts.open_holds().await?;
        let deductions = self.accounts.due_deductions().await?.map(DeductionsView::from);
        Ok(OpenHoldsView { count, amount, oldest: oldest.map(Timestamp::to_iso_8601), deductions })
    }

    pub(super) async fn audit(&self, action: &str, by: &Operator) -> Result<(), AdminError> {
        self.admin.audit(action, by, self.accounts.now()).await
    }
}
