//! The short form: a tool call without MCP framing, for monitoring and for trying things by hand.
//!
//! `{"method": "handle_message", "params": {…}}` → `{"result": …}` or `{"error": {code, message}}`.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::connect::dto::{HandleError, HandleMessageParams};
use crate::connect::new_user_limit::AdmissionError;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::receipt::ReceiptSlot;
use crate::kernel::toolset::parse_arguments;
use crate::transport::ops::metrics::CallOutcome;
use crate::transport::state::HttpState;

/// JSON-RPC 2.0 error codes, section 5.1 of its specification.
pub const PARSE_ERROR: i32 = -32700;
pub const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;

/// What a call has that names no parameters.
const NO_PARAMS: &str = "{}";

/// What is wrong with a call, as the caller reads it.
#[derive(Serialize)]
pub struct RpcError {
    code: i32,
    message: Cow<'static, str>,
    /// Whether the caller speaks JSON-RPC and expects its frame; the request's id is not known.
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

    /// An error for a caller who expects the frame of JSON-RPC.
    pub fn framed(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { framed: true, ..Self::new(code, message) }
    }
}

impl RpcError {
    /// The error as a message of its own.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.failure()).unwrap_or_default()
    }

    fn failure(&self) -> ShortError<'_> {
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
        (status, Json(self.failure())).into_response()
    }
}

impl From<HandleError> for RpcError {
    fn from(refusal: HandleError) -> Self {
        let code = if matches!(refusal, HandleError::Unavailable(_)) {
            INTERNAL_ERROR
        } else {
            INVALID_PARAMS
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<AdmissionError> for RpcError {
    fn from(unwelcome: AdmissionError) -> Self {
        let code = match unwelcome {
            AdmissionError::RateLimited(_) => INVALID_PARAMS,
            AdmissionError::Unavailable(_) => INTERNAL_ERROR,
        };
        Self::new(code, unwelcome.to_string())
    }
}

/// Carries out a call in the short form.
pub async fn handle(
    core: &HttpState,
    method: &str,
    params: Option<&RawValue>,
    slot: &ReceiptSlot,
    origin: Option<ClientNetwork>,
) -> Response {
    let stopwatch = Stopwatch::start();
    let answer = match method {
        "handle_message" => handle_message(core, params, slot, origin).await.map(success),
        "get_stats" => match core.connect.stats().await {
            Ok(stats) => Ok(success(stats)),
            Err(error) => Err(HandleError::from(error).into()),
        },
        _ => Err(RpcError::new(
            METHOD_NOT_FOUND,
            "Unknown method: expected handle_message or get_stats.",
        )),
    };
    let outcome = if answer.is_ok() { CallOutcome::Ok } else { CallOutcome::Refused };
    core.metrics.record_call(method, outcome, stopwatch.elapsed());
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn handle_message(
    core: &HttpState,
    params: Option<&RawValue>,
    slot: &ReceiptSlot,
    origin: Option<ClientNetwork>,
) -> Result<String, RpcError> {
    let refused = |error: ErrorData| RpcError::new(INVALID_PARAMS, error.message);
    let params = params.map_or(NO_PARAMS, RawValue::get);
    let incoming: HandleMessageParams = parse_arguments(params).map_err(refused)?;
    if let (Some(newcomers), Some(origin)) = (&core.new_user_limiter, origin) {
        newcomers.admit(origin, core.connect.subject(&incoming.puch_user_id)).await?;
    }
    let answer = core.connect.handle(incoming).await?;
    slot.put(answer.receipt);
    Ok(answer.text)
}

fn success<T: Serialize>(result: T) -> Response {
    Json(ShortResult { result }).into_response()
}
