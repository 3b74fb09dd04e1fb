//! [`routes`]: the admin actions over HTTP. Each parses, calls one [`AdminApi`] method, answers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::{AdminApi, VerdictArg};
use crate::moderation::admin::AdminError;
use crate::transport::http::auth::{Gate, require_token};

/// The routes of `admin` behind their own gate. `tools` serves [`AdminTools`](super::AdminTools) at
/// `/admin/mcp`.
pub fn routes(admin: Arc<AdminApi>, tools: MethodRouter, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/admin/reports", get(reports))
        .route("/admin/reports/{id}", post(resolve))
        .route("/admin/people/{code}", get(look_up))
        .route("/admin/people/{code}/ban", post(ban))
        .route("/admin/people/{code}/unban", post(unban))
        .route("/admin/broadcast", post(broadcast))
        .route("/admin/drain", post(drain))
        .route("/admin/log", get(log))
        .with_state(admin)
        .route("/admin/mcp", tools)
        .layer(require_token(gate))
}

#[derive(Deserialize)]
struct ResolveRequest {
    verdict: VerdictArg,
}

#[derive(Deserialize)]
struct BroadcastRequest {
    text: String,
    id: Option<String>,
}

#[derive(Deserialize)]
struct DrainRequest {
    #[serde(default = "default_true")]
    drain: bool,
}

const fn default_true() -> bool {
    true
}

async fn reports(State(admin): State<Arc<AdminApi>>) -> Response {
    to_json(admin.reports().await)
}

async fn resolve(
    State(admin): State<Arc<AdminApi>>,
    Path(id): Path<String>,
    Json(body): Json<ResolveRequest>,
) -> Response {
    to_no_content(admin.resolve(&id, body.verdict).await)
}

async fn look_up(State(admin): State<Arc<AdminApi>>, Path(code): Path<String>) -> Response {
    to_json(admin.look_up(&code).await)
}

async fn ban(State(admin): State<Arc<AdminApi>>, Path(code): Path<String>) -> Response {
    to_no_content(admin.ban(&code).await)
}

async fn unban(State(admin): State<Arc<AdminApi>>, Path(code): Path<String>) -> Response {
    to_no_content(admin.unban(&code).await)
}

async fn broadcast(
    State(admin): State<Arc<AdminApi>>,
    Json(BroadcastRequest { text, id }): Json<BroadcastRequest>,
) -> Response {
    match admin.broadcast(&text, id.as_deref()).await {
        Ok(report) if !report.complete => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(report)).into_response()
        }
        result => to_json(result),
    }
}

/// Starts the drain if the request has no body.
async fn drain(State(admin): State<Arc<AdminApi>>, body: Option<Json<DrainRequest>>) -> Response {
    to_no_content(admin.drain(body.is_none_or(|Json(body)| body.drain)).await)
}

async fn log(State(admin): State<Arc<AdminApi>>) -> Response {
    to_json(admin.audit_log().await)
}

fn to_no_content(result: Result<(), AdminError>) -> Response {
    to_json(result.map(|()| json!({ "ok": true })))
}

fn to_json<T: Serialize>(result: Result<T, AdminError>) -> Response {
    result.map_or_else(|error| error_response(&error), |value| Json(value).into_response())
}

fn error_response(error: &AdminError) -> Response {
    let status = match error {
        AdminError::ReportNotFound | AdminError::UserNotFound => StatusCode::NOT_FOUND,
        AdminError::Ambiguous => StatusCode::CONFLICT,
        AdminError::InvalidBroadcast => StatusCode::BAD_REQUEST,
        AdminError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
