//! [`health`] and [`stats`]: the state of the gateway, in the notation of its first version.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::state::GatewayState;
use crate::gateway::service::connections::ConnectionCounts;

/// The state of the gateway.
#[derive(Serialize)]
pub struct GatewayHealthBody {
    status: &'static str,
    timestamp: String,
    version: &'static str,
    connections: ConnectionCounts,
}

/// The numbers of open sockets and running requests.
#[derive(Serialize)]
pub struct GatewayStatsBody {
    #[serde(flatten)]
    connections: ConnectionCounts,
    timestamp: String,
}

/// Answers `GET /gateway/health`.
pub async fn health(State(state): State<Arc<GatewayState>>) -> Json<GatewayHealthBody> {
    let service = &state.session.service;
    Json(GatewayHealthBody {
        status: "OK",
        timestamp: service.now().to_iso_8601(),
        version: env!("CARGO_PKG_VERSION"),
        connections: service.counts(),
    })
}

/// Answers `GET /gateway/stats`.
pub async fn stats(State(state): State<Arc<GatewayState>>) -> Json<GatewayStatsBody> {
    let service = &state.session.service;
    Json(GatewayStatsBody { connections: service.counts(), timestamp: service.now().to_iso_8601() })
}
