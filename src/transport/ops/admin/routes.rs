//! The office over HTTP: parse, one step, answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use super::{AdminApi, VerdictArg};
use crate::kernel::receipt::ReceiptCollector;
use crate::moderation::admin::AdminError;
use crate::transport::http::auth::{Gate, require_token};
use crate::transport::mcp::endpoint::{MAX_BODY_BYTES, forward_to_rmcp, read_body};
use crate::transport::mcp::server::McpServer;

type Mcp = StreamableHttpService<McpServer, NeverSessionManager>;

/// The routes, behind a gate of their own. `body_timeout` is for whoever posts to the MCP endpoint.
pub fn routes(office: Arc<AdminApi>, mcp: Mcp, gate: Arc<Gate>, body_timeout: Duration) -> Router {
    let tools = any(async move |request: Request| handle_mcp(mcp, request, body_timeout).await);
    Router::new()
        .route("/admin/reports", get(reports))
        .route("/admin/reports/{id}", post(resolve))
        .route("/admin/people/{code}", get(look_up))
        .route("/admin/people/{code}/ban", post(ban))
        .route("/admin/people/{code}/unban", post(unban))
        .route("/admin/broadcast", post(broadcast))
        .route("/admin/drain", post(drain))
        .route("/admin/log", get(log))
        .route("/admin/mcp", tools)
        .layer(require_token(gate))
        .with_state(office)
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

async fn reports(State(office): State<Arc<AdminApi>>) -> Response {
    to_json(office.reports().await)
}

async fn resolve(
    State(office): State<Arc<AdminApi>>,
    Path(id): Path<String>,
    Json(decision): Json<ResolveRequest>,
) -> Response {
    to_no_content(office.resolve(&id, decision.verdict).await)
}

async fn look_up(State(office): State<Arc<AdminApi>>, Path(code): Path<String>) -> Response {
    to_json(office.look_up(&code).await)
}

async fn ban(State(office): State<Arc<AdminApi>>, Path(code): Path<String>) -> Response {
    to_no_content(office.ban(&code).await)
}

async fn unban(State(office): State<Arc<AdminApi>>, Path(code): Path<String>) -> Response {
    to_no_content(office.unban(&code).await)
}

async fn broadcast(
    State(office): State<Arc<AdminApi>>,
    Json(BroadcastRequest { text, id }): Json<BroadcastRequest>,
) -> Response {
    match office.broadcast(&text, id.as_deref()).await {
        Ok(told) if !told.complete => (StatusCode::SERVICE_UNAVAILABLE, Json(told)).into_response(),
        told => to_json(told),
    }
}

/// Without a body the instance is drained.
async fn drain(State(office): State<Arc<AdminApi>>, body: Option<Json<DrainRequest>>) -> Response {
    to_no_content(office.drain(body.is_none_or(|Json(body)| body.drain)).await)
}

async fn log(State(office): State<Arc<AdminApi>>) -> Response {
    to_json(office.audit_log().await)
}

async fn handle_mcp(mcp: Mcp, request: Request, body_timeout: Duration) -> Response {
    if request.method() != Method::POST {
        return mcp.handle(request).await.into_response();
    }
    let (parts, body) = request.into_parts();
    match read_body(body, MAX_BODY_BYTES, sleep(body_timeout)).await {
        // Nothing of an operator's is on lease.
        Ok(body) => forward_to_rmcp(&mcp, parts, body, ReceiptCollector::new().handle()).await,
        Err(response) => response,
    }
}

fn to_no_content(done: Result<(), AdminError>) -> Response {
    to_json(done.map(|()| json!({ "ok": true })))
}

fn to_json<T: Serialize>(done: Result<T, AdminError>) -> Response {
    done.map_or_else(|refusal| error_response(&refusal), |done| Json(done).into_response())
}

fn error_response(refusal: &AdminError) -> Response {
    let status = match refusal {
        AdminError::ReportNotFound | AdminError::UserNotFound => StatusCode::NOT_FOUND,
        AdminError::Ambiguous => StatusCode::CONFLICT,
        AdminError::InvalidBroadcast => StatusCode::BAD_REQUEST,
        AdminError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(json!({ "error": refusal.to_string() }))).into_response()
}
