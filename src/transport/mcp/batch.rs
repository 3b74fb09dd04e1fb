//! Batches of protocol 2025-03-26: [`split`] and [`Answers`].
//!
//! Later versions have no batches. A client of an earlier one sends no version header.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use rmcp::model::ProtocolVersion;
use serde_json::value::RawValue;

use super::message::parse_error;
use super::rpc_error::{INVALID_REQUEST, RpcError};

/// Maximum number of messages in a batch.
const MAX_MESSAGES: usize = 32;

/// The last protocol version with batches.
const LAST_VERSION: ProtocolVersion = ProtocolVersion::V_2025_03_26;

/// Whether a text is an array of messages.
pub fn is_batch(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"[")
}

/// Whether a protocol version has batches. Versions are dates, in the order of their texts.
pub fn has_batches(version: &str) -> bool {
    version <= LAST_VERSION.as_str()
}

/// Whether a request with these headers may be a batch.
pub fn may_be_batch(headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version").map(|version| version.to_str());
    version.is_none_or(|version| version.is_ok_and(has_batches))
}

/// Splits a batch into its messages.
///
/// # Errors
/// Returns the error to answer with if it is no batch, is empty or has too many messages.
pub fn split(text: &[u8]) -> Result<Vec<&RawValue>, RpcError> {
    let invalid = |problem: String| {
        Err(RpcError::framed(None, INVALID_REQUEST, format!("Invalid request: {problem}.")))
    };
    match serde_json::from_slice::<Vec<&RawValue>>(text) {
        Ok(messages) if messages.is_empty() => invalid("the batch is empty".to_owned()),
        Ok(messages) if messages.len() > MAX_MESSAGES => {
            invalid(format!("a batch has at most {MAX_MESSAGES} messages"))
        }
        Ok(messages) => Ok(messages),
        Err(_) => Err(parse_error()),
    }
}

/// The error for a batch of a client whose protocol version has none.
pub fn unsupported() -> RpcError {
    let message =
        "Invalid request: expected one JSON object, this protocol version has no batches.";
    RpcError::framed(None, INVALID_REQUEST, message)
}

/// The answers to the messages of one batch.
#[derive(Default)]
pub struct Answers(Vec<String>);

impl Answers {
    /// Adds the messages of a response: a JSON body, or the events of a stream.
    ///
    /// # Errors
    /// Returns the response if it has no messages, which then answers the whole batch.
    pub async fn add(&mut self, response: Response) -> Result<(), Response> {
        if response.status() == StatusCode::ACCEPTED {
            return Ok(());
        }
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.map(|kind| kind.as_bytes().to_vec()).unwrap_or_default();
        let is_stream = content_type.starts_with(b"text/event-stream");
        if !is_stream && !content_type.starts_with(b"application/json") {
            return Err(response);
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await else { return Ok(()) };
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        if is_stream {
            let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
            let messages = data.map(str::trim).filter(|message| !message.is_empty());
            self.0.extend(messages.map(str::to_owned));
            return Ok(());
        }
        if serde_json::from_str::<&RawValue>(&text).is_err() {
            return Err(Response::from_parts(parts, Body::from(text)));
        }
        self.0.push(text);
        Ok(())
    }
}

impl IntoResponse for Answers {
    fn into_response(self) -> Response {
        if self.0.is_empty() {
            return StatusCode::ACCEPTED.into_response();
        }
        let body = format!("[{}]", self.0.join(","));
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}
