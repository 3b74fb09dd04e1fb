//! [`McpServer`]: the table of toolsets as one MCP server.
//!
//! rmcp implements protocol versions, framing and validation. The tools belong to the toolsets and
//! must not appear here. To add one, implement [`Toolset`] and pass it to [`McpServer::new`].

use std::sync::{Arc, Weak};
use std::time::Duration;

use once_cell::sync::OnceCell;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
    CustomResult, ErrorCode, Implementation, InitializeRequestParams, InitializeResult,
    ListResourceTemplatesResult, ListToolsResult, PaginatedRequestParams, PingRequest,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResourceContents,
    ResourcesCapability, ServerCapabilities, ServerConfig, ServerRequest, SubscriptionFilter, Tool,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RequestContext, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::sessions::HttpSessions;
use crate::kernel::admission::{Admission, AdmissionError, Subject};
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::session::{Session, SessionLimit, SessionPermit};
use crate::kernel::toolset::{Receipts, ResourceWatch, ShortCall, Toolset};
use crate::transport::http::limits::MAX_BODY_BYTES;
use crate::transport::ops::drain::Drain;
use crate::transport::ops::metrics::{CallOutcome, Metrics, SessionRefusal};

const INSTRUCTIONS: &str = "Anonymous one-to-one chat with strangers. Pass every message that starts with # and, while a chat is active, every message to handle_message, and show its text to the user unchanged.";

/// Time limit for a client to accept a resource update.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum number of resources that one client may subscribe to.
const MAX_SUBSCRIPTIONS: usize = 32;
/// From the range of error codes that JSON-RPC 2.0 reserves for servers.
const SESSION_LIMIT_REACHED: ErrorCode = ErrorCode(-32_000);

/// The MCP server of all enabled toolsets. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    toolsets: Arc<[Arc<dyn Toolset>]>,
    metrics: Arc<Metrics>,
    session_limit: SessionLimit,
    /// `None` for calls without a session.
    live: Option<LiveState>,
    instructions: &'static str,
    /// `None` when all calls are admitted.
    admission: Option<Arc<dyn Admission>>,
    /// Rejects new live sessions, and ends subscriptions, which have no time limit.
    drain: Drain,
}

/// The live session of a server.
#[derive(Clone)]
struct LiveState {
    /// Set by the client's `initialize` request.
    session: Arc<OnceCell<Arc<Session>>>,
    /// Interval of the pings to the client.
    heartbeat_interval: Duration,
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
            instructions: INSTRUCTIONS,
            admission: None,
            drain: Drain::new(CancellationToken::new()),
        }
    }

    /// Sets the instructions that clients receive.
    #[must_use]
    pub fn with_instructions(self, instructions: &'static str) -> Self {
        Self { instructions, ..self }
    }

    /// Asks `admission` before each call; `None` admits all calls.
    #[must_use]
    pub fn with_admission(self, admission: Option<Arc<dyn Admission>>) -> Self {
        Self { admission, ..self }
    }

    /// Rejects new live sessions and ends subscriptions while `drain` is on.
    #[must_use]
    pub fn with_drain(self, drain: Drain) -> Self {
        Self { drain, ..self }
    }

    /// A server for one live session, whose client is pinged every `heartbeat`.
    #[must_use]
    pub fn for_session(&self, heartbeat: Duration) -> Self {
        let live = LiveState { session: Arc::default(), heartbeat_interval: heartbeat };
        Self { live: Some(live), ..self.clone() }
    }

    /// A stateless HTTP service with JSON answers. It answers no request after `shutdown`.
    ///
    /// The service checks neither tokens nor hosts nor sizes: its caller must. Its session manager stays
    /// empty; it has the same type as in [`Self::session_service`], because rmcp is compiled again for
    /// each type.
    #[must_use]
    pub fn stateless_service(
        self,
        shutdown: CancellationToken,
    ) -> StreamableHttpService<Self, LocalSessionManager> {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts()
            .with_cancellation_token(shutdown);
        StreamableHttpService::new(
            move || Ok(self.clone()),
            Arc::new(LocalSessionManager::default()),
            config,
        )
    }

    /// An HTTP service with live sessions, which end after `idle` without a message from the
    /// client.
    ///
    /// Clients of protocol 2026-07-28 have no sessions, and are served statelessly.
    #[must_use]
    pub fn session_service(
        self,
        idle: Duration,
        sessions: &HttpSessions,
        shutdown: CancellationToken,
    ) -> StreamableHttpService<Self, LocalSessionManager> {
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_cancellation_token(shutdown);
        StreamableHttpService::new(
            // An open stream does not count as activity, but the answer to a ping does.
            move || Ok(self.for_session(idle / 3)),
            Arc::clone(&sessions.0),
            config,
        )
    }

    /// Asks for admission if the client network is known.
    async fn admit(
        &self,
        context: &RequestContext<RoleServer>,
        subject: impl FnOnce() -> Subject,
    ) -> Result<(), AdmissionError> {
        match (&self.admission, ClientNetwork::from_extensions(&context.extensions)) {
            (Some(admission), Some(network)) => admission.admit(network, subject()).await,
            _ => Ok(()),
        }
    }

    /// Executes a method of the short form.
    pub(super) async fn call_short(
        &self,
        method: &str,
        params: &str,
        receipts: &Receipts,
        network: Option<ClientNetwork>,
    ) -> Result<String, ErrorData> {
        let mut toolsets = self.toolsets.iter();
        let Some(toolset) = toolsets.find(|toolset| toolset.short_methods().contains(&method))
        else {
            let methods = self.toolsets.iter().flat_map(|toolset| toolset.short_methods());
            let message = match methods.copied().collect::<Vec<_>>().join(" or ") {
                none if none.is_empty() => "Unknown method: use tools/call.".to_owned(),
                methods => format!("Unknown method: expected {methods}."),
            };
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None));
        };
        let admission = self.admission.as_deref();
        toolset.call_short(ShortCall { method, params, network, admission, receipts }).await
    }

    /// Acquires a permit for a live session or a subscription.
    fn acquire_permit(&self) -> Result<SessionPermit, ErrorData> {
        self.session_limit.try_acquire().ok_or_else(|| {
            self.metrics.record_session_refusal(SessionRefusal::LimitReached);
            session_limit_reached()
        })
    }

    fn resource_watch(&self, uri: &str) -> Option<Box<dyn ResourceWatch>> {
        self.toolsets.iter().find_map(|toolset| toolset.watch_resource(uri))
    }

    fn toolset(&self, tool: &str) -> Option<&Arc<dyn Toolset>> {
        self.toolsets.iter().find(|toolset| toolset.tool(tool).is_some())
    }
}

/// The error for a client beyond the session limit.
fn session_limit_reached() -> ErrorData {
    let message =
        "The live session limit is reached. Try again later, or call /mcp, which needs no session.";
    ErrorData::new(SESSION_LIMIT_REACHED, message, None)
}

/// The error for a client that starts a live session while the instance drains.
fn draining_error() -> ErrorData {
    let message =
        "This instance is draining and accepts no new live sessions: reconnect, or call /mcp.";
    ErrorData::new(SESSION_LIMIT_REACHED, message, None)
}

/// Pings a client every `interval` until it fails to answer. The pings also keep its session open.
async fn run_heartbeat(session: Weak<Session>, peer: Peer<RoleServer>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        if session.strong_count() == 0 || peer.is_transport_closed() {
            return;
        }
        let ping = ServerRequest::PingRequest(PingRequest::default());
        let options = PeerRequestOptions::with_timeout(interval);
        // After a missed answer the pings stop, because in rmcp a ping alone keeps a session open,
        // and the session's idle limit must end it.
        let Ok(pending) = peer.send_request_with_option(ping, options).await else { return };
        if pending.await_response().await.is_err() {
            return;
        }
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new("random-connect", env!("CARGO_PKG_VERSION"))
            .with_title("Random Connect");
        let mut capabilities = ServerCapabilities::builder().enable_tools().build();
        if self.toolsets.iter().any(|toolset| !toolset.resource_templates().is_empty()) {
            let mut resources = ResourcesCapability::default();
            resources.subscribe = Some(true);
            capabilities.resources = Some(resources);
        }
        ServerConfig::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(self.instructions)
    }

    /// Acquires a permit for a live session, or rejects the client if none is free.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if let Some(live) = &self.live {
            // A drain closes the sessions that started before it; this check rejects later ones.
            if self.drain.is_on() {
                self.metrics.record_session_refusal(SessionRefusal::Draining);
                return Err(draining_error());
            }
            let permit = self.acquire_permit()?;
            // A second `initialize` request fails to set the session and releases its permit.
            let _ = live.session.set(Session::new(Some(permit)));
        }
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let Some(live) = &self.live else { return };
        let Some(session) = live.session.get().map(Arc::downgrade) else { return };
        tokio::spawn(run_heartbeat(session, context.peer, live.heartbeat_interval));
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = self.toolsets.iter().flat_map(|toolset| toolset.resource_templates());
        Ok(ListResourceTemplatesResult::with_all_items(templates.collect()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        for toolset in self.toolsets.iter() {
            self.admit(&context, || toolset.resource_subject(&request.uri))
                .await
                .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
            let receipts = Receipts::from_extensions(&context.extensions);
            if let Some(result) = toolset.read_resource(&request.uri, receipts).await {
                let contents = ResourceContents::text(result?, request.uri);
                let contents = contents.with_mime_type("application/json");
                return Ok(ReadResourceResult::new(vec![contents]).into());
            }
        }
        Err(ErrorData::resource_not_found("Unknown resource.", None))
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let uris = requested.resource_subscriptions.iter().flatten().take(MAX_SUBSCRIPTIONS);
        let accepted = uris.filter(|uri| self.resource_watch(uri).is_some()).cloned();
        Some(SubscriptionFilter::builder().resource_subscriptions(accepted).build())
    }

    /// Notifies a client of updates until it disconnects. The subscription holds a session permit.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let _permit = self.acquire_permit()?;
        let drained = self.drain.session_token();
        let mut watches = JoinSet::new();
        for uri in context.accepted().resource_subscriptions.iter().flatten() {
            let Some(mut watch) = self.resource_watch(uri) else { continue };
            let (sink, uri) = (context.sink().clone(), uri.clone());
            watches.spawn(async move {
                loop {
                    watch.changed().await;
                    let notified = sink.notify_resource_updated(uri.clone());
                    if !matches!(timeout(NOTIFY_TIMEOUT, notified).await, Ok(Ok(()))) {
                        return;
                    }
                }
            });
        }
        tokio::select! {
            () = context.cancelled() => {}
            () = drained.cancelled() => {}
            // A client that does not accept an update counts as disconnected.
            Some(_) = watches.join_next() => {}
        }
        Ok(())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.toolsets.iter().flat_map(|toolset| toolset.tools()).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.toolset(name)?.tool(name).cloned()
    }

    /// Rejects methods that MCP does not define. The error does not repeat the name, which is
    /// untrusted.
    async fn on_custom_request(
        &self,
        _request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "Unknown method.", None))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(session) = self.live.as_ref().and_then(|live| live.session.get()) {
            context.extensions.insert(Arc::clone(session));
        }
        let stopwatch = Stopwatch::start();
        let tool = request.name.clone();
        let result = match self.toolset(&tool) {
            Some(toolset) => match self.admit(&context, || toolset.subject(&request)).await {
                Ok(()) => toolset.call(request, context).await,
                Err(error) => {
                    let text = ContentBlock::text(error.to_string());
                    Ok(CallToolResult::error(vec![text]).into())
                }
            },
            None => Err(ErrorData::invalid_params("Unknown tool.", None)),
        };
        let outcome = match &result {
            Ok(CallToolResponse::Complete(complete)) if complete.is_error != Some(true) => {
                CallOutcome::Ok
            }
            _ => CallOutcome::Refused,
        };
        self.metrics.record_call(&tool, outcome, stopwatch.elapsed());
        result
    }
}
