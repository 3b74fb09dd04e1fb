//! [`CreditService`]: the service of `CREDIT_SERVICE_URL`, which has the balances of the users.
//!
//! It only knows how to check a balance and to deduct from it. The ledger of this server has the holds, which bound what
//! concurrent requests can spend, and queues the deductions: see
//! [`deduction`](crate::gateway::ledger::deduction).

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use reqwest::ClientBuilder;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Notify;

use super::client::{RemoteAddress, RemoteClient, RemoteFailure};
use crate::gateway::ledger::deduction::{DueDeduction, ServiceCredit};
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::ledger::store::GatewayLedger;
use crate::gateway::money::MicroCredits;
use crate::kernel::id::UserId;
use crate::kernel::keyring::{Keyring, Place};
use crate::kernel::principal::Owner;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Why the credit of a user is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreditServiceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the credit service failed: {0}")]
    Service(#[from] RemoteFailure),
}

/// The service that has the balances.
pub struct CreditService {
    client: RemoteClient,
    pub(super) accounts: Arc<dyn GatewayLedger>,
    /// Encrypts the names of users in the queue of deductions.
    keyring: Arc<Keyring>,
    rng: Mutex<StdRng>,
    pub(super) charged: Notify,
}

#[derive(Serialize)]
struct CheckBody<'a> {
    user: &'a str,
}

#[derive(Deserialize)]
struct CheckAnswer {
    balance: MicroCredits,
}

#[derive(Serialize)]
struct DeductBody<'a> {
    user: &'a str,
    amount: String,
}

#[derive(Deserialize)]
struct DeductAnswer {
    deducted: MicroCredits,
}

impl CreditService {
    /// `builder` has the certificates and the proxy.
    ///
    /// # Errors
    /// Returns the error of the builder.
    pub fn new(
        address: RemoteAddress,
        builder: ClientBuilder,
        accounts: Arc<dyn GatewayLedger>,
        keyring: Arc<Keyring>,
        rng: StdRng,
    ) -> reqwest::Result<Self> {
        let client = RemoteClient::new("CREDIT_SERVICE_URL", builder, address)?;
        let (rng, charged) = (Mutex::new(rng), Notify::new());
        Ok(Self { client, accounts, keyring, rng, charged })
    }

    /// Asks for the credit of a user, for a reservation that follows.
    ///
    /// # Errors
    /// Returns [`CreditServiceError`] if the service or the ledger fails.
    pub async fn observe(
        &self,
        account: UserId,
        user: &Owner,
    ) -> Result<ServiceCredit, CreditServiceError> {
        let deducted_before = self.accounts.service_account(account).await?.deducted;
        let balance = self.check(user).await?;
        let name = user.as_str().as_bytes();
        let payer = self.keyring.seal(name, &place(account), &mut *self.rng.lock());
        let payer = payer.ok_or_else(|| StoreError::from(StoreErrorKind::Encode))?;
        Ok(ServiceCredit { balance, deducted_before, payer })
    }

    /// The credit of a user, minus the charges that the service has not deducted.
    ///
    /// # Errors
    /// Returns [`CreditServiceError`] if the service or the ledger fails.
    pub async fn balance(
        &self,
        account: UserId,
        user: &Owner,
    ) -> Result<LedgerBalance, CreditServiceError> {
        let deducted_before = self.accounts.service_account(account).await?.deducted;
        let balance = self.check(user).await?;
        let amounts = self.accounts.service_account(account).await?;
        let balance = amounts.balance(balance, deducted_before);
        Ok(LedgerBalance { balance, held: amounts.held })
    }

    async fn check(&self, user: &Owner) -> Result<MicroCredits, RemoteFailure> {
        let body = CheckBody { user: user.as_str() };
        let balance =
            |answer: CheckAnswer| Some(answer.balance).filter(|balance| !balance.is_negative());
        self.client.ask("/check", &body, None, balance).await
    }

    /// Has a charge deducted. The hold is the idempotency key, so that a repeated call deducts once.
    pub(super) async fn deduct(&self, due: &DueDeduction) -> Result<(), CreditServiceError> {
        if due.amount <= MicroCredits::ZERO {
            return Ok(());
        }
        let name = self.keyring.open(&due.payer, &place(due.account));
        let name = name.and_then(|name| String::from_utf8(name).ok());
        let Some(user) = name else {
            let hold = due.hold.to_hex();
            tracing::error!(%hold, "a charge can't be deducted: no key of INBOX_KEY opens the name of its user");
            return Err(StoreError::from(StoreErrorKind::Decode).into());
        };
        let body = DeductBody { user: &user, amount: due.amount.to_string() };
        let is_whole = |answer: DeductAnswer| (answer.deducted == due.amount).then_some(());
        Ok(self.client.ask("/deduct", &body, Some(&due.hold.to_hex()), is_whole).await?)
    }

    /// Deducts the charge of a hold that was settled now.
    pub fn collect_soon(&self) {
        self.charged.notify_one();
    }
}

/// The place of the encrypted names of users.
fn place(account: UserId) -> Place {
    Place::new("gateway.payer").user(account)
}
