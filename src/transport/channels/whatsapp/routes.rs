//! [`routes`]: the webhook that Meta subscribes and posts to. Its signature replaces a token.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;

use super::WhatsApp;
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::ops::metrics::WebhookOutcome;

/// Maximum size of a body, in bytes.
const MAX_WEBHOOK_BYTES: usize = 256 * 1024;

/// Meta's query to verify that this webhook belongs to the operator.
#[derive(Deserialize)]
struct Subscription {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

#[derive(Clone)]
struct WebhookState {
    whatsapp: Arc<WhatsApp>,
    body_timeout: Duration,
}

/// The routes of the webhook. `body_timeout` is the time to send a whole body.
pub fn routes(whatsapp: Arc<WhatsApp>, body_timeout: Duration) -> Router {
    Router::new()
        .route("/webhooks/whatsapp", get(subscribe).post(receive))
        .with_state(WebhookState { whatsapp, body_timeout })
}

async fn subscribe(
    State(state): State<WebhookState>,
    Query(subscription): Query<Subscription>,
) -> Response {
    if !state.whatsapp.verify_subscription(&subscription.mode, &subscription.token) {
        return (StatusCode::FORBIDDEN, "Forbidden: wrong verify token\n").into_response();
    }
    // Plain text, so that no browser interprets the challenge.
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], subscription.challenge).into_response()
}

async fn receive(
    State(state): State<WebhookState>,
    Extension(connection): Extension<ConnectionInfo>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let signature =
        parts.headers.get("x-hub-signature-256").map_or(&[][..], |value| value.as_bytes());
    if !state.whatsapp.may_accept(signature) {
        return unsigned_response();
    }
    let body = match read_body(body, MAX_WEBHOOK_BYTES, state.body_timeout, &connection).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    match state.whatsapp.accept(&body, signature) {
        // A failure status for an invalid body would only make Meta retry it.
        WebhookOutcome::Accepted | WebhookOutcome::Invalid => StatusCode::OK.into_response(),
        WebhookOutcome::Unsigned => unsigned_response(),
        WebhookOutcome::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn unsigned_response() -> Response {
    let message = "Unauthorized: the signature is missing or wrong\n";
    (StatusCode::UNAUTHORIZED, message).into_response()
}
