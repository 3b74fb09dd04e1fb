//! [`CreditDesk`]: the accounts of the gateway of a configuration, for the command that changes them beside a running
//! server.

use std::sync::Arc;

use secrecy::ExposeSecret;
use thiserror::Error;

use super::stores;
use super::stores::StoreSetupError;
use crate::config::Config;
use crate::gateway::accounts::{CreditError, CreditOrder, GatewayAccounts};
use crate::gateway::config::GatewayConfig;
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::plan::open_accounts;
use crate::kernel::clock::{Clock, SystemClock, seeded_rng};
use crate::kernel::id::{IdHasher, UserId};
use crate::kernel::principal::Owner;
use crate::kernel::sql::Database;
use crate::moderation::admin::{AdminError, AdminService, Operator};

/// The name of the command in the audit log, which has fingerprints of tokens otherwise.
const OPERATOR: &str = "command-line";

/// The accounts can't be opened, or not be changed.
#[derive(Debug, Error)]
pub enum CreditDeskError {
    #[error("TOOLSETS does not have gateway: set it and DATABASE_URL as for the server")]
    NotEnabled,
    #[error("CREDIT_SERVICE_URL is set, and its service has the balances: change them there")]
    Elsewhere,
    #[error(transparent)]
    Stores(#[from] StoreSetupError),
    #[error(transparent)]
    Audit(#[from] AdminError),
    #[error(transparent)]
    Credit(#[from] CreditError),
}

impl CreditDeskError {
    /// Returns `true` if the operator has to correct a setting.
    #[must_use]
    pub const fn is_bad_setting(&self) -> bool {
        match self {
            Self::NotEnabled | Self::Elsewhere => true,
            Self::Stores(error) => error.is_bad_setting(),
            Self::Audit(_) | Self::Credit(_) => false,
        }
    }
}

/// The accounts, with the log of what is done to them.
pub struct CreditDesk {
    accounts: GatewayAccounts,
    admin: AdminService,
    clock: Arc<dyn Clock>,
    database: Database,
}

impl CreditDesk {
    /// Opens the accounts. Creates the database and its secrets if necessary, as the server does.
    ///
    /// # Errors
    /// Returns [`CreditDeskError`] if a server with this configuration has no accounts, or its stores can't be used.
    pub async fn open(
        config: &mut Config,
        gateway: &GatewayConfig,
    ) -> Result<Self, CreditDeskError> {
        if !config.toolsets.has("gateway") {
            return Err(CreditDeskError::NotEnabled);
        }
        if gateway.credit_service.is_some() {
            return Err(CreditDeskError::Elsewhere);
        }
        let database = stores::open(config).await?.ok_or(CreditDeskError::NotEnabled)?;
        let salt = config.id_salt().expect("opening the database completes the secrets");
        let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
        let redis = stores::redis(config, &clock);
        let moderation = stores::moderation(config, redis.as_ref(), Some(&database), None);
        let accounts = GatewayAccounts::new(
            open_accounts(&database),
            None,
            gateway.start_credits,
            Arc::clone(&clock),
            IdHasher::from_salt(salt.expose_secret().as_bytes()),
            seeded_rng(),
        );
        Ok(Self { accounts, admin: AdminService(moderation), clock, database })
    }

    /// Writes an order to the audit log and executes it. Returns the account of the user, and its amounts.
    ///
    /// # Errors
    /// Returns [`CreditDeskError`]. The account is then unchanged, unless the accounts are unavailable.
    pub async fn change(
        &self,
        owner: &Owner,
        order: &CreditOrder,
    ) -> Result<(UserId, LedgerBalance), CreditDeskError> {
        let account = self.accounts.account_of(owner);
        let by = Operator(OPERATOR.to_owned());
        self.admin.audit(&order.action(account), &by, self.clock.now()).await?;
        Ok((account, self.accounts.change(account, order, OPERATOR).await?))
    }

    /// Closes the database.
    pub async fn close(self) {
        self.database.close().await;
    }
}
