//! [`McpServer`]: the table of toolsets as one MCP server.
//!
//! rmcp implements protocol versions, framing and validation. The tools belong to the toolsets and
//! must not appear here. To add one, implement [`Toolset`] and pass it to [`McpServer::new`].

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelledNotificationParam, CompleteRequestMethod,
    CompleteRequestParams, CompleteResult, ConstString, CustomRequest, CustomResult, ErrorCode,
    GetPromptRequestMethod, GetPromptRequestParams, GetPromptResponse, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestMethod,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerConfig,
    SetLevelRequestMethod, SubscribeRequestMethod, SubscribeRequestParams, SubscriptionFilter,
    Tool, UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;

use super::heartbeat::run_heartbeat;
use super::refusals::{
    argument_error, declared, draining_error, first_page, session_limit_reached, tool_error,
};
use super::subscriptions::{MAX_SUBSCRIPTIONS, SessionSubscriptions, notify_until_rejected};
use super::toolsets::Toolsets;
use crate::kernel::admission::{Admission, AdmissionError, CountedCall, Subject};
use crate::kernel::client_log::ClientLogLevel;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::session::{Session, SessionLimit, SessionPermit};
use crate::kernel::toolset::{Receipts, Toolset};
use crate::transport::ops::drain::Drain;
use crate::transport::ops::metrics::{CallOutcome, Metrics, SessionRefusal};

/// The MCP server of all enabled toolsets. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    pub(super) toolsets: Toolsets,
    metrics: Arc<Metrics>,
    session_limit: SessionLimit,
    /// `None` for calls without a session.
    live: Option<LiveState>,
    instructions: Arc<str>,
    /// `None` when all calls are admitted.
    pub(super) admission: Option<Arc<dyn Admission>>,
    /// Rejects new live sessions, and ends subscriptions, which have no time limit.
    drain: Drain,
}

/// The live session of a server.
#[derive(Clone)]
struct LiveState {
    /// Set by the client's `initialize` request.
    session: Arc<OnceCell<Arc<Session>>>,
    subscriptions: SessionSubscriptions,
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
        let instructions = toolsets.iter().map(|toolset| toolset.instructions());
        let instructions: Vec<_> = instructions.filter(|text| !text.is_empty()).collect();
        let instructions = instructions.join("\n").into();
        Self {
            toolsets: toolsets.into(),
            metrics,
            session_limit,
            live: None,
            instructions,
            admission: None,
            drain: Drain::new(CancellationToken::new()),
        }
    }

    /// Also serves `toolset`.
    #[must_use]
    pub fn with_toolset(self, toolset: Arc<dyn Toolset>) -> Self {
        Self { toolsets: self.toolsets.with(toolset), ..self }
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
        let live = LiveState {
            session: Arc::default(),
            subscriptions: SessionSubscriptions::default(),
            heartbeat_interval: heartbeat,
        };
        Self { live: Some(live), ..self.clone() }
    }

    /// Asks for admission if the client network is known.
    async fn admit(
        &self,
        context: &RequestContext<RoleServer>,
        subject: impl FnOnce() -> Subject,
    ) -> Result<Option<CountedCall>, AdmissionError> {
        match (&self.admission, ClientNetwork::from_extensions(&context.extensions)) {
            (Some(admission), Some(network)) => {
                CountedCall::admit(admission, network, subject()).await
            }
            _ => Ok(None),
        }
    }

    /// Acquires a permit for a live session or a subscription.
    fn acquire_permit(&self) -> Result<SessionPermit, ErrorData> {
        self.session_limit.try_acquire().ok_or_else(|| {
            self.metrics.record_session_refusal(SessionRefusal::LimitReached);
            session_limit_reached()
        })
    }

    /// The subscriptions of a live session, if this server can notify its client.
    fn subscriptions<M: ConstString>(&self) -> Result<&SessionSubscriptions, ErrorData> {
        let live = self.live.as_ref().filter(|_| self.toolsets.offer_resources());
        live.map(|live| &live.subscriptions).ok_or_else(ErrorData::method_not_found::<M>)
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new("random-connect", env!("CARGO_PKG_VERSION"))
            .with_title("Random Connect");
        ServerConfig::new(self.toolsets.capabilities())
            .with_server_info(implementation)
            .with_instructions(&*self.instructions)
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
            let _ = live.session.set(Session::new(Some(permit), self.drain.session_token()));
        }
        context.peer.set_peer_info(request.clone());
        let mut info = self.negotiate_initialize(&request)?;
        if self.live.is_none() {
            // Without a session, the server can't send messages between the client's requests.
            info.capabilities.logging = None;
            info.capabilities.resources.iter_mut().for_each(|resources| resources.subscribe = None);
        }
        Ok(info)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let Some(live) = &self.live else { return };
        let Some(session) = live.session.get().map(Arc::downgrade) else { return };
        tokio::spawn(run_heartbeat(session, context.peer, live.heartbeat_interval));
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        declared::<ListResourcesRequestMethod>(self.toolsets.offer_resources())?;
        first_page(request)?;
        let resources = self.toolsets.iter().flat_map(|toolset| toolset.resources());
        Ok(ListResourcesResult::with_all_items(resources.collect()))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        declared::<ListResourceTemplatesRequestMethod>(self.toolsets.offer_resources())?;
        first_page(request)?;
        let templates = self.toolsets.iter().flat_map(|toolset| toolset.resource_templates());
        Ok(ListResourceTemplatesResult::with_all_items(templates.collect()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        declared::<ReadResourceRequestMethod>(self.toolsets.offer_resources())?;
        for toolset in self.toolsets.iter() {
            let counted = self.admit(&context, || toolset.resource_subject(&request.uri)).await;
            let counted =
                counted.map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
            let receipts = Receipts::from_extensions(&context.extensions);
            if let Some(result) = toolset.read_resource(&request.uri, receipts).await {
                CountedCall::settle(counted, result.is_err()).await;
                return Ok(ReadResourceResult::new(vec![result?]).into());
            }
        }
        Err(ErrorData::resource_not_found("Unknown resource.", None))
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        if !self.toolsets.offer_resources() {
            return None;
        }
        let uris = requested.resource_subscriptions.iter().flatten().take(MAX_SUBSCRIPTIONS);
        let accepted = uris.filter(|uri| self.toolsets.watch(uri).is_some()).cloned();
        Some(SubscriptionFilter::builder().resource_subscriptions(accepted).build())
    }

    /// Notifies a client of updates until it disconnects. The subscription holds a session permit.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let _permit = self.acquire_permit()?;
        let drained = self.drain.session_token();
        tokio::select! {
            () = context.cancelled() => {}
            () = drained.cancelled() => {}
            () = notify_until_rejected(&self.toolsets, &context) => {}
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let subscriptions = self.subscriptions::<SubscribeRequestMethod>()?;
        subscriptions.subscribe(&self.toolsets, context.peer, request.uri)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions::<UnsubscribeRequestMethod>()?.unsubscribe(&request.uri);
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        declared::<ListPromptsRequestMethod>(self.toolsets.offer_prompts())?;
        first_page(request)?;
        let prompts = self.toolsets.iter().flat_map(|toolset| toolset.prompts());
        Ok(ListPromptsResult::with_all_items(prompts.collect()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        declared::<GetPromptRequestMethod>(self.toolsets.offer_prompts())?;
        match self.toolsets.offering_prompt(&request.name) {
            Some(toolset) => toolset.get_prompt(request, context).await,
            None => Err(ErrorData::invalid_params("Unknown prompt.", None)),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        declared::<CompleteRequestMethod>(self.toolsets.complete_arguments())?;
        match self.toolsets.completing(&request.r#ref) {
            Some(toolset) => toolset.complete(request).await.map(CompleteResult::new),
            None => Err(ErrorData::invalid_params("Unknown prompt or resource template.", None)),
        }
    }

    #[expect(deprecated, reason = "protocol versions before 2026-07-28 have this method")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        declared::<SetLevelRequestMethod>(self.toolsets.log_to_clients())?;
        let session = self.live.as_ref().and_then(|live| live.session.get());
        let session = session.ok_or_else(ErrorData::method_not_found::<SetLevelRequestMethod>)?;
        session.state::<ClientLogLevel>().set(request.level);
        Ok(())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        first_page(request)?;
        let mut tools: Vec<_> = self.toolsets.iter().flat_map(|toolset| toolset.tools()).collect();
        for tool in &mut tools {
            // Protocol 2025-03-26 has the title here.
            let annotations = tool.annotations.get_or_insert_default();
            annotations.title.clone_from(&tool.title);
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.toolsets.offering_tool(name)?.tool(name).cloned()
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

    async fn on_cancelled(
        &self,
        notification: CancelledNotificationParam,
        _context: NotificationContext<RoleServer>,
    ) {
        let session = self.live.as_ref().and_then(|live| live.session.get());
        if let (Some(session), Some(call)) = (session, notification.request_id) {
            self.toolsets.iter().for_each(|toolset| toolset.call_cancelled(session, &call));
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(session) = self.live.as_ref().and_then(|live| live.session.get()) {
            session.set_push_stream(&context.extensions);
            context.extensions.insert(Arc::clone(session));
        }
        let (stopwatch, mut counted) = (Stopwatch::start(), None);
        let tool = request.name.clone();
        let result = match self.toolsets.offering_tool(&tool) {
            Some(toolset) => match self.admit(&context, || toolset.subject(&request)).await {
                Ok(admitted) => {
                    counted = admitted;
                    toolset.call(request, context).await.or_else(argument_error)
                }
                Err(error) => Ok(tool_error(error.to_string())),
            },
            None => Err(ErrorData::invalid_params("Unknown tool.", None)),
        };
        let outcome = match &result {
            Ok(CallToolResponse::Complete(complete)) if complete.is_error != Some(true) => {
                CallOutcome::Ok
            }
            _ => CallOutcome::Refused,
        };
        CountedCall::settle(counted, matches!(outcome, CallOutcome::Refused)).await;
        self.metrics.record_call(&tool, outcome, stopwatch.elapsed());
        result
    }
}
