//! [`routes`]: the HTTP routes except `/mcp`, which the dispatcher answers.
//!
//! `/health`, `/ready` and the pages are public, because they contain no user data. The webhook is
//! authenticated by its signature, the admin routes by their own gate. Metrics, statistics and the
//! dashboard also take the tokens of operator and monitoring. Every other path needs the token of
//! callers, unknown paths included. To add a route, decide which of these groups it belongs to.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::Serialize;

use super::channels::whatsapp::routes as whatsapp_routes;
use super::http::auth::{Gate, require_token, require_websocket_token};
use super::mcp::{endpoint, sse, ws};
use super::ops::metrics::SessionStats;
use super::pages;
use super::state::HttpState;
use crate::connect::dto::HandleError;

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    /// `up`, or `down` while calls fail with a request to retry.
    store: &'static str,
}

/// The gates of the routes that need a token.
pub struct Gates {
    /// Admits callers.
    pub callers: Arc<Gate>,
    /// Admits to metrics, statistics and the dashboard, which only read.
    pub monitoring: Arc<Gate>,
}

/// The routes of the server. `admin` has the admin routes with their own gate; `None` without
/// `ADMIN_TOKEN`.
pub fn routes(state: Arc<HttpState>, gates: Gates, admin: Option<Router>) -> Router {
    let webhook = state
        .whatsapp
        .as_ref()
        .map(|whatsapp| whatsapp_routes::routes(Arc::clone(whatsapp), state.body_timeout));
    let Gates { callers, monitoring } = gates;
    let live_sessions = Router::new()
        .route("/mcp/session", any(endpoint::handle_in_session))
        .route("/mcp/session/", any(endpoint::handle_in_session))
        .route("/mcp/sse", get(sse::connect))
        .route("/mcp/sse/", get(sse::connect))
        .route("/mcp/sse/messages", post(sse::message))
        .with_state(Arc::clone(&state.mcp));
    let websocket = Router::new()
        .route("/mcp/ws", any(ws::connect))
        .route("/mcp/ws/", any(ws::connect))
        .with_state(Arc::clone(&state.mcp))
        .layer(require_websocket_token(Arc::clone(&callers)));
    let dashboard = Router::new()
        .route(pages::LIVE_PATH, get(pages::live_stream))
        .with_state(Arc::clone(&state.pages));
    let monitoring = Router::new()
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(&state))
        .merge(dashboard)
        .layer(require_token(monitoring));
    let pages = pages::routes().with_state(Arc::clone(&state.pages));
    let routes = Router::new()
        .merge(live_sessions)
        .fallback(|| async { (StatusCode::NOT_FOUND, "Not found\n") })
        .layer(require_token(callers))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .with_state(state)
        .merge(websocket)
        .merge(monitoring)
        .merge(pages);
    webhook.into_iter().chain(admin).fold(routes, Router::merge)
}

/// Whether the process is alive. It is alive even if its store is down.
async fn health(State(state): State<Arc<HttpState>>) -> Json<HealthBody> {
    let store = if state.stores.check().await.is_ok() { "up" } else { "down" };
    Json(HealthBody { status: "ok", version: env!("CARGO_PKG_VERSION"), store })
}

/// Whether a load balancer may send calls to this process.
async fn ready(State(state): State<Arc<HttpState>>) -> Response {
    if state.drain.is_on() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match state.stores.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store is down\n").into_response(),
    }
}

async fn stats(State(state): State<Arc<HttpState>>) -> Response {
    state
        .connect
        .stats()
        .await
        .map_or_else(|error| unavailable(&error.into()), |stats| Json(stats).into_response())
}

async fn metrics(State(state): State<Arc<HttpState>>) -> Response {
    let text_format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    match state.connect.lobby_stats().await {
        Ok(lobby) => {
            let live = SessionStats {
                sessions: state.session_limit.in_use(),
                reachable: state.couriers.reachable_count(),
                given_up: state.couriers.closed_count(),
            };
            (text_format, state.metrics.render(&lobby, live)).into_response()
        }
        Err(error) => unavailable(&error.into()),
    }
}

fn unavailable(error: &HandleError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
}
