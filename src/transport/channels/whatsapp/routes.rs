//! The webhook's routes: what Meta asks and posts. Its signature takes the place of a token.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::time::sleep;

use super::WhatsApp;
use crate::transport::http::body::read_body;
use crate::transport::ops::metrics::WebhookOutcome;

/// The most bytes of a body.
const MAX_WEBHOOK_BYTES: usize = 256 * 1024;

/// How Meta asks whether this webhook is the operator's.
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

/// The routes of the webhook. A body may take `body_timeout` to arrive.
pub fn routes(whatsapp: Arc<WhatsApp>, body_timeout: Duration) -> Router {
    Router::new()
        .route("/webhooks/whatsapp", get(subscribe).post(receive))
        .with_state(WebhookState { whatsapp, body_timeout })
}

async fn subscribe(
    State(hook): State<WebhookState>,
    Query(asked): Query<Subscription>,
) -> Response {
    if !hook.whatsapp.verify_subscription(&asked.mode, &asked.token) {
        return (StatusCode::FORBIDDEN, "Forbidden: wrong verify token\n").into_response();
    }
    // Plain text, whatever the challenge looks like.
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], asked.challenge).into_response()
}

async fn receive(State(hook): State<WebhookState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read_body(body, MAX_WEBHOOK_BYTES, sleep(hook.body_timeout)).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let signature =
        parts.headers.get("x-hub-signature-256").map_or(&[][..], |value| value.as_bytes());
    match hook.whatsapp.accept(&body, signature) {
        // Another answer to what can't be read would only have it sent again.
        WebhookOutcome::Accepted | WebhookOutcome::Invalid => StatusCode::OK.into_response(),
        WebhookOutcome::Unsigned => {
            (StatusCode::UNAUTHORIZED, "Unauthorized: the signature is missing or wrong\n")
                .into_response()
        }
        WebhookOutcome::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
