//! What is posted to `/mcp`: read within limits, told apart, answered, and watched until written.
//!
//! A body that says `"jsonrpc"` is the protocol's and goes to rmcp; one that has only a `method`
//! is the short form. Clients that send an incomplete `Accept` or another content type are let in:
//! what counts is that the body is JSON.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{self, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Extension};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::SessionManager;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::server::McpServer;
use super::short_form;
use super::short_form::{INVALID_REQUEST, PARSE_ERROR, RpcError};
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::receipt::{ReceiptCollector, ReceiptSlot};
use crate::transport::http::receipts::ReceiptBody;
use crate::transport::http::server::ConnectionInfo;
use crate::transport::state::HttpState;

/// The most bytes of a request's body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// As much of a body as tells its form.
#[derive(Deserialize)]
struct Envelope<'a> {
    jsonrpc: Option<IgnoredAny>,
    method: Option<Value>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Answers a request to `/mcp`.
pub async fn handle(
    core: &HttpState,
    mut request: hyper::Request<Incoming>,
    connection: &ConnectionInfo,
) -> http::Response<ReceiptBody> {
    attach_client_network(core, &mut request, connection);
    let receipts = ReceiptCollector::new();
    let response = match *request.method() {
        Method::POST => post(core, request, connection, receipts.handle()).await,
        _ => core.mcp.handle(request).await.map(Body::new),
    };
    with_receipts(response, receipts, connection)
}

/// Answers a request to `/mcp/session`, where clients stay connected.
pub async fn handle_in_session(
    State(core): State<Arc<HttpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    mut request: Request,
) -> Response {
    attach_client_network(&core, &mut request, &connection);
    if let Some(refused) = draining_response(&core, request.headers()) {
        return refused;
    }
    let receipts = ReceiptCollector::new();
    let response = match *request.method() {
        Method::POST => {
            let (parts, body) = request.into_parts();
            match read_body(
                body,
                MAX_BODY_BYTES,
                connection.timer.deadline_after(core.limits.body_timeout),
            )
            .await
            {
                Ok(body) => forward_to_rmcp(&core.sessions, parts, body, receipts.handle()).await,
                Err(response) => response,
            }
        }
        Method::DELETE => session_ended(core.sessions.handle(request).await.map(Body::new)),
        _ => core.sessions.handle(request).await.map(Body::new),
    };
    with_receipts(response, receipts, &connection).map(Body::new)
}

/// Keeps where a request comes from with it, for whoever counts new people.
fn attach_client_network<B>(
    core: &HttpState,
    request: &mut http::Request<B>,
    connection: &ConnectionInfo,
) {
    if let Some(origin) = core.client_network(connection, request.headers()) {
        request.extensions_mut().insert(origin);
    }
}

/// The answer to a client who wants to stay connected to an instance that drains.
pub(super) fn draining_response(core: &HttpState, headers: &HeaderMap) -> Option<Response> {
    // What is known of sessions that are over is rmcp's to say.
    let begins = !headers.contains_key("mcp-session-id");
    (begins && core.drain.is_on()).then(|| {
        let told = "This instance is draining and accepts no new live sessions: reconnect\n";
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], told).into_response()
    })
}

/// The answer to the end of a session: it is over now, not accepted to be so later, which clients
/// take for a failure.
fn session_ended(mut response: Response) -> Response {
    if response.status() == StatusCode::ACCEPTED {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

/// An answer whose receipts are confirmed when it is written.
fn with_receipts(
    response: Response,
    receipts: ReceiptCollector,
    connection: &ConnectionInfo,
) -> http::Response<ReceiptBody> {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    // The receipts of a stream's answer are still to come.
    let streams = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
    if receipts.is_empty() && !streams {
        return response.map(ReceiptBody::from);
    }
    response.map(|body| ReceiptBody::new(body, receipts, connection.receipts.clone()))
}

async fn post(
    core: &HttpState,
    request: hyper::Request<Incoming>,
    connection: &ConnectionInfo,
    slot: ReceiptSlot,
) -> Response {
    let (parts, body) = request.into_parts();
    let time_is_over = connection.timer.deadline_after(core.limits.body_timeout);
    let body = match read_body(body, MAX_BODY_BYTES, time_is_over).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    if let Some(call) = core.stateless.parse(&parts.headers, &body) {
        let origin = parts.extensions.get::<ClientNetwork>().copied();
        return core.stateless.execute(call, slot, origin).await;
    }
    let envelope = match parse_envelope(&body) {
        Ok(envelope) => envelope,
        Err(error) => return error.into_response(),
    };
    if envelope.jsonrpc.is_none() {
        return match envelope.method {
            Some(Value::String(method)) => {
                let origin = parts.extensions.get::<ClientNetwork>().copied();
                short_form::handle(core, &method, envelope.params, &slot, origin).await
            }
            _ => RpcError::framed(INVALID_REQUEST, "Invalid request: missing method.")
                .into_response(),
        };
    }
    forward_to_rmcp(&core.mcp, parts, body, slot).await
}

/// Hands a body to rmcp.
pub(crate) async fn forward_to_rmcp<M: SessionManager>(
    service: &StreamableHttpService<McpServer, M>,
    mut parts: Parts,
    body: Bytes,
    slot: ReceiptSlot,
) -> Response {
    parts
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.extensions.insert(slot);
    let response = service.handle(Request::from_parts(parts, Full::new(body))).await;
    // The body is JSON and its type was set above: what is left is that it is no MCP message.
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return RpcError::framed(INVALID_REQUEST, "Invalid request: not an MCP message.")
            .into_response();
    }
    response.map(Body::new)
}

/// Reads as much of a body as tells its form. What is broken can't be told to be of the short
/// form, so it is refused in JSON-RPC's.
fn parse_envelope(body: &[u8]) -> Result<Envelope<'_>, RpcError> {
    let no_object =
        || RpcError::framed(INVALID_REQUEST, "Invalid request: expected one JSON object.");
    // serde would read an array as the members in order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice(body) {
        Ok(envelope) if is_object => Ok(envelope),
        Ok(_) => Err(no_object()),
        Err(error) if error.classify() == Category::Data => Err(no_object()),
        Err(_) => Err(RpcError::framed(PARSE_ERROR, "Parse error: the body is not valid JSON.")),
    }
}

/// Reads a whole body of at most `limit` bytes before its time is over.
pub(crate) async fn read_body<B>(
    body: B,
    limit: usize,
    time_is_over: impl Future<Output = ()>,
) -> Result<Bytes, Response>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let collected = tokio::select! {
        biased;
        collected = Limited::new(body, limit).collect() => collected,
        () = time_is_over => {
            let close = [(header::CONNECTION, "close")];
            let told = "Timed out reading the request body\n";
            return Err((StatusCode::REQUEST_TIMEOUT, close, told).into_response());
        }
    };
    collected.map(Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            let told = format!("The request body exceeds {} KiB\n", limit / 1024);
            return (StatusCode::PAYLOAD_TOO_LARGE, told).into_response();
        }
        (StatusCode::BAD_REQUEST, "The request body could not be read\n").into_response()
    })
}
