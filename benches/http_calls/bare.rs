//! A bare axum handler as the baseline: it parses a call and answers with the same JSON, nothing
//! else.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::SENT;

/// A `tools/call` request.
#[derive(Deserialize)]
struct BareToolsCall {
    id: u64,
    params: BareParams,
}

#[derive(Deserialize)]
struct BareParams {
    arguments: BareArguments,
}

#[derive(Deserialize)]
struct BareArguments {
    message: String,
}

/// A response with the result of a tool.
#[derive(Serialize)]
pub struct BareAnswer {
    jsonrpc: &'static str,
    id: u64,
    result: ToolResult,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    content: [Text; 1],
    is_error: bool,
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

/// Answers a relay without token, lobby or masking.
pub async fn relay(body: Bytes) -> Result<Json<BareAnswer>, StatusCode> {
    let BareToolsCall { id, params } =
        serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let message = params.arguments.message;
    let text =
        format!("💬 User_ABCD: {message}\n\n{SENT} to your partner from User_EFGH: {message}");
    let content = [Text { r#type: "text", text }];
    Ok(Json(BareAnswer { jsonrpc: "2.0", id, result: ToolResult { content, is_error: false } }))
}
