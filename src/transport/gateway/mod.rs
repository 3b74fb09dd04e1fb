//! The edges of the gateway: its WebSocket, the HTTP APIs of OpenAI and Anthropic, and its state.
//!
//! Each edge reads a request, starts it in [`GatewayService`](crate::gateway::service::GatewayService), and writes the
//! events of its answer in its own format. Prices, providers and accounts must not appear here.

mod answers;
mod api;
pub mod caller;
mod health;
pub mod listener;
pub mod resume;
pub mod session;
mod socket;
pub mod state;
mod token;
pub mod token_watch;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use self::state::GatewayState;
use crate::transport::http::auth::require_token;

/// The routes that check the token themselves, and those that need none.
pub fn routes(state: Arc<GatewayState>) -> Router {
    Router::new()
        .route("/gateway", any(socket::connect))
        .route("/gateway/", any(socket::connect))
        .route("/gateway/health", get(health::health))
        .route("/v1/chat/completions", post(api::chat::complete))
        .route("/v1/messages", post(api::messages::create))
        .route("/v1/models", get(api::models::list))
        .route("/v1/models/{*model}", get(api::models::retrieve))
        .merge(stats_route("/gateway/stats", &state))
        .with_state(state)
}

/// The statistics at `path`, for users of the gateway and for operators.
fn stats_route(path: &str, state: &GatewayState) -> Router<Arc<GatewayState>> {
    let gate = Arc::clone(&state.stats_gate);
    Router::new().route(path, get(health::stats)).layer(from_fn_with_state(gate, require_token))
}
