//! [`GatewayCore`]: what every step of a request works with.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::figures::GatewayFigures;
use super::open_holds::OpenHolds;
use super::request::GatewayCaller;
use super::stored::StoredAnswer;
use crate::gateway::catalog::model::Catalog;
use crate::gateway::catalog::provider::AbandonPolicy;
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::instances::store::{InstanceExchange, SocketId};
use crate::gateway::ledger::deduction::ServiceCredit;
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::ledger::ids::{HoldId, NodeId};
use crate::gateway::ledger::limits::AccountLimits;
use crate::gateway::ledger::store::GatewayLedger;
use crate::gateway::money::MicroCredits;
use crate::gateway::remote::credit::CreditService;
use crate::gateway::routing::router::GatewayRouter;
use crate::kernel::clock::Clock;
use crate::kernel::figures::ToolsetFigures;
use crate::kernel::id::{UserId, random_hex};
use crate::kernel::keyring::{Keyring, Place};
use crate::kernel::principal::PrincipalRole;

/// Time after which the holds of a node that has ended are recovered, and its sockets are forgotten.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The parts that a [`GatewayCore`] is built from.
pub struct GatewayParts {
    pub catalog: Arc<Catalog>,
    pub accounts: Arc<dyn GatewayLedger>,
    /// `None` if the ledger has the balances.
    pub credit_service: Option<Arc<CreditService>>,
    pub router: GatewayRouter,
    /// `None` if this is the only instance.
    pub instances: Option<Arc<dyn InstanceExchange>>,
    pub clock: Arc<dyn Clock>,
    /// Encrypts answers that are stored for repeated requests.
    pub keyring: Arc<Keyring>,
    pub rng: StdRng,
    pub figures: ToolsetFigures,
    /// The credit of a new account.
    pub start_credits: MicroCredits,
    /// Whether the limits of the roles on requests and tokens apply.
    pub has_rate_limits: bool,
    /// The usage of requests is deleted at this age.
    pub retention: Duration,
}

/// The parts of the service that every step of a request uses.
pub(super) struct GatewayCore {
    pub catalog: Arc<Catalog>,
    pub accounts: Arc<dyn GatewayLedger>,
    pub credit_service: Option<Arc<CreditService>>,
    pub router: GatewayRouter,
    pub instances: Option<Arc<dyn InstanceExchange>>,
    pub clock: Arc<dyn Clock>,
    pub figures: GatewayFigures,
    pub start_credits: MicroCredits,
    pub has_rate_limits: bool,
    pub retention: Duration,
    /// This instance.
    pub node: NodeId,
    pub open_holds: OpenHolds,
    /// Cancelled at the end, to cut the answers in progress.
    pub stopping: CancellationToken,
    /// The requests in progress, and charges that are being stored.
    pub tasks: TaskTracker,
    keyring: Arc<Keyring>,
    rng: Mutex<StdRng>,
}

impl GatewayCore {
    pub fn new(parts: GatewayParts) -> Self {
        let mut rng = parts.rng;
        let figures = GatewayFigures::new(&parts.figures);
        Self {
            catalog: parts.catalog,
            accounts: parts.accounts,
            credit_service: parts.credit_service,
            router: parts.router,
            instances: parts.instances,
            clock: parts.clock,
            start_credits: parts.start_credits,
            has_rate_limits: parts.has_rate_limits,
            retention: parts.retention,
            node: NodeId::random(&mut rng),
            open_holds: OpenHolds::new(figures.open_holds.clone()),
            figures,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            keyring: parts.keyring,
            rng: Mutex::new(rng),
        }
    }

    /// The credits of a user.
    ///
    /// # Errors
    /// Returns `LEDGER_UNAVAILABLE` if the ledger or the credit service does not answer.
    pub async fn balance(&self, caller: &GatewayCaller) -> Result<LedgerBalance, GatewayError> {
        let GatewayCaller { account, owner, .. } = caller;
        let balance = match &self.credit_service {
            Some(service) => service.balance(*account, owner).await.ok(),
            None => self.accounts.balance(*account, self.start_credits).await.ok(),
        };
        balance.ok_or_else(ledger_unavailable)
    }

    /// The credit of a user at the credit service, before a reservation. `None` without a service.
    ///
    /// # Errors
    /// Returns `LEDGER_UNAVAILABLE` if the ledger or the credit service does not answer.
    pub async fn service_credit(
        &self,
        caller: &GatewayCaller,
    ) -> Result<Option<ServiceCredit>, GatewayError> {
        let Some(service) = &self.credit_service else { return Ok(None) };
        let observed = service.observe(caller.account, &caller.owner).await;
        observed.map(Some).map_err(|_| ledger_unavailable())
    }

    /// The limits of a user with this role. `None` if `RATE_LIMITS` is off.
    pub fn limits(&self, role: PrincipalRole) -> Option<AccountLimits> {
        let limits = self.catalog.roles().limits(role);
        self.has_rate_limits.then_some(AccountLimits {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            concurrent: limits.concurrent_requests,
        })
    }

    pub fn random_name(&self) -> String {
        random_hex(&mut *self.rng.lock())
    }

    pub fn new_hold(&self) -> HoldId {
        HoldId::new(self.clock.now(), &mut *self.rng.lock())
    }

    pub fn new_socket(&self) -> SocketId {
        SocketId::random(&mut *self.rng.lock())
    }

    pub fn abandon_policy(&self, provider: &str) -> AbandonPolicy {
        let provider = self.catalog.provider(provider);
        provider.map_or(AbandonPolicy::Estimate, |provider| provider.abandoned)
    }

    /// Encrypts an answer for the ledger. `None` if it is too large.
    pub fn seal(&self, account: UserId, answer: &StoredAnswer) -> Option<Vec<u8>> {
        let bytes = answer.to_bytes()?;
        self.keyring.seal(&bytes, &place(account), &mut *self.rng.lock())
    }

    pub fn open(&self, account: UserId, sealed: &[u8]) -> Option<StoredAnswer> {
        StoredAnswer::from_bytes(&self.keyring.open(sealed, &place(account))?)
    }
}

pub(super) fn ledger_unavailable() -> GatewayError {
    let message = "The accounts can't be reached: try again";
    GatewayError::new(GatewayErrorCode::LedgerUnavailable, message)
        .retry_after(Duration::from_secs(1))
}

/// The place of the stored answers of an account.
fn place(account: UserId) -> Place {
    Place::new("gateway.answer").user(account)
}
