//! The short form: a call without MCP framing, for monitoring and manual tests.
//!
//! `{"method": "handle_message", "params": {…}}` → `{"result": …}` or `{"error": {code, message}}`.
//! The methods belong to the toolsets: see [`Toolset::call_short`](crate::kernel::toolset::Toolset::call_short).

use std::borrow::Cow;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use serde::Serialize;
use serde_json::value::RawValue;

use super::state::McpState;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::receipt::ReceiptSlot;
use crate::kernel::toolset::Receipts;
use crate::transport::ops::metrics::CallOutcome;

/// JSON-RPC 2.0 error codes, section 5.1 of its specification.
pub const PARSE_ERROR: i32 = -32700;
pub const INVALID_REQUEST: i32 = -32600;
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

impl From<ErrorData> for RpcError {
    fn from(error: ErrorData) -> Self {
        Self::new(error.code.0, error.message)
    }
}

/// Executes a call in the short form.
pub async fn handle(
    state: &McpState,
    method: &str,
    params: Option<&RawValue>,
    slot: ReceiptSlot,
    network: Option<ClientNetwork>,
) -> Response {
    let stopwatch = Stopwatch::start();
    let params = params.map_or(NO_PARAMS, RawValue::get);
    let receipts = Receipts(Some(slot));
    let result = state.stateless.server().call_short(method, params, &receipts, network).await;
    let outcome = if result.is_ok() { CallOutcome::Ok } else { CallOutcome::Refused };
    state.metrics.record_call(method, outcome, stopwatch.elapsed());
    match result {
        Ok(result) => {
            let body = format!("{{\"result\":{result}}}");
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => RpcError::from(error).into_response(),
    }
}
