//! [`routes`]: the HTTP routes except `/mcp`, which the dispatcher answers.
//!
//! `/health`, `/ready` and the pages are public, because they contain no user data; so are the paths of
//! OAuth, with the metadata of this server and otherwise nothing to discover. The webhook is
//! authenticated by its signature, the admin routes by their own gate. Metrics, statistics and the
//! dashboard also take the tokens of operator and monitoring. Every other path needs the token of
//! callers, unknown paths included. To add a route, decide which of these groups it belongs to.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::Serialize;

use super::channels::whatsapp::routes as whatsapp_routes;
use super::gateway;
use super::gateway::state::GatewayState;
use super::http::auth::{Gate, require_token, require_websocket_token};
use super::http::protected_resource::ProtectedResource;
use super::http::refusal::not_found;
use super::mcp::{endpoint, sse, ws};
use super::ops::metrics::{Figures, SessionStats};
use super::pages;
use super::state::HttpState;
use crate::connect::dto::Stats;

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    /// `up`, or `down` while calls fail with a request to retry.
    store: &'static str,
    /// The stores that are down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    down: Vec<&'static str>,
}

/// The statistics of `get_stats`, and whether all stores answer.
#[derive(Serialize)]
struct StatsBody {
    #[serde(flatten)]
    stats: Stats,
    store: &'static str,
}

/// The statistics that remain while the lobby's store is down.
#[derive(Serialize)]
struct OutageBody {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    store: &'static str,
}

/// The paths where MCP clients look for an authorization server before they send a token: RFC 8414,
/// RFC 9728, and the default endpoints of protocol 2025-03-26. Status 404 means that there is
/// none; 401 makes some repeat the search.
const DISCOVERY_PATHS: [&str; 10] = [
    "/.well-known/{*path}",
    "/mcp/.well-known/{*path}",
    "/oauth/{*path}",
    "/oauth2/{*path}",
    "/register",
    "/authorize",
    "/token",
    "/revoke",
    "/introspect",
    "/userinfo",
];

/// The gates of the routes that need a token.
pub struct Gates {
    /// Admits callers.
    pub callers: Arc<Gate>,
    /// Admits to metrics, statistics and the dashboard, which only read.
    pub monitoring: Arc<Gate>,
}

/// The routes of the server. `admin` has the admin routes with their own gate; `None` without
/// `ADMIN_TOKEN`. `resource` is `None` without a provider for OAuth, and `gateway` without that toolset.
pub fn routes(
    state: Arc<HttpState>,
    gates: Gates,
    resource: Option<&ProtectedResource>,
    admin: Option<Router>,
    gateway: Option<Arc<GatewayState>>,
) -> Router {
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
        .layer(from_fn_with_state(Arc::clone(&callers), require_websocket_token));
    let dashboard = Router::new()
        .route(pages::LIVE_PATH, get(pages::live_stream))
        .with_state(Arc::clone(&state.pages));
    let monitoring = Router::new()
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(&state))
        .merge(dashboard)
        .layer(from_fn_with_state(monitoring, require_token));
    let discovery = DISCOVERY_PATHS
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, any(not_found)));
    let metadata = resource.map(ProtectedResource::routes);
    let pages = pages::routes().with_state(Arc::clone(&state.pages));
    let routes = Router::new()
        .merge(live_sessions)
        .fallback(not_found)
        .layer(from_fn_with_state(callers, require_token))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .with_state(state)
        .merge(discovery)
        .merge(websocket)
        .merge(monitoring)
        .merge(pages)
        .merge(gateway.map(gateway::routes).unwrap_or_default());
    webhook.into_iter().chain(admin).chain(metadata).fold(routes, Router::merge)
}

/// Whether the process is alive. It is alive even if its store is down.
async fn health(State(state): State<Arc<HttpState>>) -> Json<HealthBody> {
    let down: Vec<_> = state.stores.check().await.down().collect();
    let store = if down.is_empty() { "up" } else { "down" };
    Json(HealthBody { status: "ok", version: env!("CARGO_PKG_VERSION"), store, down })
}

/// Whether a load balancer may send calls to this process.
async fn ready(State(state): State<Arc<HttpState>>) -> Response {
    if state.drain.is_on() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    let down: Vec<_> = state.stores.check().await.down().collect();
    if !down.is_empty() {
        let body = format!("the store is down: {}\n", down.join(", "));
        return (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    }
    match state.stores.evicting_policy() {
        Some(policy) => format!("ready\nRedis may evict keys: {policy}\n").into_response(),
        None => "ready\n".into_response(),
    }
}

/// Always answers, because figures are needed most while a store is down. Those of the lobby are
/// missing then.
async fn stats(State(state): State<Arc<HttpState>>) -> Response {
    let (stats, stores) = tokio::join!(state.connect.stats(), state.stores.check());
    let store = if stores.all_up() { "up" } else { "down" };
    match stats {
        Ok(stats) => Json(StatsBody { stats, store }).into_response(),
        Err(_) => Json(OutageBody {
            status: "degraded",
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: state.connect.uptime().as_secs(),
            store,
        })
        .into_response(),
    }
}

/// Always answers, as [`stats`] does.
async fn metrics(State(state): State<Arc<HttpState>>) -> Response {
    let (lobby, stores) = tokio::join!(state.connect.lobby_stats(), state.stores.check());
    let figures = Figures {
        lobby: lobby.as_ref().ok(),
        stores: &stores,
        refusals: &state.refusals,
        sessions: SessionStats {
            sessions: state.session_limit.in_use(),
            reachable: state.couriers.reachable_count(),
            given_up: state.couriers.closed_count(),
        },
        clock_skew_ms: state.stores.clock_skew_ms(),
    };
    let text_format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (text_format, state.metrics.render(&figures)).into_response()
}
