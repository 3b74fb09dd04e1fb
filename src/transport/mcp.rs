//! The Model Context Protocol: the table of toolsets as one server.
//!
//! Protocol versions, framing and validation are rmcp's; which tools there are is the toolsets'.

use std::sync::Arc;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult, ErrorCode,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;

use super::metrics::{CallOutcome, Metrics};
use crate::kernel::clock::Stopwatch;
use crate::kernel::toolset::Toolset;

const INSTRUCTIONS: &str = "Anonymous one-to-one chat with strangers. Pass every message that starts with # and, while a chat is active, every message to handle_message, and show its text to the user unchanged.";

/// The MCP server over all toolsets that are enabled. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    toolsets: Arc<[Arc<dyn Toolset>]>,
    metrics: Arc<Metrics>,
}

impl McpServer {
    #[must_use]
    pub fn new(toolsets: Vec<Arc<dyn Toolset>>, metrics: Arc<Metrics>) -> Self {
        Self { toolsets: toolsets.into(), metrics }
    }

    /// The server as an HTTP service: stateless, JSON answers. It does not check tokens, hosts or
    /// sizes; what stands before it does.
    #[must_use]
    pub fn http(
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

    fn toolset(&self, tool: &str) -> Option<&Arc<dyn Toolset>> {
        self.toolsets.iter().find(|toolset| toolset.tool(tool).is_some())
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new("random-connect", env!("CARGO_PKG_VERSION"))
            .with_title("Random Connect");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(implementation)
            .with_instructions(INSTRUCTIONS)
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
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let stopwatch = Stopwatch::start();
        let tool = request.name.clone();
        let result = match self.toolset(&tool) {
            Some(toolset) => toolset.call(request, context).await,
            None => Err(ErrorData::invalid_params("Unknown tool.", None)),
        };
        let outcome = match &result {
            Ok(CallToolResponse::Complete(complete)) if complete.is_error != Some(true) => {
                CallOutcome::Ok
            }
            _ => CallOutcome::Refused,
        };
        self.metrics.count_call(&tool, outcome, stopwatch.elapsed());
        result
    }
}
