//! The routes: `/mcp`, `/stats` and `/metrics` behind the token, `/health` open.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router, middleware};
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use serde::Serialize;

use super::auth::{Gate, require_token};
use super::endpoint;
use super::mcp::McpServer;
use super::metrics::Metrics;
use crate::connect::service::{ConnectService, Refusal};

/// How much of a connection one caller may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once; further ones wait to be accepted.
    pub connections: usize,
    /// To send a request's head, also from one request to the next on a kept-alive connection.
    pub head_timeout: Duration,
    /// To send a whole body.
    pub body_timeout: Duration,
    /// To take in any part of an answer.
    pub write_timeout: Duration,
    /// For calls in flight to finish once the server is told to stop.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(8),
        }
    }
}

/// What the routes work with.
pub struct Core {
    pub connect: Arc<ConnectService>,
    pub mcp: StreamableHttpService<McpServer, NeverSessionManager>,
    pub metrics: Arc<Metrics>,
    pub limits: Limits,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

/// The routes of the server. Everything but `/health` needs a token, unknown paths included.
pub fn routes(core: Arc<Core>, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/mcp", any(endpoint::answer))
        .route("/mcp/", any(endpoint::answer))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "Not found\n") })
        .layer(middleware::from_fn_with_state(gate, require_token))
        .route("/health", get(health))
        .with_state(core)
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

async fn stats(State(core): State<Arc<Core>>) -> Response {
    core.connect
        .stats()
        .await
        .map_or_else(|error| unavailable(&error.into()), |stats| Json(stats).into_response())
}

async fn metrics(State(core): State<Arc<Core>>) -> Response {
    let text_format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    match core.connect.lobby_stats().await {
        Ok(lobby) => (text_format, core.metrics.render(&lobby)).into_response(),
        Err(error) => unavailable(&error.into()),
    }
}

fn unavailable(refusal: &Refusal) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{refusal}\n")).into_response()
}
