//! The short form: a call without MCP framing, for monitoring and manual tests.
//!
//! `{"method": "handle_message", "params": {…}}` → `{"result": …}` or `{"error": {code, message}}`.
//! To add a method, add an arm to [`handle`].

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use serde::Serialize;
use serde_json::value::RawValue;

use super::state::McpState;
use crate::connect::dto::{HandleError, HandleMessageParams};
use crate::connect::new_user_limit::AdmissionError;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::receipt::ReceiptSlot;
use crate::kernel::toolset::parse_arguments;
use crate::transport::ops::metrics::CallOutcome;

/// JSON-RPC 2.0 error codes, section 5.1 of its specification.
pub const PARSE_ERROR: i32 = -32700;
pub const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;

/// The parameters of a call without `params`.
const NO_PARAMS: &str = "{}";

/// The error of a call, as the caller reads it.
#[derive(Serialize)]
pub struct RpcError {
    code: i32,
    message: Cow<'static, str>,
    /// Whether the caller expects JSON-RPC framing. The id of the request is unknown.
    #[serde(skip)]
    framed: bool,
}

#[derive(Serialize)]
struct ShortResult<T> {
    result: T,
}

#[derive(Serialize)]
struct ShortError<'a> {
    #[serde(flatten)]
    frame: Option<JsonRpcFrame>,
    error: &'a RpcError,
}

#[derive(Serialize)]
struct JsonRpcFrame {
    jsonrpc: &'static str,
    id: (),
}

impl RpcError {
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), framed: false }
    }

    /// An error with JSON-RPC framing.
    pub fn framed(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { framed: true, ..Self::new(code, message) }
    }

    /// The error as a complete message.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn body(&self) -> ShortError<'_> {
        let frame = self.framed.then_some(JsonRpcFrame { jsonrpc: "2.0", id: () });
        ShortError { frame, error: self }
    }
}

impl IntoResponse for RpcError {
    fn into_response(self) -> Response {
        let status = if self.code == INTERNAL_ERROR {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::BAD_REQUEST
        };
        (status, Json(self.body())).into_response()
    }
}

impl From<HandleError> for RpcError {
    fn from(error: HandleError) -> Self {
        let code = if matches!(error, HandleError::Unavailable(_)) {
            INTERNAL_ERROR
        } else {
            INVALID_PARAMS
        };
        Self::new(code, error.to_string())
    }
}

impl From<AdmissionError> for RpcError {
    fn from(error: AdmissionError) -> Self {
        let code = match error {
            AdmissionError::RateLimited(_) => INVALID_PARAMS,
            AdmissionError::Unavailable(_) => INTERNAL_ERROR,
        };
        Self::new(code, error.to_string())
    }
}

/// Executes a call in the short form.
pub async fn handle(
    state: &McpState,
    method: &str,
    params: Option<&RawValue>,
    slot: &ReceiptSlot,
    network: Option<ClientNetwork>,
) -> Response {
    let stopwatch = Stopwatch::start();
    let result = match method {
        "handle_message" => handle_message(state, params, slot, network).await.map(success),
        "get_stats" => match state.connect.stats().await {
            Ok(stats) => Ok(success(stats)),
            Err(error) => Err(HandleError::from(error).into()),
        },
        _ => Err(RpcError::new(
            METHOD_NOT_FOUND,
            "Unknown method: expected handle_message or get_stats.",
        )),
    };
    let outcome = if result.is_ok() { CallOutcome::Ok } else { CallOutcome::Refused };
    state.metrics.record_call(method, outcome, stopwatch.elapsed());
    result.unwrap_or_else(IntoResponse::into_response)
}

async fn handle_message(
    state: &McpState,
    params: Option<&RawValue>,
    slot: &ReceiptSlot,
    network: Option<ClientNetwork>,
) -> Result<String, RpcError> {
    let invalid_params = |error: ErrorData| RpcError::new(INVALID_PARAMS, error.message);
    let params = params.map_or(NO_PARAMS, RawValue::get);
    let params: HandleMessageParams = parse_arguments(params).map_err(invalid_params)?;
    if let (Some(limiter), Some(network)) = (&state.new_user_limiter, network) {
        limiter.admit(network, state.connect.subject(&params.puch_user_id)).await?;
    }
    let reply = state.connect.handle(params).await?;
    slot.put(reply.receipt);
    Ok(reply.text)
}

fn success<T: Serialize>(result: T) -> Response {
    Json(ShortResult { result }).into_response()
}
