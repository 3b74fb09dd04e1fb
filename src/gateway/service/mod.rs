//! [`GatewayService`]: requests to language models, from their admission to their bill.
//!
//! Reading order: [`request`], `prepare.rs` with the models and the hold, `run.rs` with the life of a request,
//! `charge.rs` with its price, [`answer`] with the events that edges write, and [`buffer`], through which they get them.
//! `core.rs` has what all steps work with, and `upkeep.rs` the work without a request.

pub mod answer;
pub mod buffer;
mod charge;
pub mod connections;
pub mod core;
mod ended;
mod figures;
mod open_holds;
mod prepare;
pub mod request;
mod run;
mod settle;
mod stored;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::buffer::AnswerBuffer;
use self::connections::{ConnectionCounts, GatewayConnections};
use self::core::{GatewayCore, GatewayParts, ledger_unavailable};
use self::request::{GatewayCaller, GatewayRequest};
use self::run::AnswerTask;
use crate::gateway::catalog::model::CatalogModel;
use crate::gateway::catalog::roles::RoleLimits;
use crate::gateway::error::GatewayError;
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::ledger::usage::{UsageFilter, UsagePage, UsagePosition};
use crate::kernel::clock::{Stopwatch, Timestamp};
use crate::kernel::id::UserId;
use crate::kernel::principal::PrincipalRole;

/// Answers requests, and charges them.
pub struct GatewayService {
    core: Arc<GatewayCore>,
    connections: GatewayConnections,
}

/// A request in progress. Cheap to clone.
#[derive(Clone)]
pub struct StartedAnswer {
    pub events: AnswerBuffer,
    /// Cancels the request.
    pub cancel: CancellationToken,
}

impl GatewayService {
    #[must_use]
    pub fn new(parts: GatewayParts) -> Self {
        let core = Arc::new(GatewayCore::new(parts));
        Self { core, connections: GatewayConnections::default() }
    }

    /// Starts a request. Errors of every kind come as events. Without a reader, the request counts as abandoned. Call it
    /// inside a tokio runtime.
    #[must_use]
    pub fn start(&self, caller: GatewayCaller, request: GatewayRequest) -> StartedAnswer {
        let (events, cancel) = (AnswerBuffer::default(), CancellationToken::new());
        let task = AnswerTask {
            core: Arc::clone(&self.core),
            caller,
            request,
            events: events.clone(),
            cancel: cancel.clone(),
            watch: Stopwatch::start(),
        };
        self.core.tasks.spawn(task.run());
        StartedAnswer { events, cancel }
    }

    /// The credits of an account.
    ///
    /// # Errors
    /// Returns `LEDGER_UNAVAILABLE` if the ledger does not answer.
    pub async fn balance(&self, account: UserId) -> Result<LedgerBalance, GatewayError> {
        self.core.balance(account).await
    }

    /// Requests that have ended. See [`GatewayLedger::usage`](crate::gateway::ledger::store::GatewayLedger::usage).
    ///
    /// # Errors
    /// Returns `LEDGER_UNAVAILABLE` if the ledger does not answer.
    pub async fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Result<UsagePage, GatewayError> {
        self.core.accounts.usage(filter, after, limit).await.map_err(|_| ledger_unavailable())
    }

    /// The models that a role may use, in the order of their names.
    pub fn models(&self, role: PrincipalRole) -> impl Iterator<Item = &Arc<CatalogModel>> {
        let allowed = &self.limits(role).models;
        self.core.catalog.offered().filter(|model| allowed.allows(&model.name))
    }

    #[must_use]
    pub fn limits(&self, role: PrincipalRole) -> &RoleLimits {
        self.core.catalog.roles().limits(role)
    }

    /// The sockets that a user with this role may have open on this instance.
    #[must_use]
    pub fn max_sockets(&self, role: PrincipalRole) -> usize {
        let of_role = usize::try_from(self.limits(role).sockets).unwrap_or(usize::MAX);
        if self.core.has_rate_limits { of_role } else { usize::MAX }
    }

    #[must_use]
    pub const fn connections(&self) -> &GatewayConnections {
        &self.connections
    }

    /// The open sockets and the requests in progress.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        self.connections.counts(self.core.open_holds.count())
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// A name that can't be guessed, in 32 hex digits.
    #[must_use]
    pub fn random_name(&self) -> String {
        self.core.random_name()
    }

    /// The work without a request. Never ends.
    pub fn upkeep(&self) -> impl Future<Output = ()> + Send + use<> {
        upkeep::run(Arc::clone(&self.core))
    }

    /// Cuts the answers in progress, and waits until their charges are stored, at most `grace`.
    pub async fn close(&self, grace: Duration) {
        self.core.stopping.cancel();
        self.core.tasks.close();
        if timeout(grace, self.core.tasks.wait()).await.is_err() {
            tracing::warn!("shutdown timed out with requests to language models still open");
        }
    }
}
