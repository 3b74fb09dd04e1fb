//! [`into_json`]: the text of a refusal as `{"error": "…"}`, because a client reads every other
//! answer as JSON.
//!
//! Handlers, rmcp and axum refuse in plain text. They all are converted in one place, so that none is
//! missed.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use http_body_util::{BodyExt, Limited};

use super::receipts::ReceiptBody;

/// Maximum size of a text, in bytes. A longer one is replaced by the name of its status.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Returns `true` if a response is a refusal in plain text or without a text.
pub fn is_plain_refusal<B>(response: &Response<B>) -> bool {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    (status.is_client_error() || status.is_server_error())
        && content_type.is_none_or(|value| value.starts_with(b"text/plain"))
}

/// Converts a refusal in plain text. Its other headers stay.
pub async fn into_json(response: Response<ReceiptBody>) -> Response<ReceiptBody> {
    let (mut parts, body) = response.into_parts();
    let collected = Limited::new(body, MAX_TEXT_BYTES).collect().await;
    let bytes = collected.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = str::from_utf8(&bytes).unwrap_or_default().trim();
    let status_name = parts.status.canonical_reason().unwrap_or("Refused");
    let text = if text.is_empty() { status_name } else { text };
    let json = serde_json::json!({ "error": text }).to_string();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(json).into())
}

/// The 404 response to a path that is not there.
pub async fn not_found() -> axum::response::Response {
    (StatusCode::NOT_FOUND, "Not found\n").into_response()
}
