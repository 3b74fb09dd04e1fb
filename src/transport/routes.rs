//! The routes: what is below `/mcp`, `/stats` and `/metrics` behind the token, `/health` and
//! `/ready` open, the pages, which hold nothing themselves, and the webhook, where there is one, for
//! whoever signs what they post.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::Serialize;

use super::channels::whatsapp::routes as whatsapp_routes;
use super::http::auth::{Gate, require_token};
use super::mcp::{endpoint, sse, ws};
use super::ops::metrics::SessionStats;
use super::pages;
use super::state::HttpState;
use crate::connect::dto::HandleError;

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    /// `up`, or `down` while calls are told to try again shortly.
    store: &'static str,
}

/// The routes of the server. The operator's, if there are any, come with a gate of their own. Everything else but `/health`,
/// `/ready`, the pages and the webhook needs a token, unknown paths included.
pub fn routes(core: Arc<HttpState>, gate: Arc<Gate>, office: Option<Router>) -> Router {
    let webhook = core
        .whatsapp
        .as_ref()
        .map(|whatsapp| whatsapp_routes::routes(Arc::clone(whatsapp), core.limits.body_timeout));
    let routes = Router::new()
        .route("/mcp/session", any(endpoint::handle_in_session))
        .route("/mcp/ws", any(ws::connect))
        .route("/mcp/sse", get(sse::connect))
        .route("/mcp/sse/messages", post(sse::message))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .route(pages::LIVE_PATH, get(pages::live_stream))
        .fallback(|| async { (StatusCode::NOT_FOUND, "Not found\n") })
        .layer(require_token(gate))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .merge(pages::routes())
        .with_state(core);
    webhook.into_iter().chain(office).fold(routes, Router::merge)
}

/// Whether the process lives, which it does also while its store does not.
async fn health(State(core): State<Arc<HttpState>>) -> Json<HealthBody> {
    let store = if core.lobby.check(core.clock.now()).await.is_ok() { "up" } else { "down" };
    Json(HealthBody { status: "ok", version: env!("CARGO_PKG_VERSION"), store })
}

/// Whether calls may come to this process.
async fn ready(State(core): State<Arc<HttpState>>) -> Response {
    if core.drain.is_on() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match core.lobby.check(core.clock.now()).await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store is down\n").into_response(),
    }
}

async fn stats(State(core): State<Arc<HttpState>>) -> Response {
    core.connect
        .stats()
        .await
        .map_or_else(|error| unavailable(&error.into()), |stats| Json(stats).into_response())
}

async fn metrics(State(core): State<Arc<HttpState>>) -> Response {
    let text_format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    match core.connect.lobby_stats().await {
        Ok(lobby) => {
            let live = SessionStats {
                sessions: core.session_limit.in_use(),
                reachable: core.couriers.reachable_count(),
                given_up: core.couriers.closed_count(),
            };
            (text_format, core.metrics.render(&lobby, live)).into_response()
        }
        Err(error) => unavailable(&error.into()),
    }
}

fn unavailable(refusal: &HandleError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{refusal}\n")).into_response()
}
