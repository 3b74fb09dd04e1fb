//! The HTTP APIs of OpenAI and Anthropic, so that their clients work with a changed address.
//!
//! `chat.rs` and `messages.rs` read requests and have what differs; `answer.rs` writes answers of both, `refusal.rs` errors.

mod answer;
pub mod chat;
mod limits;
pub mod messages;
pub mod models;
mod refusal;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::{Map, Value};

use self::refusal::ApiFormat;
use super::caller::NotAdmitted;
use super::socket::MAX_MESSAGE_BYTES;
use super::state::GatewayState;
use super::token::http_token;
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::service::request::GatewayCaller;
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;

/// Maximum length of an idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 256;

/// The JSON object of a request, and its user.
struct ApiRequest {
    caller: GatewayCaller,
    body: Map<String, Value>,
    headers: HeaderMap,
    idempotency_key: Option<String>,
}

impl ApiRequest {
    /// Admits and reads a request.
    ///
    /// # Errors
    /// Returns the response to a request that is not admitted or can't be read.
    async fn read(
        state: &GatewayState,
        connection: &ConnectionInfo,
        request: Request,
        format: ApiFormat,
    ) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let caller = admit(state, &parts.headers, &parts.uri, format).await?;
        if state.session.drain.is_on() {
            let message = "The server is about to stop: send the request again";
            let error = GatewayError::new(GatewayErrorCode::Draining, message);
            return Err(format.refusal(&error));
        }
        let invalid = |message: &str| {
            format.refusal(&GatewayError::new(GatewayErrorCode::InvalidRequest, message))
        };
        // An announced length reserves no more memory than it needs.
        let announced = parts.headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
        let limit = announced.filter(|length| *length <= MAX_MESSAGE_BYTES);
        let limit = limit.unwrap_or(MAX_MESSAGE_BYTES);
        let bytes = read_body(body, limit, state.body_timeout, connection).await;
        let bytes = bytes.map_err(|response| format.rejection(response))?;
        let body = match serde_json::from_slice(&bytes) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(invalid("The body is a JSON object")),
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                let message = format!("The body is no valid JSON: {place}");
                let error = GatewayError::new(GatewayErrorCode::InvalidJson, message);
                return Err(format.refusal(&error));
            }
        };
        let key = parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
        if key.is_some_and(|key| !(1..=MAX_KEY_BYTES).contains(&key.len())) {
            return Err(invalid("The header Idempotency-Key has 1 to 256 ASCII characters"));
        }
        let idempotency_key = key.map(str::to_owned);
        Ok(Self { caller, body, headers: parts.headers, idempotency_key })
    }

    /// Removes a field of the body.
    ///
    /// # Errors
    /// Returns `INVALID_REQUEST` if the field has another type.
    fn take<T: serde::de::DeserializeOwned>(
        &mut self,
        field: &str,
    ) -> Result<Option<T>, GatewayError> {
        let value = self.body.remove(field).filter(|value| !value.is_null());
        value.map(serde_json::from_value).transpose().map_err(|_| {
            let message = format!("`{field}` has an invalid value");
            GatewayError::new(GatewayErrorCode::InvalidRequest, message)
        })
    }

    /// Removes a field of the body that must have a value.
    ///
    /// # Errors
    /// Returns `INVALID_REQUEST` if the field is missing or has another type.
    fn require<T: serde::de::DeserializeOwned>(&mut self, field: &str) -> Result<T, GatewayError> {
        self.take(field)?.ok_or_else(|| {
            let message = format!("`{field}` is missing");
            GatewayError::new(GatewayErrorCode::InvalidRequest, message)
        })
    }
}

/// Admits the user of a request.
async fn admit(
    state: &GatewayState,
    headers: &HeaderMap,
    uri: &axum::http::Uri,
    format: ApiFormat,
) -> Result<GatewayCaller, Response> {
    let admitted = state.session.gate.admit(http_token(headers), headers, uri).await;
    match admitted {
        Ok((_, caller)) => Ok(caller),
        Err(NotAdmitted::Gateway(error)) => Err(format.refusal(&error)),
        Err(NotAdmitted::Gate(response)) => Err(format.rejection(response)),
    }
}

/// The state of the routes.
type SharedState = Arc<GatewayState>;
