//! [`RpcError`]: an error that the server answers with before a message reaches rmcp.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use rmcp::model::{ErrorCode, RequestId, ServerJsonRpcMessage};
use serde::Serialize;

/// JSON-RPC 2.0 error codes, section 5.1 of its specification.
pub const PARSE_ERROR: i32 = -32700;
pub const INVALID_REQUEST: i32 = -32600;
pub const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;

/// The error of a call, as the caller reads it.
#[derive(Debug, Serialize)]
pub struct RpcError {
    code: i32,
    message: Cow<'static, str>,
    /// Members of JSON-RPC framing. `None` for the short form.
    #[serde(skip)]
    frame: Option<JsonRpcFrame>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(flatten)]
    frame: &'a Option<JsonRpcFrame>,
    error: &'a RpcError,
}

#[derive(Debug, Serialize)]
struct JsonRpcFrame {
    jsonrpc: &'static str,
    /// `None` if the request's id is unknown, which is `null` on the wire.
    id: Option<RequestId>,
}

impl RpcError {
    /// An error of the short form.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), frame: None }
    }

    /// An error with JSON-RPC framing.
    pub fn framed(id: Option<RequestId>, code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { frame: Some(JsonRpcFrame { jsonrpc: "2.0", id }), ..Self::new(code, message) }
    }

    /// Whether the error answers a request whose id is known.
    pub fn has_id(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| frame.id.is_some())
    }

    /// The error as a complete message.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn body(&self) -> ErrorBody<'_> {
        ErrorBody { frame: &self.frame, error: self }
    }
}

impl IntoResponse for RpcError {
    fn into_response(self) -> Response {
        let status = match self.code {
            INTERNAL_ERROR => StatusCode::SERVICE_UNAVAILABLE,
            // The request is valid JSON-RPC, so clients read the error in the answer, as from rmcp.
            INVALID_PARAMS if self.has_id() => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(self.body())).into_response()
    }
}

impl From<ErrorData> for RpcError {
    fn from(error: ErrorData) -> Self {
        Self::new(error.code.0, error.message)
    }
}

impl From<RpcError> for ServerJsonRpcMessage {
    fn from(error: RpcError) -> Self {
        let RpcError { code, message, frame } = error;
        let id = frame.and_then(|frame| frame.id);
        Self::error(ErrorData::new(ErrorCode(code), message, None), id)
    }
}
