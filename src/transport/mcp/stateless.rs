//! The short way for what nearly all traffic is: a `tools/call` of a client without a session.
//!
//! rmcp starts a service, two channels and a task for every stateless request, which costs more than
//! the call itself. A call that needs nothing of that is read here and handed to the same handler.
//! Whatever is unusual in any way is left to rmcp, which knows the whole protocol; a test sends both
//! the same calls and compares the answers.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue};
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

use super::server::McpServer;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::receipt::ReceiptSlot;

/// Protocol versions from this on want more of a request than is read here.
const FIRST_UNSUPPORTED_VERSION: ProtocolVersion = ProtocolVersion::V_2026_07_28;

/// A `tools/call` that asks for nothing but that.
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

/// Carries out calls without a service of their own.
pub struct StatelessCalls {
    server: McpServer,
    /// Nobody is at its other end: a client without a session can't be asked or told anything.
    detached_peer: Peer<RoleServer>,
}

impl StatelessCalls {
    /// Call it within a tokio runtime.
    #[must_use]
    pub fn new(server: McpServer) -> Self {
        let nowhere = (tokio::io::empty(), tokio::io::sink());
        let detached_peer = serve_directly(server.clone(), nowhere, None).peer().clone();
        Self { server, detached_peer }
    }

    /// Reads a call, if it is one that needs no more than is known here.
    pub fn parse<'a>(&self, headers: &HeaderMap, body: &'a [u8]) -> Option<StatelessCall<'a>> {
        let version = headers.get("mcp-protocol-version").map(HeaderValue::as_bytes);
        let known =
            ProtocolVersion::KNOWN_VERSIONS.iter().take_while(|v| **v != FIRST_UNSUPPORTED_VERSION);
        let is_served = version
            .is_none_or(|version| known.into_iter().any(|one| one.as_str().as_bytes() == version));
        // What nowhere says so is of the short form. Elsewhere it may be escaped, which rmcp can read.
        let is_framed = memmem::find(body, b"\"jsonrpc\"").is_some();
        // serde would read an array as the members in order.
        if !is_served || !is_framed || !body.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let call: StatelessCall = serde_json::from_slice(body).ok()?;
        (call.jsonrpc == "2.0" && call.method == "tools/call").then_some(call)
    }

    /// Carries out a call.
    pub async fn execute(
        &self,
        call: StatelessCall<'_>,
        slot: ReceiptSlot,
        origin: Option<ClientNetwork>,
    ) -> Response {
        let CallParams { name, arguments } = call.params;
        let mut request = CallToolRequestParams::new(name);
        request.arguments = arguments;
        let mut context = RequestContext::new(call.id.clone(), self.detached_peer.clone());
        context.extensions.insert(slot);
        origin.map(|origin| context.extensions.insert(origin));
        let message = match self.server.call_tool(request, context).await {
            Ok(response) => {
                let mut result = ServerResult::from(response);
                result.strip_result_type_for_legacy_peer();
                ServerJsonRpcMessage::response(result, call.id)
            }
            Err(error) => ServerJsonRpcMessage::error(error, Some(call.id)),
        };
        Json(message).into_response()
    }
}
