//! [`McpServer`]: the table of toolsets as one MCP server.
//!
//! rmcp implements protocol versions, framing and validation; its handlers are in `handler.rs`. The tools belong to
//! the toolsets and must not appear here. To add one, implement [`Toolset`] and pass it to [`McpServer::new`].

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use rmcp::model::Extensions;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;

use super::pages::ListPages;
use super::refusals::{insufficient_scope, session_limit_reached};
use super::subscriptions::SessionSubscriptions;
use super::toolsets::Toolsets;
use crate::kernel::access::AccessPolicy;
use crate::kernel::admission::{Admission, AdmissionError, CountedCall, Subject};
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::seeded_rng;
use crate::kernel::id::IdHasher;
use crate::kernel::principal::Principal;
use crate::kernel::session::{Session, SessionLimit, SessionPermit};
use crate::kernel::toolset::{Toolset, unknown_method};
use crate::transport::ops::drain::Drain;
use crate::transport::ops::metrics::{Metrics, SessionRefusal};

/// The MCP server of all enabled toolsets. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    pub(super) toolsets: Toolsets,
    pub(super) metrics: Arc<Metrics>,
    session_limit: SessionLimit,
    /// `None` for calls without a session.
    pub(super) live: Option<LiveState>,
    /// The principal of requests that have none in their extensions.
    pub(super) principal: Option<Arc<Principal>>,
    pub(super) pages: ListPages,
    /// `None` when all calls are admitted.
    pub(super) admission: Option<Arc<dyn Admission>>,
    /// Rejects new live sessions, and ends subscriptions, which have no time limit.
    pub(super) drain: Drain,
}

/// The live session of a server.
#[derive(Clone)]
pub(super) struct LiveState {
    /// Set by the client's `initialize` request.
    pub session: Arc<OnceCell<Arc<Session>>>,
    subscriptions: SessionSubscriptions,
    /// Interval of the pings to the client.
    pub heartbeat_interval: Duration,
}

impl McpServer {
    /// A server that never drains and admits all calls.
    #[must_use]
    pub fn new(
        toolsets: Vec<Arc<dyn Toolset>>,
        metrics: Arc<Metrics>,
        session_limit: SessionLimit,
    ) -> Self {
        Self {
            toolsets: toolsets.into(),
            metrics,
            session_limit,
            live: None,
            principal: None,
            pages: ListPages(IdHasher::random(&mut seeded_rng())),
            admission: None,
            drain: Drain::new(CancellationToken::new()),
        }
    }

    /// Asks `admission` before each call; `None` admits all calls.
    #[must_use]
    pub fn with_admission(self, admission: Option<Arc<dyn Admission>>) -> Self {
        Self { admission, ..self }
    }

    /// Issues cursors that other servers with the same `ids` accept.
    #[must_use]
    pub fn with_cursors(self, ids: IdHasher) -> Self {
        Self { pages: ListPages(ids), ..self }
    }

    /// Decides by `policy` what a principal has.
    #[must_use]
    pub fn with_policy(self, policy: AccessPolicy) -> Self {
        Self { toolsets: self.toolsets.with_policy(policy), ..self }
    }

    /// Rejects new live sessions and ends subscriptions while `drain` is on.
    #[must_use]
    pub fn with_drain(self, drain: Drain) -> Self {
        Self { drain, ..self }
    }

    /// A server for one live session, whose client is pinged every `heartbeat`.
    #[must_use]
    pub fn for_session(&self, heartbeat: Duration) -> Self {
        let live = LiveState {
            session: Arc::default(),
            subscriptions: SessionSubscriptions::default(),
            heartbeat_interval: heartbeat,
        };
        Self { live: Some(live), ..self.clone() }
    }

    /// Serves requests of `principal`.
    #[must_use]
    pub fn with_principal(self, principal: Option<Arc<Principal>>) -> Self {
        Self { principal, ..self }
    }

    /// The scopes that open a tool or a resource.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        self.toolsets.scopes()
    }

    /// The principal of a request.
    pub(super) fn principal<'a>(
        &'a self,
        request: &'a Extensions,
    ) -> Result<&'a Arc<Principal>, ErrorData> {
        let principal = Principal::from_extensions(request).or(self.principal.as_ref());
        let none = || ErrorData::invalid_request("The request has no credential.", None);
        principal.ok_or_else(none)
    }

    /// The error for a tool that `principal` does not have.
    pub(super) fn unknown_tool(&self, principal: &Principal, name: &str) -> ErrorData {
        let scope = self.toolsets.missing_scope(principal, name);
        scope.map_or_else(
            || ErrorData::invalid_params("Unknown tool.", None),
            |scope| insufficient_scope(&scope),
        )
    }

    /// Asks for admission if the client network is known.
    pub(super) async fn admit(
        &self,
        context: &RequestContext<RoleServer>,
        subject: Subject,
    ) -> Result<Option<CountedCall>, AdmissionError> {
        match (&self.admission, ClientNetwork::from_extensions(&context.extensions)) {
            (Some(admission), Some(network)) => {
                CountedCall::admit(admission, network, subject).await
            }
            _ => Ok(None),
        }
    }

    /// Acquires a permit for a live session or a subscription.
    pub(super) fn acquire_permit(&self) -> Result<SessionPermit, ErrorData> {
        self.session_limit.try_acquire().ok_or_else(|| {
            self.metrics.record_session_refusal(SessionRefusal::LimitReached);
            session_limit_reached()
        })
    }

    /// The subscriptions of a live session, if this server can notify its client.
    pub(super) fn subscriptions(&self) -> Result<&SessionSubscriptions, ErrorData> {
        let live = self.live.as_ref().filter(|_| self.toolsets.offer_resources());
        live.map(|live| &live.subscriptions).ok_or_else(unknown_method)
    }
}
