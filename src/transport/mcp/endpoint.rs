//! Answers requests to `/mcp` and `/mcp/session`: reads a body within limits, picks its form, and
//! confirms receipts once the answer is written.
//!
//! A body with `"jsonrpc"` is MCP and goes to rmcp; a body with only a `method` is the short form.
//! An incomplete `Accept` header or another content type is accepted, because only the body
//! matters: it must be JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{self, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use bytes::Bytes;
use hyper::body::Incoming;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::server::McpServer;
use super::short_form;
use super::short_form::{INVALID_REQUEST, PARSE_ERROR, RpcError};
use super::state::McpState;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::receipt::{ReceiptCollector, ReceiptSlot};
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;
use crate::transport::http::receipts::ReceiptBody;
use crate::transport::http::server::is_event_stream;
use crate::transport::ops::metrics::SessionRefusal;

/// The members of a body that determine its form.
#[derive(Deserialize)]
struct Envelope<'a> {
    jsonrpc: Option<IgnoredAny>,
    method: Option<Value>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Answers a request to `/mcp`.
pub async fn handle(
    state: &McpState,
    mut request: hyper::Request<Incoming>,
    connection: &ConnectionInfo,
) -> http::Response<ReceiptBody> {
    attach_client_network(state, &mut request, connection);
    let receipts = ReceiptCollector::new();
    let response = match *request.method() {
        Method::POST => post(state, request, connection, receipts.handle()).await,
        // One body type everywhere, because rmcp is compiled again for each type.
        _ => state.service.handle(request.map(Body::new)).await.map(Body::new),
    };
    with_receipts(response, receipts, connection)
}

/// Answers a request to `/mcp/session`, the live sessions over streamable HTTP.
pub async fn handle_in_session(
    State(state): State<Arc<McpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    mut request: Request,
) -> Response {
    attach_client_network(&state, &mut request, &connection);
    if let Some(rejection) = draining_response(&state, request.headers()) {
        return rejection;
    }
    let receipts = ReceiptCollector::new();
    let response = match *request.method() {
        Method::POST => {
            let (parts, body) = request.into_parts();
            match read_body(body, MAX_BODY_BYTES, state.body_timeout, &connection).await {
                Ok(body) => forward_to_rmcp(&state.sessions, parts, body, receipts.handle()).await,
                Err(response) => response,
            }
        }
        Method::DELETE => session_ended(state.sessions.handle(request).await.map(Body::new)),
        _ => state.sessions.handle(request).await.map(Body::new),
    };
    with_receipts(response, receipts, &connection).map(Body::new)
}

/// A route for another stateless MCP server, whose tools lease no items.
pub fn stateless_route(
    service: StreamableHttpService<McpServer, LocalSessionManager>,
    body_timeout: Duration,
) -> MethodRouter {
    any(async move |Extension(connection): Extension<ConnectionInfo>, request: Request| {
        if request.method() != Method::POST {
            return service.handle(request).await.into_response();
        }
        let (parts, body) = request.into_parts();
        match read_body(body, MAX_BODY_BYTES, body_timeout, &connection).await {
            Ok(body) => {
                forward_to_rmcp(&service, parts, body, ReceiptCollector::new().handle()).await
            }
            Err(response) => response,
        }
    })
}

/// Attaches the caller's network to a request, for the new-user limit.
fn attach_client_network<B>(
    state: &McpState,
    request: &mut http::Request<B>,
    connection: &ConnectionInfo,
) {
    if let Some(network) = state.client_network(connection, request.headers()) {
        request.extensions_mut().insert(network);
    }
}

/// The response to a client that starts a live session while the instance drains. `None` if the
/// request may proceed.
pub(super) fn draining_response(state: &McpState, headers: &HeaderMap) -> Option<Response> {
    // rmcp answers requests of existing and of ended sessions.
    let starts_session = !headers.contains_key("mcp-session-id");
    (starts_session && state.drain.is_on()).then(|| {
        state.metrics.record_session_refusal(SessionRefusal::Draining);
        let message = "This instance is draining and accepts no new live sessions: reconnect\n";
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message).into_response()
    })
}

/// Turns 202 into 200 for a session that has ended, because clients treat 202 as a failure.
fn session_ended(mut response: Response) -> Response {
    if response.status() == StatusCode::ACCEPTED {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

/// A response that confirms `receipts` once it is written.
fn with_receipts(
    response: Response,
    receipts: ReceiptCollector,
    connection: &ConnectionInfo,
) -> http::Response<ReceiptBody> {
    // A stream's receipts arrive while it is written.
    if receipts.is_empty() && !is_event_stream(&response) {
        return response.map(ReceiptBody::from);
    }
    response.map(|body| ReceiptBody::new(body, receipts, connection.receipts.clone()))
}

async fn post(
    state: &McpState,
    request: hyper::Request<Incoming>,
    connection: &ConnectionInfo,
    slot: ReceiptSlot,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read_body(body, MAX_BODY_BYTES, state.body_timeout, connection).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    if let Some(call) = state.stateless.parse(&parts.headers, &body) {
        let network = parts.extensions.get::<ClientNetwork>().copied();
        return state.stateless.execute(call, slot, network).await;
    }
    let envelope = match parse_envelope(&body) {
        Ok(envelope) => envelope,
        Err(error) => return error.into_response(),
    };
    if envelope.jsonrpc.is_none() {
        return match envelope.method {
            Some(Value::String(method)) => {
                let network = parts.extensions.get::<ClientNetwork>().copied();
                short_form::handle(state, &method, envelope.params, slot, network).await
            }
            _ => RpcError::framed(INVALID_REQUEST, "Invalid request: missing method.")
                .into_response(),
        };
    }
    forward_to_rmcp(&state.service, parts, body, slot).await
}

/// Passes a request with a complete body to rmcp.
async fn forward_to_rmcp(
    service: &StreamableHttpService<McpServer, LocalSessionManager>,
    mut parts: Parts,
    body: Bytes,
    slot: ReceiptSlot,
) -> Response {
    parts
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.extensions.insert(slot);
    let response = service.handle(Request::from_parts(parts, Body::from(body))).await;
    // The body is JSON and its content type is set above, so this status can only mean that the
    // body is not an MCP message.
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return RpcError::framed(INVALID_REQUEST, "Invalid request: not an MCP message.")
            .into_response();
    }
    response.map(Body::new)
}

/// Parses the [`Envelope`] of a body.
///
/// The error has JSON-RPC framing, because the form of an invalid body is unknown.
fn parse_envelope(body: &[u8]) -> Result<Envelope<'_>, RpcError> {
    let not_an_object =
        || RpcError::framed(INVALID_REQUEST, "Invalid request: expected one JSON object.");
    // serde would read the elements of an array as the members, in order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice(body) {
        Ok(envelope) if is_object => Ok(envelope),
        Ok(_) => Err(not_an_object()),
        Err(error) if error.classify() == Category::Data => Err(not_an_object()),
        Err(_) => Err(RpcError::framed(PARSE_ERROR, "Parse error: the body is not valid JSON.")),
    }
}
