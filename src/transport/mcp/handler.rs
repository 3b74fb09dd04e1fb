//! The handlers of the protocol's requests, for [`McpServer`]. Each finds what the principal has, and
//! passes the request to its toolset.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use once_cell::sync::Lazy;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelledNotificationParam,
    CompleteRequestParams, CompleteResult, CustomRequest, CustomResult, DiscoverResult,
    GetPromptRequestParams, GetPromptResponse, Icon, Implementation, InitializeRequestParams,
    InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer};

use super::heartbeat::run_heartbeat;
use super::own_user;
use super::pages::ListKind;
use super::refusals::{argument_error, declared, draining_error, tool_error, unknown_resource};
use super::server::McpServer;
use super::subscriptions::{MAX_SUBSCRIPTIONS, notify_until_rejected};
use crate::kernel::admission::CountedCall;
use crate::kernel::client_log::ClientLogLevel;
use crate::kernel::clock::Stopwatch;
use crate::kernel::session::Session;
use crate::kernel::toolset::{Receipts, ResourceRead, unknown_method};
use crate::transport::ops::metrics::{CallOutcome, SessionRefusal};

/// Time for which clients may use a list again, in milliseconds. The list of a credential changes only with a
/// new version or other settings.
const LIST_TTL_MS: u64 = 60_000;

/// A page of a list that depends on the principal.
macro_rules! of_principal {
    ($result:ident, $items:expr, $next:expr) => {{
        let mut result = $result::with_all_items($items)
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private);
        result.next_cursor = $next;
        result
    }};
}

/// The icon as a data URI, because the address of the server is not known to it.
static ICON: Lazy<String> = Lazy::new(|| {
    let svg = include_bytes!("../pages/assets/icon.svg");
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg))
});

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let icon =
            Icon::new(&*ICON).with_mime_type("image/svg+xml").with_sizes(vec!["any".to_owned()]);
        let implementation = Implementation::new("random-connect", env!("CARGO_PKG_VERSION"))
            .with_title("Random Connect")
            .with_icons(vec![icon]);
        ServerConfig::new(self.toolsets.capabilities()).with_server_info(implementation)
    }

    /// Describes the server as its principal sees it.
    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let instructions = self.toolsets.instructions(self.principal(&context.extensions)?);
        let info = self.get_info().with_instructions(instructions);
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, info))
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
        info.instructions = Some(self.toolsets.instructions(self.principal(&context.extensions)?));
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
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        declared(self.toolsets.offer_resources())?;
        let resources = self.toolsets.resources(self.principal(&context.extensions)?);
        let (resources, next) =
            self.pages.page(ListKind::Resources, request, resources, |resource| &resource.uri)?;
        Ok(of_principal!(ListResourcesResult, resources, next))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        declared(self.toolsets.offer_resources())?;
        let templates = self.toolsets.resource_templates(self.principal(&context.extensions)?);
        let (templates, next) =
            self.pages.page(ListKind::ResourceTemplates, request, templates, |template| {
                &template.uri_template
            })?;
        Ok(of_principal!(ListResourceTemplatesResult, templates, next))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        declared(self.toolsets.offer_resources())?;
        let (uri, principal) = (&*request.uri, self.principal(&context.extensions)?);
        let toolset = self.toolsets.offering_resource(principal, uri);
        let toolset = toolset.ok_or_else(unknown_resource)?;
        let subject = own_user::resource_subject(principal, &**toolset, uri);
        let counted = self.admit(&context, subject).await;
        let counted =
            counted.map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        let receipts = Receipts::from_extensions(&context.extensions);
        let result = toolset.read_resource(ResourceRead { uri, principal, subject, receipts });
        let result = result.await.unwrap_or_else(|| Err(unknown_resource()));
        CountedCall::settle(counted, result.is_err()).await;
        Ok(ReadResourceResult::new(vec![result?]).into())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        if !self.toolsets.offer_resources() {
            return None;
        }
        let principal = self.principal.as_ref()?;
        let uris = requested.resource_subscriptions.iter().flatten().take(MAX_SUBSCRIPTIONS);
        let accepted = uris.filter(|uri| self.toolsets.watch(principal, uri).is_some()).cloned();
        Some(SubscriptionFilter::builder().resource_subscriptions(accepted).build())
    }

    /// Notifies a client of updates until it disconnects. The subscription holds a session permit.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let (_permit, request) = (self.acquire_permit()?, context.request_context());
        let principal = self.principal(&request.extensions)?;
        let drained = self.drain.session_token();
        tokio::select! {
            () = context.cancelled() => {}
            () = drained.cancelled() => {}
            () = principal.validity().ended() => {}
            () = notify_until_rejected(&self.toolsets, principal, &context) => {}
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let subscriptions = self.subscriptions()?;
        let watch = self.toolsets.watch(self.principal(&context.extensions)?, &request.uri);
        let watch = watch.ok_or_else(unknown_resource)?;
        subscriptions.subscribe(watch, context.peer, request.uri)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions()?.unsubscribe(&request.uri);
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        declared(self.toolsets.offer_prompts())?;
        let prompts = self.toolsets.prompts(self.principal(&context.extensions)?);
        let (prompts, next) =
            self.pages.page(ListKind::Prompts, request, prompts, |prompt| &prompt.name)?;
        Ok(of_principal!(ListPromptsResult, prompts, next))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        declared(self.toolsets.offer_prompts())?;
        let principal = Arc::clone(self.principal(&context.extensions)?);
        let offering = self.toolsets.offering_prompt(&principal, &request.name);
        context.extensions.insert(principal);
        match offering {
            Some(toolset) => toolset.get_prompt(request, context).await,
            None => Err(ErrorData::invalid_params("Unknown prompt.", None)),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        declared(self.toolsets.complete_arguments())?;
        let principal = self.principal(&context.extensions)?;
        match self.toolsets.completing(principal, &request.r#ref) {
            Some(toolset) => toolset.complete(request, principal).await.map(CompleteResult::new),
            None => Err(ErrorData::invalid_params("Unknown prompt or resource template.", None)),
        }
    }

    #[expect(deprecated, reason = "protocol versions before 2026-07-28 have this method")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        declared(self.toolsets.log_to_clients())?;
        let session = self.live.as_ref().and_then(|live| live.session.get());
        let session = session.ok_or_else(unknown_method)?;
        session.state::<ClientLogLevel>().set(request.level);
        Ok(())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.toolsets.tools(self.principal(&context.extensions)?);
        let (mut tools, next) =
            self.pages.page(ListKind::Tools, request, tools, |tool| &*tool.name)?;
        for tool in &mut tools {
            // Protocol 2025-03-26 has the title here.
            let annotations = tool.annotations.get_or_insert_default();
            annotations.title.clone_from(&tool.title);
        }
        Ok(of_principal!(ListToolsResult, tools, next))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let principal = self.principal.as_ref()?;
        self.toolsets.offering_tool(principal, name)?.tool(name).cloned()
    }

    /// Rejects methods that MCP does not define.
    async fn on_custom_request(
        &self,
        _request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(unknown_method())
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
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = Arc::clone(self.principal(&context.extensions)?);
        if let Some(session) = self.live.as_ref().and_then(|live| live.session.get()) {
            session.set_push_stream(&context.extensions);
            context.extensions.insert(Arc::clone(session));
        }
        let (stopwatch, mut counted) = (Stopwatch::start(), None);
        let tool = request.name.clone();
        let result = match self.toolsets.offering_tool(&principal, &tool) {
            Some(toolset) => match own_user::resolve(&principal, &**toolset, &mut request) {
                Ok(subject) => match self.admit(&context, subject).await {
                    Ok(admitted) => {
                        counted = admitted;
                        context.extensions.insert(subject);
                        context.extensions.insert(principal);
                        toolset.call(request, context).await.or_else(argument_error)
                    }
                    Err(error) => Ok(tool_error(error.to_string())),
                },
                Err(foreign) => Ok(tool_error(foreign.to_string())),
            },
            None => Err(self.unknown_tool(&principal, &tool)),
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
