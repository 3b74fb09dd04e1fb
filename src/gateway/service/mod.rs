//! [`GatewayService`]: requests to language models, from their admission to their bill.
//!
//! Reading order: [`request`], `prepare.rs` with the models and the hold, `run.rs` with the life of a request,
//! `charge.rs` with its price, [`answer`] with the events that edges write, and [`buffer`], through which they get them.
//! `core.rs` has what all steps work with, `upkeep.rs` the work without a request, and [`figures`] and [`gen_ai`] the
//! metrics.

pub mod answer;
pub mod buffer;
mod charge;
pub mod connections;
pub mod core;
mod ended;
mod exchange;
pub mod figures;
pub mod gen_ai;
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
use self::connections::{ConnectionCounts, GatewayConnections, SocketPermit, TooManySockets};
use self::core::{GatewayCore, GatewayParts, LEASE, ledger_unavailable};
use self::figures::GatewayStatus;
use self::request::{GatewayCaller, GatewayRequest};
use self::run::AnswerTask;
use crate::gateway::catalog::model::CatalogModel;
use crate::gateway::catalog::roles::RoleLimits;
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::ledger::usage::{UsageFilter, UsagePage, UsagePosition};
use crate::kernel::clock::{Stopwatch, Timestamp};
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
            request: Arc::new(request),
            events: events.clone(),
            cancel: cancel.clone(),
            watch: Stopwatch::start(),
        };
        self.core.tasks.spawn(task.run());
        StartedAnswer { events, cancel }
    }

    /// The credits of a user.
    ///
    /// # Errors
    /// Returns `LEDGER_UNAVAILABLE` if the ledger or the credit service does not answer.
    pub async fn balance(&self, caller: &GatewayCaller) -> Result<LedgerBalance, GatewayError> {
        self.core.balance(caller).await
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

    /// The model with this name or alias, if a role may use it.
    #[must_use]
    pub fn model(&self, role: PrincipalRole, name: &str) -> Option<&Arc<CatalogModel>> {
        let named = self.core.catalog.model(name).ok()?;
        self.models(role).find(|model| model.name == named.name)
    }

    /// The name of the model with the lowest price of output that a role may use. `None` if there is no model.
    #[must_use]
    pub fn cheapest_model(&self, role: PrincipalRole) -> Option<String> {
        let cheapest = self.models(role).min_by_key(|model| model.price.base().output);
        cheapest.map(|model| model.name.clone())
    }

    #[must_use]
    pub fn limits(&self, role: PrincipalRole) -> &RoleLimits {
        self.core.catalog.roles().limits(role)
    }

    /// Counts a socket of a user, over all instances.
    ///
    /// # Errors
    /// Returns `TOO_MANY_REQUESTS` if the user has as many as the role allows, and `LEDGER_UNAVAILABLE` if the other
    /// instances can't be asked.
    pub async fn open_socket(&self, caller: &GatewayCaller) -> Result<SocketPermit, GatewayError> {
        let GatewayCaller { account, role, .. } = *caller;
        let core = &self.core;
        let of_role = usize::try_from(self.limits(role).sockets).unwrap_or(usize::MAX);
        let limit = if core.has_rate_limits { of_role } else { usize::MAX };
        let opened = self.connections.open(account, role, limit);
        let mut permit = opened.map_err(|TooManySockets { limit }| too_many_sockets(limit))?;
        if let (Some(instances), true) = (&core.instances, core.has_rate_limits) {
            let socket = core.new_socket();
            permit.share(socket);
            let now = core.clock.now();
            let counted = instances.open_socket(socket, account, limit, now + LEASE, now).await;
            if !counted.map_err(|_| ledger_unavailable())? {
                return Err(too_many_sockets(limit));
            }
        }
        Ok(permit)
    }

    /// The open sockets and the requests in progress.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        self.connections.counts(self.core.open_holds.count())
    }

    /// The state for the dashboard.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        let core = &self.core;
        let targets = core.router.breakers().health();
        core.figures.status(core.open_holds.count(), &targets, &core.catalog)
    }

    /// Counts the error of a request that an edge has refused.
    pub fn record_refusal(&self, code: GatewayErrorCode) {
        self.core.figures.record_error(code);
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
        upkeep::run(Arc::clone(&self.core), self.connections.clone())
    }

    /// Cuts the answers in progress, because the server stops.
    pub fn cut_answers(&self) {
        self.core.stopping.cancel();
    }

    /// Cuts the answers in progress, and waits until their charges are stored, at most `grace`.
    pub async fn close(&self, grace: Duration) {
        self.cut_answers();
        self.core.tasks.close();
        if timeout(grace, self.core.tasks.wait()).await.is_err() {
            tracing::warn!("shutdown timed out with requests to language models still open");
        }
        let shared = self.connections.shared().into_iter().map(|(socket, _)| socket);
        let sockets: Vec<_> = self.connections.take_closed().into_iter().chain(shared).collect();
        if let Some(instances) = self.core.instances.as_ref().filter(|_| !sockets.is_empty()) {
            // After a failure, the leases end by themselves.
            let _ = instances.close_sockets(sockets).await;
        }
    }
}

fn too_many_sockets(limit: usize) -> GatewayError {
    let message = format!("You have {limit} open sockets, as many as your role allows");
    GatewayError::new(GatewayErrorCode::TooManyRequests, message)
}
