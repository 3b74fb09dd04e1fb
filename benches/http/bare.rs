//! The least a server can do for a relay, to measure by.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::SENT;

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

/// The least a server can do for a relay's body and answer: no token, no people, no masking.
pub async fn relay(body: Bytes) -> Result<Json<BareAnswer>, StatusCode> {
    let BareToolsCall { id, params } =
        serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let message = params.arguments.message;
    let text =
        format!("💬 User_ABCD: {message}\n\n{SENT} to your partner from User_EFGH: {message}");
    let content = [Text { r#type: "text", text }];
    Ok(Json(BareAnswer { jsonrpc: "2.0", id, result: ToolResult { content, is_error: false } }))
}
