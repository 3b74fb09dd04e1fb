//! The Model Context Protocol: the table of toolsets as one server.
//!
//! Protocol versions, framing and validation are rmcp's; which tools there are is the toolsets'.

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
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::endpoint::MAX_BODY_BYTES;
use super::sessions::HttpSessions;
use crate::connect::new_user_limit::{AdmissionError, NewUserLimiter};
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::session::{Session, SessionLimit};
use crate::kernel::toolset::{Receipts, ResourceWatch, Subject, Toolset};
use crate::transport::ops::drain::Drain;
use crate::transport::ops::metrics::{CallOutcome, Metrics};

const INSTRUCTIONS: &str = "Anonymous one-to-one chat with strangers. Pass every message that starts with # and, while a chat is active, every message to handle_message, and show its text to the user unchanged.";

/// How long a client may take to accept an update.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);
/// The most resources that one client may listen for.
const MAX_SUBSCRIPTIONS: usize = 32;
/// In the range that JSON-RPC 2.0 leaves to servers.
const SESSION_LIMIT_REACHED: ErrorCode = ErrorCode(-32_000);

/// The MCP server over all toolsets that are enabled. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    toolsets: Arc<[Arc<dyn Toolset>]>,
    metrics: Arc<Metrics>,
    session_limit: SessionLimit,
    live: Option<LiveState>,
    instructions: &'static str,
    new_user_limiter: Option<Arc<NewUserLimiter>>,
    /// Ends what would go on for as long as the client likes.
    drain: Drain,
}

/// The live session that a server is for, once its client has introduced itself.
#[derive(Clone)]
struct LiveState {
    session: Arc<OnceCell<Arc<Session>>>,
    /// How often the client is asked whether it is still there.
    heartbeat_interval: Duration,
}

impl McpServer {
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
            new_user_limiter: None,
            drain: Drain::new(CancellationToken::new()),
        }
    }

    /// The same with other words for what it is.
    #[must_use]
    pub fn with_instructions(self, instructions: &'static str) -> Self {
        Self { instructions, ..self }
    }

    /// The same, with new people counted by where they come from.
    #[must_use]
    pub fn with_new_user_limit(self, newcomers: Option<Arc<NewUserLimiter>>) -> Self {
        Self { new_user_limiter: newcomers, ..self }
    }

    /// The same, whose clients are to go elsewhere when it drains.
    #[must_use]
    pub fn with_drain(self, drain: Drain) -> Self {
        Self { drain, ..self }
    }

    /// A server for one client who stays connected.
    #[must_use]
    pub fn for_session(&self, heartbeat: Duration) -> Self {
        let live = LiveState { session: Arc::default(), heartbeat_interval: heartbeat };
        Self { live: Some(live), ..self.clone() }
    }

    /// The server as an HTTP service: stateless, JSON answers. It does not check tokens, hosts or
    /// sizes; what stands before it does. From `shutdown` on nothing is answered.
    #[must_use]
    pub fn stateless_service(
        self,
        shutdown: CancellationToken,
    ) -> StreamableHttpService<Self, NeverSessionManager> {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts()
            .with_cancellation_token(shutdown);
        StreamableHttpService::new(
            move || Ok(self.clone()),
            Arc::new(NeverSessionManager::default()),
            config,
        )
    }

    /// The server as an HTTP service with live sessions, which end after `idle` without a word from
    /// the client. Clients of protocol 2026-07-28 have none and are served without.
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
            // An open stream does not count as a word; the answer to a heartbeat does.
            move || Ok(self.for_session(idle / 3)),
            Arc::clone(&sessions.0),
            config,
        )
    }

    /// Counts somebody new, where they are limited and it is known where they come from.
    async fn admit(
        &self,
        context: &RequestContext<RoleServer>,
        caller: impl FnOnce() -> Subject,
    ) -> Result<(), AdmissionError> {
        match (&self.new_user_limiter, ClientNetwork::from_extensions(&context.extensions)) {
            (Some(newcomers), Some(origin)) => newcomers.admit(origin, caller()).await,
            _ => Ok(()),
        }
    }

    fn resource_watch(&self, uri: &str) -> Option<Box<dyn ResourceWatch>> {
        self.toolsets.iter().find_map(|toolset| toolset.watch_resource(uri))
    }

    fn toolset(&self, tool: &str) -> Option<&Arc<dyn Toolset>> {
        self.toolsets.iter().find(|toolset| toolset.tool(tool).is_some())
    }
}

/// The answer to a client for whom there is no place left.
fn session_limit_reached() -> ErrorData {
    let told =
        "The live session limit is reached. Try again later, or call /mcp, which needs no session.";
    ErrorData::new(SESSION_LIMIT_REACHED, told, None)
}

/// The answer to a client who wants to stay connected to an instance that drains.
fn draining_error() -> ErrorData {
    let told =
        "This instance is draining and accepts no new live sessions: reconnect, or call /mcp.";
    ErrorData::new(SESSION_LIMIT_REACHED, told, None)
}

/// Asks a client now and then whether it is still there, which also keeps its session open, for as
/// long as it answers.
async fn run_heartbeat(session: Weak<Session>, peer: Peer<RoleServer>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if session.strong_count() == 0 || peer.is_transport_closed() {
            return;
        }
        let ping = ServerRequest::PingRequest(PingRequest::default());
        let within = PeerRequestOptions::with_timeout(every);
        // Whoever does not answer is asked no more: in rmcp the question alone keeps a session open,
        // and now its own time limit is to end it.
        let Ok(asked) = peer.send_request_with_option(ping, within).await else { return };
        if asked.await_response().await.is_err() {
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

    /// Gives a client who stays connected a place, or refuses it when none is free.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if let Some(live) = &self.live {
            // Who comes before a drain is known when it ends all there are; who comes after it is here.
            if self.drain.is_on() {
                return Err(draining_error());
            }
            let place = self.session_limit.try_acquire().ok_or_else(session_limit_reached)?;
            // A second introduction gives its place back.
            let _ = live.session.set(Session::new(Some(place)));
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
                .map_err(|unwelcome| ErrorData::invalid_params(unwelcome.to_string(), None))?;
            let receipts = Receipts::from_extensions(&context.extensions);
            if let Some(read) = toolset.read_resource(&request.uri, receipts).await {
                let contents = ResourceContents::text(read?, request.uri);
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
        let known = uris.filter(|uri| self.resource_watch(uri).is_some()).cloned();
        Some(SubscriptionFilter::builder().resource_subscriptions(known).build())
    }

    /// Tells a client of updates until it hangs up. As long as that takes, it has a place.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let _place = self.session_limit.try_acquire().ok_or_else(session_limit_reached)?;
        let live = self.drain.session_token();
        let mut watches = JoinSet::new();
        for uri in context.accepted().resource_subscriptions.iter().flatten() {
            let Some(mut watch) = self.resource_watch(uri) else { continue };
            let (sink, uri) = (context.sink().clone(), uri.clone());
            watches.spawn(async move {
                loop {
                    watch.changed().await;
                    let told = sink.notify_resource_updated(uri.clone());
                    if !matches!(timeout(NOTIFY_TIMEOUT, told).await, Ok(Ok(()))) {
                        return;
                    }
                }
            });
        }
        tokio::select! {
            () = context.cancelled() => {}
            () = live.cancelled() => {}
            // Whoever does not take in one update is gone.
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

    /// Methods that the protocol does not know. The name is not repeated: it may be anything.
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
                Err(unwelcome) => {
                    let told = ContentBlock::text(unwelcome.to_string());
                    Ok(CallToolResult::error(vec![told]).into())
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
