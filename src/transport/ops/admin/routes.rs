//! [`routes`]: the admin actions over HTTP. Each parses, calls one [`AdminApi`] method, answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router};

use super::account_routes;
use super::accounts::AccountAdmin;
use super::api::AdminApi;
use super::args::{
    BanTerms, BroadcastArgs, DrainArgs, ListReportsArgs, NoArgs, PageArgs, VerdictArgs,
};
use super::http::{
    Body, Parameters, RouteState, error_response, reject_query, to_json, to_no_content,
};
use super::keys;
use super::operator::attach_operator;
use crate::moderation::admin::Operator;
use crate::transport::http::auth::{Gate, require_token};

/// The routes of `admin` behind their own gate. `tools` serves [`AdminTools`](super::AdminTools) at
/// `/admin/mcp`. `body_timeout` is the time to send a whole body, and `accounts` is `None` without the gateway.
pub fn routes(
    admin: Arc<AdminApi>,
    tools: MethodRouter,
    gate: Arc<Gate>,
    body_timeout: Duration,
    accounts: Option<&Arc<AccountAdmin>>,
) -> Router {
    let operator = from_fn_with_state(Arc::clone(&admin), attach_operator);
    let lists = Router::new()
        .route("/admin/reports", get(reports))
        .route("/admin/cases", get(cases))
        .route("/admin/suspended", get(suspended))
        .merge(keys::lists())
        .merge(account_routes::lists(accounts))
        .with_state(Arc::clone(&admin));
    Router::new()
        .route("/admin/reports/{id}", post(resolve))
        .route("/admin/people/{code}", get(look_up))
        .route("/admin/people/{code}/ban", post(ban))
        .route("/admin/people/{code}/unban", post(unban))
        .route("/admin/broadcast", post(broadcast))
        .route("/admin/drain", post(drain))
        .route("/admin/log", get(log))
        .merge(keys::actions())
        .merge(account_routes::actions(accounts))
        .with_state(RouteState { admin, body_timeout })
        .layer(from_fn(reject_query))
        .merge(lists)
        .route("/admin/mcp", tools.clone())
        .route("/admin/mcp/", tools)
        .layer(operator)
        .layer(from_fn_with_state(gate, require_token))
}

/// The reports as a JSON array; a `Link` header leads to the next page.
async fn reports(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Parameters(ListReportsArgs { code, cursor }): Parameters<ListReportsArgs>,
) -> Response {
    let page = match admin.reports(code.as_deref(), cursor.as_deref(), &by).await {
        Ok(page) => page,
        Err(error) => return error_response(&error),
    };
    // A cursor and a code contain only letters, digits and dots.
    let code = code.map(|code| format!("&code={}", code.trim())).unwrap_or_default();
    let link = |next| format!("</admin/reports?cursor={next}{code}>; rel=\"next\"");
    let link = page.next.map(link).map(|link| [(header::LINK, link)]);
    (link, Json(page.items)).into_response()
}

async fn cases(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Parameters(PageArgs { cursor }): Parameters<PageArgs>,
) -> Response {
    to_json(admin.cases(cursor.as_deref(), &by).await)
}

async fn suspended(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Parameters(PageArgs { cursor }): Parameters<PageArgs>,
) -> Response {
    to_json(admin.suspended(cursor.as_deref(), &by).await)
}

async fn resolve(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Path(id): Path<String>,
    Body(VerdictArgs { verdict }): Body<VerdictArgs>,
) -> Response {
    to_no_content(admin.resolve(&id, verdict, &by).await)
}

async fn look_up(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Path(code): Path<String>,
) -> Response {
    to_json(admin.look_up(&code, &by).await)
}

async fn ban(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Path(code): Path<String>,
    Body(BanTerms { reason, hours }): Body<BanTerms>,
) -> Response {
    to_no_content(admin.ban(&code, reason.as_deref(), hours, &by).await)
}

async fn unban(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Path(code): Path<String>,
    Body(NoArgs {}): Body<NoArgs>,
) -> Response {
    to_no_content(admin.unban(&code, &by).await)
}

async fn broadcast(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Body(BroadcastArgs { text, id }): Body<BroadcastArgs>,
) -> Response {
    match admin.broadcast(&text, id.as_deref(), &by).await {
        Ok(report) if !report.complete => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(report)).into_response()
        }
        result => to_json(result),
    }
}

async fn drain(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Body(DrainArgs { drain }): Body<DrainArgs>,
) -> Response {
    to_no_content(admin.drain(drain, &by).await)
}

async fn log(State(admin): State<Arc<AdminApi>>) -> Response {
    to_json(admin.audit_log().await)
}
