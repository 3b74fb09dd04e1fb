//! [`GatewayAccounts`]: the accounts of the gateway, as an operator sees and changes them.
//!
//! The caller writes each action to the audit log before it runs.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use thiserror::Error;

use super::ledger::deduction::DueTotals;
use super::ledger::entry::{CreditChange, CreditKind, CreditOutcome, LedgerBalance, LedgerEntry};
use super::ledger::ids::RequestKey;
use super::ledger::store::{GatewayLedger, OpenHoldTotals};
use super::ledger::usage::{GatewayUsageRow, UsageFilter, UsageOrder, UsagePage, UsagePosition};
use super::money::MicroCredits;
use super::remote::credit::{CreditService, CreditServiceError};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdHasher, Realm, UserId, random_hex};
use crate::kernel::principal::{InvalidOwner, Owner};
use crate::kernel::store::StoreError;

/// Maximum length of a reason, in characters.
const MAX_REASON_CHARS: usize = 300;

/// Maximum length of an idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 200;

/// Number of requests in a statement.
const STATEMENT_REQUESTS: usize = 20;

/// A change of credit that an operator orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditOrder {
    amount: MicroCredits,
    kind: CreditKind,
    reason: Option<String>,
    key: Option<String>,
}

/// A change of credit can't be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidCreditOrder {
    #[error("an amount of zero changes nothing")]
    Zero,
    #[error("a top-up and a refund add credit: order an adjustment to take credit away")]
    Negative,
    #[error("a reason has 1 to {MAX_REASON_CHARS} characters and no control characters")]
    Reason,
    #[error("a key has 1 to {MAX_KEY_BYTES} bytes")]
    Key,
}

impl CreditOrder {
    /// An order to change an account by `amount`, negative to take credit away. Without a kind, it is a top-up, or an
    /// adjustment if it takes credit away. With a key, it is executed once.
    ///
    /// # Errors
    /// Returns [`InvalidCreditOrder`] for the first part that can't be used.
    pub fn new(
        amount: MicroCredits,
        kind: Option<CreditKind>,
        reason: Option<String>,
        key: Option<String>,
    ) -> Result<Self, InvalidCreditOrder> {
        let default = if amount.is_negative() { CreditKind::Adjustment } else { CreditKind::TopUp };
        let kind = kind.unwrap_or(default);
        if amount == MicroCredits::ZERO {
            return Err(InvalidCreditOrder::Zero);
        }
        if amount.is_negative() && kind != CreditKind::Adjustment {
            return Err(InvalidCreditOrder::Negative);
        }
        let is_text = |reason: &String| {
            !reason.trim().is_empty()
                && reason.chars().count() <= MAX_REASON_CHARS
                && !reason.chars().any(char::is_control)
        };
        if !reason.as_ref().is_none_or(is_text) {
            return Err(InvalidCreditOrder::Reason);
        }
        if !key.as_ref().is_none_or(|key| (1..=MAX_KEY_BYTES).contains(&key.len())) {
            return Err(InvalidCreditOrder::Key);
        }
        Ok(Self { amount, kind, reason, key })
    }

    /// The order in the words of the audit log, without its reason.
    #[must_use]
    pub fn action(&self, account: UserId) -> String {
        let kind = match self.kind {
            CreditKind::TopUp => "topped up",
            CreditKind::Adjustment => "adjusted",
            CreditKind::Refund => "refunded",
        };
        format!("{kind} account {account} by {} credits", self.amount)
    }
}

/// Why an order was not executed. The account is unchanged, unless the accounts are unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreditError {
    #[error("the account has {0} credits that no request holds: no more can be taken away")]
    BelowHeld(MicroCredits),
    #[error("the balance would exceed a billion credits")]
    TooLarge,
    #[error("the key belongs to another change of this account")]
    KeyReused,
    #[error("the balances belong to the service of CREDIT_SERVICE_URL: change them there")]
    Elsewhere,
    #[error(
        "the accounts can't be reached, and the change may have been made: try again with the same key"
    )]
    Unavailable(#[from] StoreError),
}

/// An account with its latest entries and requests, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatement {
    pub amounts: LedgerBalance,
    pub entries: Vec<LedgerEntry>,
    pub requests: Vec<GatewayUsageRow>,
}

/// The accounts of all users.
pub struct GatewayAccounts {
    accounts: Arc<dyn GatewayLedger>,
    /// `None` if the ledger has the balances.
    service: Option<Arc<CreditService>>,
    /// The credit of a new account.
    start_credits: MicroCredits,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    rng: Mutex<StdRng>,
}

impl GatewayAccounts {
    /// Creates the service. `start_credits` is the credit of a new account, and `service` has the balances, if there is one.
    #[must_use]
    pub fn new(
        accounts: Arc<dyn GatewayLedger>,
        service: Option<Arc<CreditService>>,
        start_credits: MicroCredits,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
        rng: StdRng,
    ) -> Self {
        Self { accounts, service, start_credits, clock, ids, rng: Mutex::new(rng) }
    }

    /// The account of an owner, as [`GatewayCaller::of`](super::service::request::GatewayCaller::of) has it.
    #[must_use]
    pub fn account_of(&self, owner: &Owner) -> UserId {
        self.ids.user_id(Realm::Owner, owner.as_str())
    }

    /// Checks that orders can be executed here.
    ///
    /// # Errors
    /// Returns [`CreditError::Elsewhere`] if a credit service has the balances.
    pub fn check_changeable(&self) -> Result<(), CreditError> {
        if self.service.is_some() { Err(CreditError::Elsewhere) } else { Ok(()) }
    }

    /// Executes an order. `operator` is the name in the audit log. Returns the amounts after it.
    ///
    /// # Errors
    /// Returns [`CreditError`].
    pub async fn change(
        &self,
        account: UserId,
        order: &CreditOrder,
        operator: &str,
    ) -> Result<LedgerBalance, CreditError> {
        self.check_changeable()?;
        let key = match &order.key {
            Some(key) => RequestKey::of(key),
            None => RequestKey::of(&random_hex(&mut *self.rng.lock())),
        };
        let change = CreditChange {
            account,
            amount: order.amount,
            kind: order.kind,
            reason: order.reason.clone(),
            operator: Some(operator.to_owned()),
            key,
            start_credits: self.start_credits,
            now: self.clock.now(),
        };
        match self.accounts.credit(change).await? {
            CreditOutcome::Changed { balance, held } => Ok(LedgerBalance { balance, held }),
            CreditOutcome::BelowHeld { balance, held } => {
                Err(CreditError::BelowHeld(balance.minus(held)))
            }
            CreditOutcome::TooLarge { .. } => Err(CreditError::TooLarge),
            CreditOutcome::KeyReused => Err(CreditError::KeyReused),
        }
    }

    /// An account with its entries before number `before`, and its last requests. A credit service is asked for the
    /// balance of `user`; without the name, the balance is that of the last entry.
    ///
    /// # Errors
    /// Returns [`CreditServiceError`] if the accounts or the credit service are unavailable.
    pub async fn statement(
        &self,
        account: UserId,
        user: Option<&Owner>,
        before: Option<u64>,
    ) -> Result<AccountStatement, CreditServiceError> {
        let amounts = match self.service.as_ref().zip(user) {
            Some((service, user)) => service.balance(account, user).await?,
            None => self.accounts.balance(account, self.start_credits).await?,
        };
        let entries = self.accounts.entries(account, before).await?;
        let order = UsageOrder::NewestFirst;
        let filter = UsageFilter { account: Some(account), order, ..UsageFilter::default() };
        let requests = self.accounts.usage(filter, None, STATEMENT_REQUESTS).await?.rows;
        Ok(AccountStatement { amounts, entries, requests })
    }

    /// Returns `true` if an account has an entry or a request.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the accounts are unavailable.
    pub async fn exists(&self, account: UserId) -> Result<bool, StoreError> {
        if !self.accounts.entries(account, None).await?.is_empty() {
            return Ok(true);
        }
        let filter = UsageFilter { account: Some(account), ..UsageFilter::default() };
        Ok(!self.accounts.usage(filter, None, 1).await?.rows.is_empty())
    }

    /// Requests that have ended. See [`GatewayLedger::usage`].
    ///
    /// # Errors
    /// Returns [`StoreError`] if the accounts are unavailable.
    pub async fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Result<UsagePage, StoreError> {
        self.accounts.usage(filter, after, limit).await
    }

    /// The open holds of all accounts.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the accounts are unavailable.
    pub async fn open_holds(&self) -> Result<OpenHoldTotals, StoreError> {
        self.accounts.open_holds().await
    }

    /// The charges that the credit service has not deducted. `None` without a service.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the accounts are unavailable.
    pub async fn due_deductions(&self) -> Result<Option<DueTotals>, StoreError> {
        if self.service.is_none() {
            return Ok(None);
        }
        self.accounts.due_deductions().await.map(Some)
    }

    /// Checks that the accounts can be read.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they can't.
    pub async fn check(&self) -> Result<(), StoreError> {
        // No user has this id.
        let account = UserId::from_bytes([0; 16]);
        self.accounts.balance(account, MicroCredits::ZERO).await.map(drop)
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The owner with this name: `OWNER`, the owner of an API key, the `sub` of a JWT, or `oidc:ISSUER|SUB` and
/// `firebase:PROJECT|UID`.
///
/// # Errors
/// Returns [`InvalidOwner`] if no credential can give the name to an owner.
pub fn parse_owner(name: &str) -> Result<Owner, InvalidOwner> {
    let of_provider = |prefix: &str| name.strip_prefix(prefix)?.split_once('|');
    match (of_provider("oidc:"), of_provider("firebase:")) {
        (Some((issuer, subject)), _) => Owner::oidc(issuer, subject),
        (_, Some((project, user))) => Owner::firebase(project, user),
        (None, None) => Owner::named(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(amount: &str, kind: Option<CreditKind>) -> Result<CreditOrder, InvalidCreditOrder> {
        CreditOrder::new(amount.parse().expect("an amount"), kind, None, None)
    }

    #[test]
    fn gateway_credit_order_has_the_kind_of_its_sign() {
        let account = UserId::from_bytes([171; 16]);
        let action = |order: Result<CreditOrder, _>| order.expect("valid").action(account);
        let words = "topped up account abababab by 1.5 credits";
        assert_eq!(action(order("1.5", None)), words);
        assert_eq!(
            action(order("-0.000001", None)),
            "adjusted account abababab by -0.000001 credits"
        );
        let refund = order("2", Some(CreditKind::Refund));
        assert_eq!(action(refund), "refunded account abababab by 2 credits");
        assert!(order("2", Some(CreditKind::Adjustment)).is_ok());
    }

    #[test]
    fn gateway_credit_order_that_makes_no_sense_is_refused() {
        let one = MicroCredits::from_micros(1);
        let with = |reason: Option<&str>, key: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            CreditOrder::new(one, None, own(reason), own(key))
        };
        assert_eq!(order("0", None), Err(InvalidCreditOrder::Zero));
        for kind in [CreditKind::TopUp, CreditKind::Refund] {
            assert_eq!(order("-1", Some(kind)), Err(InvalidCreditOrder::Negative));
        }
        for reason in ["", "  ", "a\nb", &"é".repeat(301)] {
            assert_eq!(with(Some(reason), None), Err(InvalidCreditOrder::Reason), "{reason:?}");
        }
        for key in ["", &"k".repeat(201)] {
            assert_eq!(with(None, Some(key)), Err(InvalidCreditOrder::Key), "{key:?}");
        }
        assert!(with(Some(&"é".repeat(300)), Some(&"k".repeat(200))).is_ok());
    }

    #[test]
    fn gateway_account_name_is_that_of_a_credential() {
        let is = |name: &str, owner: Result<Owner, InvalidOwner>| {
            assert_eq!(
                parse_owner(name).map(|owner| owner.as_str().to_owned()),
                owner.map(|owner| owner.as_str().to_owned())
            );
        };
        is("ann", Owner::named("ann"));
        is("oidc:https://id.example|7|x", Owner::oidc("https://id.example", "7|x"));
        is("firebase:chat|u1", Owner::firebase("chat", "u1"));
        for name in
            ["", " ann", "oidc:nothing", "firebase:", "oidc:https://id.example|", "OIDC:x|y"]
        {
            is(name, Err(InvalidOwner));
        }
    }
}
