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
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use bytes::Bytes;
use hyper::body::Incoming;
use rmcp::transport::streamable_http_server::StreamableHttpService;

use super::batch;
use super::batch::Answers;
use super::caller::Caller;
use super::credential_end::{unless_credential_ends, until_credential_ends};
use super::http_services::REQUEST_PRINCIPAL;
use super::message::{JsonRpcKind, Message, is_answer_event};
use super::push_streams::opens_push_stream;
use super::rpc_error::{INVALID_REQUEST, RpcError};
use super::scope_challenge::scope_challenge;
use super::server::McpServer;
use super::session_streams::SessionStreams;
use super::short_form;
use super::state::McpState;
use crate::kernel::principal::{Principal, Rejected};
use crate::kernel::receipt::ReceiptCollector;
use crate::transport::http::auth::unauthorized;
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;
use crate::transport::http::receipts::ReceiptBody;
use crate::transport::http::server::is_event_stream;
use crate::transport::ops::metrics::SessionRefusal;

const METHOD_HEADER: HeaderName = HeaderName::from_static("mcp-method");
const SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");

/// The server that answers the messages of a request.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// `/mcp`, which also answers the short form.
    Stateless(&'a McpState),
    /// rmcp's service alone.
    Rmcp(&'a StreamableHttpService<McpServer, SessionStreams>),
}

/// Answers a request to `/mcp`.
pub async fn handle(
    state: &McpState,
    request: hyper::Request<Incoming>,
    connection: &ConnectionInfo,
    principal: Arc<Principal>,
) -> http::Response<ReceiptBody> {
    let receipts = ReceiptCollector::new();
    let response = match *request.method() {
        Method::POST if principal.validity().may_end() => {
            let answering = post(state, request, connection, &receipts, Arc::clone(&principal));
            // Boxed, because most callers don't need the timer.
            match Box::pin(unless_credential_ends(answering, &principal)).await {
                Some(response) => until_credential_ends(response, principal),
                // Drops the receipts of what the call has taken, which returns the items.
                None => return credential_ended(state).map(ReceiptBody::from),
            }
        }
        Method::POST => post(state, request, connection, &receipts, principal).await,
        // One body type everywhere, because rmcp is compiled again for each type. Boxed, as below.
        _ => Box::pin(state.service.handle(request.map(Body::new))).await.map(Body::new),
    };
    with_receipts(response, receipts, connection)
}

/// The response to a call whose credential was revoked or expired before its answer.
fn credential_ended(state: &McpState) -> Response {
    unauthorized(Rejected::Ended, state.resource_metadata.as_deref())
}

/// Answers a request to `/mcp/session`, the live sessions over streamable HTTP.
pub async fn handle_in_session(
    State(state): State<Arc<McpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    Extension(principal): Extension<Arc<Principal>>,
    mut request: Request,
) -> Response {
    if let Some(rejection) = draining_response(&state, request.headers()) {
        return rejection;
    }
    if !state.http_sessions.admit(request.headers(), &principal) {
        // For this principal there is no such session.
        request.headers_mut().insert(SESSION_HEADER, HeaderValue::from_static("unknown"));
    }
    let receipts = ReceiptCollector::new();
    let response = match *request.method() {
        Method::POST => {
            let (mut parts, body) = request.into_parts();
            match read_body(body, MAX_BODY_BYTES, state.body_timeout, &connection).await {
                Ok(body) => {
                    if let Some(challenge) = scope_challenge(&state, &principal, &body) {
                        return challenge;
                    }
                    let session = state.http_sessions.slot(&parts.headers).await;
                    // Held between the messages of a batch; a stream holds one until it ends.
                    let _call = session.as_ref().map(|(id, _)| state.http_sessions.call(id));
                    if let Some((_, slot)) = session {
                        parts.extensions.insert(slot.stream().clone());
                    }
                    let network = state.client_network(&connection, &parts.headers);
                    let principal = Arc::clone(&principal);
                    let caller = Caller { slot: receipts.handle(), network, principal };
                    answer(Target::Rmcp(&state.sessions), parts, body, caller).await
                }
                Err(response) => response,
            }
        }
        Method::DELETE => session_ended(state.sessions.handle(request).await.map(Body::new)),
        Method::GET if opens_push_stream(request.headers()) => {
            open_push_stream(&state, request).await
        }
        _ => state.sessions.handle(request).await.map(Body::new),
    };
    let response = until_credential_ends(response, principal);
    with_receipts(response, receipts, &connection).map(Body::new)
}

/// Answers a GET with the push stream of its session, which replaces an earlier one.
async fn open_push_stream(state: &McpState, request: Request) -> Response {
    let sessions = &state.http_sessions;
    let Some((id, slot)) = sessions.slot(request.headers()).await else {
        return state.sessions.handle(request).await.map(Body::new);
    };
    // A request with bad headers must close no stream. rmcp checks them before the session, and answers 404
    // to good ones of an unknown session.
    let trial = state.sessions.handle(without_session(&request)).await;
    if trial.status() != StatusCode::NOT_FOUND {
        return trial.map(Body::new);
    }
    let _replacing = slot.replacing.lock().await;
    sessions.close_stream(&id, &slot).await;
    let response = state.sessions.handle(request).await.map(Body::new);
    if is_event_stream(&response) { slot.open(response) } else { response }
}

/// A request with the same headers that names no session.
fn without_session(request: &Request) -> Request {
    let mut copy = Request::new(Body::empty());
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy.headers_mut().insert(SESSION_HEADER, HeaderValue::from_static("none"));
    copy
}

/// A route for another stateless MCP server, whose tools lease no items.
pub fn stateless_route(
    service: StreamableHttpService<McpServer, SessionStreams>,
    body_timeout: Duration,
) -> MethodRouter {
    let handle = async move |Extension(connection): Extension<ConnectionInfo>,
                             Extension(principal): Extension<Arc<Principal>>,
                             request: Request| {
        if request.method() != Method::POST {
            return service.handle(request).await.into_response();
        }
        let (parts, body) = request.into_parts();
        match read_body(body, MAX_BODY_BYTES, body_timeout, &connection).await {
            Ok(body) => {
                let (slot, network) = (ReceiptCollector::new().handle(), None);
                let caller = Caller { slot, network, principal };
                answer(Target::Rmcp(&service), parts, body, caller).await
            }
            Err(response) => response,
        }
    };
    any(handle)
}

/// The response to a client that starts a live session while the instance drains. `None` if the
/// request may proceed.
pub(super) fn draining_response(state: &McpState, headers: &HeaderMap) -> Option<Response> {
    // rmcp answers requests of existing and of ended sessions.
    let starts_session = !headers.contains_key(SESSION_HEADER);
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
    let is_stream = is_event_stream(&response);
    if receipts.is_empty() && !is_stream {
        return response.map(ReceiptBody::from);
    }
    response.map(|body| {
        let body = ReceiptBody::new(body, receipts, connection.receipts.clone());
        if is_stream { body.answered_by(is_answer_event) } else { body }
    })
}

async fn post(
    state: &McpState,
    request: hyper::Request<Incoming>,
    connection: &ConnectionInfo,
    receipts: &ReceiptCollector,
    principal: Arc<Principal>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read_body(body, MAX_BODY_BYTES, state.body_timeout, connection).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    if let Some(challenge) = scope_challenge(state, &principal, &body) {
        return challenge;
    }
    let network = state.client_network(connection, &parts.headers);
    let caller = Caller { slot: receipts.handle(), network, principal };
    answer(Target::Stateless(state), parts, body, caller).await
}

/// Answers the message or the batch in a body.
async fn answer(target: Target<'_>, parts: Parts, body: Bytes, caller: Caller) -> Response {
    if batch::is_batch(&body) {
        return Box::pin(answer_batch(target, parts, body, caller)).await;
    }
    answer_message(target, parts, body, caller).await
}

async fn answer_batch(target: Target<'_>, parts: Parts, body: Bytes, caller: Caller) -> Response {
    if !batch::may_be_batch(&parts.headers) {
        return batch::unsupported().into_response();
    }
    let messages = match batch::split(&body) {
        Ok(messages) => messages,
        Err(error) => return error.into_response(),
    };
    // Items of a batch that gets no answers return to their inboxes.
    let receipts = ReceiptCollector::new();
    let (slot, caller) = (caller.slot.clone(), Caller { slot: receipts.handle(), ..caller });
    let mut answers = Answers::default();
    for message in messages {
        let body = body.slice_ref(message.get().as_bytes());
        let response = answer_message(target, parts.clone(), body, caller.clone()).await;
        if let Err(response) = answers.add(response).await {
            return response;
        }
    }
    receipts.close().into_iter().for_each(|receipt| slot.put(receipt));
    answers.into_response()
}

async fn answer_message(target: Target<'_>, parts: Parts, body: Bytes, caller: Caller) -> Response {
    if let Target::Stateless(state) = target
        && let Some(call) = state.stateless.parse(&parts.headers, &body)
    {
        return state.stateless.execute(call, caller).await;
    }
    let message = match Message::read(&body) {
        Ok(message) => message,
        Err(error) => return error.into_response(),
    };
    if let (Target::Stateless(state), false, Some(method)) =
        (target, message.is_framed(), message.method())
    {
        return short_form::handle(state, &method, message.params, caller).await;
    }
    let kind = match message.check() {
        Ok(kind) => kind,
        Err(error) => return error.into_response(),
    };
    let service = match target {
        Target::Stateless(state) => &state.service,
        Target::Rmcp(service) => service,
    };
    // Boxed, because every call would otherwise reserve and copy the size of rmcp's future.
    Box::pin(forward_to_rmcp(service, parts, body, caller, kind)).await
}

/// Passes a request with a complete body to rmcp.
async fn forward_to_rmcp(
    service: &StreamableHttpService<McpServer, SessionStreams>,
    mut parts: Parts,
    body: Bytes,
    caller: Caller,
    kind: JsonRpcKind,
) -> Response {
    parts
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Protocol 2026-07-28 requires the header for requests only, but rmcp for notifications too.
    if let JsonRpcKind::Notification { method } = &kind
        && !parts.headers.contains_key(METHOD_HEADER)
        && let Ok(method) = HeaderValue::from_str(method)
    {
        parts.headers.insert(METHOD_HEADER, method);
    }
    parts.extensions.insert(caller.slot);
    parts.extensions.insert(Arc::clone(&caller.principal));
    caller.network.map(|network| parts.extensions.insert(network));
    let request = Request::from_parts(parts, Body::from(body));
    let response = REQUEST_PRINCIPAL.scope(caller.principal, service.handle(request)).await;
    // The body is JSON and its content type is set above, so this status can only mean that the
    // body is not an MCP message.
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        let id = if let JsonRpcKind::Request { id, .. } = kind { Some(id) } else { None };
        let message = "Invalid request: not an MCP message.";
        return RpcError::framed(id, INVALID_REQUEST, message).into_response();
    }
    response.map(Body::new)
}
