//! [`ApiFormat`]: errors in the form that each vendor's clients read.

use super::limits::add_limits;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::provider::frame::RawFrame;
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::write::error_frame;

/// The API of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ApiFormat(pub WireFormat);

impl ApiFormat {
    /// The response to a request that has no answer.
    pub fn refusal(self, error: &GatewayError) -> Response {
        let status = StatusCode::from_u16(error.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (code, message) = (error.code.name(), &error.message);
        let kind = self.kind(error.code);
        let body = match self.0 {
            WireFormat::Chat => json!({
                "error": { "message": message, "type": kind, "param": null, "code": code },
            }),
            WireFormat::Messages => json!({
                "type": "error",
                "error": { "type": kind, "message": format!("{code}: {message}") },
            }),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = error.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        add_limits(&mut response, error.limits.as_deref());
        let headers = response.headers_mut();
        // The vendors' clients obey it: they repeat other answers by their status alone.
        let repeats = if error.code.is_retryable() { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(repeats));
        response
    }

    /// The response to a request that has no valid token or no readable body, in this form. Its status and its headers
    /// stay.
    pub fn rejection(self, response: Response) -> Response {
        let no_token = "The request has no token that is valid here: send it as a bearer token";
        let (code, message) = match response.status() {
            StatusCode::UNAUTHORIZED => (GatewayErrorCode::Unauthorized, no_token),
            StatusCode::FORBIDDEN => (GatewayErrorCode::ModelNotAllowed, no_token),
            StatusCode::SERVICE_UNAVAILABLE => {
                let message = "The token can't be checked at the moment: try again later";
                (GatewayErrorCode::AuthUnavailable, message)
            }
            StatusCode::REQUEST_TIMEOUT => {
                (GatewayErrorCode::InvalidRequest, "The body did not arrive in time")
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                (GatewayErrorCode::TooLarge, "The body has more than 8 MiB")
            }
            _ => return response,
        };
        let mut refusal = self.refusal(&GatewayError::new(code, message));
        *refusal.status_mut() = response.status();
        for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::CONNECTION] {
            if let Some(value) = response.headers().get(&name) {
                refusal.headers_mut().insert(name, value.clone());
            }
        }
        refusal
    }

    /// The last frame of a stream that breaks.
    pub fn broken(self, error: &GatewayError) -> RawFrame {
        error_frame(self.0, self.kind(error.code), error.code.name(), &error.message)
    }

    /// The type of an error in the vendor's terms.
    const fn kind(self, code: GatewayErrorCode) -> &'static str {
        use GatewayErrorCode as Code;
        let is_chat = matches!(self.0, WireFormat::Chat);
        match code {
            Code::Unauthorized | Code::TokenExpired => "authentication_error",
            Code::ModelNotAllowed => "permission_error",
            Code::UnknownModel if is_chat => "invalid_request_error",
            Code::UnknownModel => "not_found_error",
            Code::InsufficientCredits if is_chat => "insufficient_quota",
            Code::InsufficientCredits => "billing_error",
            Code::RateLimited | Code::TooManyRequests => "rate_limit_error",
            Code::TooLarge if !is_chat => "request_too_large",
            Code::ProviderThrottled if !is_chat => "overloaded_error",
            code if code.status() < 500 => "invalid_request_error",
            _ if is_chat => "server_error",
            _ => "api_error",
        }
    }
}
