//! What is posted to `/mcp`: read within limits, told apart, answered, and watched until written.
//!
//! A body that says `"jsonrpc"` is the protocol's and goes to rmcp; one that has only a `method`
//! is the short form. Clients that send an incomplete `Accept` or another content type are let in:
//! what counts is that the body is JSON.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;

use super::core::Core;
use super::delivery::{ConnectionReceipts, Watched};
use super::plain::{self, INVALID_REQUEST, PARSE_ERROR, RpcError};
use crate::kernel::delivery::ReceiptSlot;

/// The most bytes of a request's body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// As much of a body as tells its form.
#[derive(Deserialize)]
struct Envelope {
    jsonrpc: Option<IgnoredAny>,
    method: Option<String>,
    #[serde(default)]
    params: Option<Value>,
}

/// Answers a request to `/mcp`.
pub async fn answer(State(core): State<Arc<Core>>, request: Request) -> Response {
    let slot = ReceiptSlot::default();
    let connection = request.extensions().get::<ConnectionReceipts>().cloned().unwrap_or_default();
    let response = match *request.method() {
        Method::POST => post(&core, request, &slot).await,
        _ => core.mcp.handle(request).await.map(Body::new),
    };
    if slot.is_empty() {
        return response;
    }
    response.map(|body| Body::new(Watched::new(body, slot, connection)))
}

async fn post(core: &Core, request: Request, slot: &ReceiptSlot) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = match read(body, core.limits.body_timeout).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let envelope: Envelope = match serde_json::from_slice(&body) {
        Ok(envelope) => envelope,
        Err(error) if error.classify() == Category::Data => {
            return RpcError::new(INVALID_REQUEST, "Invalid request: expected a JSON object.")
                .into_response();
        }
        Err(_) => {
            return RpcError::new(PARSE_ERROR, "Parse error: the body is no JSON.").into_response();
        }
    };
    if envelope.jsonrpc.is_none() {
        return match envelope.method {
            Some(method) => plain::call(core, &method, envelope.params, slot).await,
            None => RpcError::new(INVALID_REQUEST, "Invalid request: there is no method.")
                .into_response(),
        };
    }
    parts
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.extensions.insert(slot.clone());
    let response =
        core.mcp.handle(Request::from_parts(parts, http_body_util::Full::new(body))).await;
    // The body is JSON and its type was set above: what is left is that it is no MCP message.
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return RpcError::new(INVALID_REQUEST, "Invalid request: not a message of the protocol.")
            .into_response();
    }
    response.map(Body::new)
}

/// Reads a whole body, within its size and time.
async fn read(body: Body, within: std::time::Duration) -> Result<Bytes, Response> {
    let plain = |status, text: &'static str| (status, text).into_response();
    match tokio::time::timeout(within, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 64 KiB\n"))
        }
        Ok(Err(_)) => Err(plain(StatusCode::BAD_REQUEST, "The body could not be read\n")),
        Err(_) => {
            let close = [(header::CONNECTION, "close")];
            Err((StatusCode::REQUEST_TIMEOUT, close, "The body took too long\n").into_response())
        }
    }
}
