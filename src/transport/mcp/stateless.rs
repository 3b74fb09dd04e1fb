//! [`StatelessCalls`] executes a `tools/call` of a client without a session, which nearly all
//! requests are, around rmcp's service.
//!
//! rmcp starts a service, two channels and a task for every stateless request, which costs more
//! than the call itself. A plain call is parsed here and passed to the same handler. Any other
//! request goes to rmcp, which implements the whole protocol. A test sends the same calls to both
//! and compares the answers.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use memchr::memmem;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, JsonObject, ProtocolVersion, RequestId, ServerJsonRpcMessage,
    ServerResult,
};
use rmcp::service::{RequestContext, serve_directly};
use rmcp::{Peer, RoleServer};
use serde::Deserialize;

use super::caller::Caller;
use super::server::McpServer;
use super::session_pipe::ServerHalf;

/// The first protocol version whose requests have more members than [`StatelessCall`] reads.
const FIRST_UNSUPPORTED_VERSION: ProtocolVersion = ProtocolVersion::V_2026_07_28;

/// A `tools/call` request without any other member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatelessCall<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    id: RequestId,
    #[serde(borrow)]
    method: Cow<'a, str>,
    params: CallParams,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallParams {
    name: String,
    arguments: Option<JsonObject>,
}

/// Executes calls without a dedicated service.
pub struct StatelessCalls {
    server: McpServer,
    /// A peer without a client, because a client without a session can't receive messages.
    detached_peer: Peer<RoleServer>,
}

impl StatelessCalls {
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn new(server: McpServer) -> Self {
        let detached_peer =
            serve_directly(server.clone(), ServerHalf::closed(), None).peer().clone();
        Self { server, detached_peer }
    }

    pub(super) const fn server(&self) -> &McpServer {
        &self.server
    }

    /// Parses a call. `None` if rmcp or the short form has to handle the request.
    pub fn parse<'a>(&self, headers: &HeaderMap, body: &'a [u8]) -> Option<StatelessCall<'a>> {
        let version = headers.get("mcp-protocol-version").map(HeaderValue::as_bytes);
        let mut supported =
            ProtocolVersion::KNOWN_VERSIONS.iter().take_while(|v| **v != FIRST_UNSUPPORTED_VERSION);
        let is_supported = version
            .is_none_or(|version| supported.any(|known| known.as_str().as_bytes() == version));
        // A body without this key is the short form, or has it escaped, which rmcp can read.
        let is_framed = memmem::find(body, b"\"jsonrpc\"").is_some();
        // serde would read the elements of an array as the members, in order.
        if !is_supported || !is_framed || !body.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let call: StatelessCall = serde_json::from_slice(body).ok()?;
        (call.jsonrpc == "2.0" && call.method == "tools/call").then_some(call)
    }

    /// Executes a call.
    pub(super) async fn execute(&self, call: StatelessCall<'_>, caller: Caller) -> Response {
        let CallParams { name, arguments } = call.params;
        let mut request = CallToolRequestParams::new(name);
        request.arguments = arguments;
        let mut context = RequestContext::new(call.id.clone(), self.detached_peer.clone());
        context.extensions.insert(caller.slot);
        context.extensions.insert(caller.principal);
        caller.network.map(|network| context.extensions.insert(network));
        let message = match self.server.call_tool(request, context).await {
            Ok(response) => {
                let mut result = ServerResult::from(response);
                result.strip_result_type_for_legacy_peer();
                ServerJsonRpcMessage::response(result, call.id)
            }
            Err(error) => ServerJsonRpcMessage::error(error, Some(call.id)),
        };
        // The serializer that sessions use too, because rmcp's whole model is compiled again for another.
        match serde_json::to_vec(&message) {
            Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Err(error) => {
                // Logs the category only, because the error's text may quote the answer.
                tracing::error!(category = ?error.classify(), "failed to serialize an answer");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
