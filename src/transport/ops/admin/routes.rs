//! [`routes`]: the admin actions over HTTP. Each parses, calls one [`AdminApi`] method, answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::api::AdminApi;
use super::args::{
    BanTerms, BroadcastArgs, DrainArgs, ListReportsArgs, NoArgs, PageArgs, VerdictArgs,
};
use super::operator::attach_operator;
use crate::kernel::arguments::parse_arguments;
use crate::moderation::admin::{AdminError, Operator};
use crate::transport::http::auth::{Gate, require_token};
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;

/// The routes of `admin` behind their own gate. `tools` serves [`AdminTools`](super::AdminTools) at
/// `/admin/mcp`. `body_timeout` is the time to send a whole body.
pub fn routes(
    admin: Arc<AdminApi>,
    tools: MethodRouter,
    gate: Arc<Gate>,
    body_timeout: Duration,
) -> Router {
    let operator = from_fn_with_state(Arc::clone(&admin), attach_operator);
    let lists = Router::new()
        .route("/admin/reports", get(reports))
        .route("/admin/cases", get(cases))
        .route("/admin/suspended", get(suspended))
        .with_state(Arc::clone(&admin));
    Router::new()
        .route("/admin/reports/{id}", post(resolve))
        .route("/admin/people/{code}", get(look_up))
        .route("/admin/people/{code}/ban", post(ban))
        .route("/admin/people/{code}/unban", post(unban))
        .route("/admin/broadcast", post(broadcast))
        .route("/admin/drain", post(drain))
        .route("/admin/log", get(log))
        .with_state(RouteState { admin, body_timeout })
        .layer(from_fn(reject_query))
        .merge(lists)
        .route("/admin/mcp", tools.clone())
        .route("/admin/mcp/", tools)
        .layer(operator)
        .layer(from_fn_with_state(gate, require_token))
}

#[derive(Clone)]
struct RouteState {
    admin: Arc<AdminApi>,
    body_timeout: Duration,
}

impl FromRef<RouteState> for Arc<AdminApi> {
    fn from_ref(state: &RouteState) -> Self {
        Self::clone(&state.admin)
    }
}

/// The arguments in the body of a request. No body counts as an empty object.
struct Body<T>(T);

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest<RouteState> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &RouteState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let connection = Extension::<ConnectionInfo>::from_request_parts(&mut parts, state).await;
        let Extension(connection) = connection.map_err(IntoResponse::into_response)?;
        let body = read_body(body, MAX_BODY_BYTES, state.body_timeout, &connection).await?;
        let text = str::from_utf8(&body).map_err(|_| invalid("expected text in UTF-8"))?.trim();
        let text = if text.is_empty() || text == "null" { "{}" } else { text };
        parse_arguments(text).map(Self).map_err(|error| invalid(&error.message))
    }
}

/// Refuses a query, because a route would ignore it: `?drain=false` would start a drain.
async fn reject_query(request: Request, next: Next) -> Response {
    if request.uri().query().is_some() {
        return invalid("this path takes no query: send a JSON object as the body");
    }
    next.run(request).await
}

fn invalid(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response()
}

/// The arguments in the query of a list.
struct Parameters<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        // The error's text may quote a value.
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Self(query)).map_err(|_| invalid("this list takes no such query"))
    }
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

fn to_no_content(result: Result<(), AdminError>) -> Response {
    to_json(result.map(|()| json!({ "ok": true })))
}

fn to_json<T: Serialize>(result: Result<T, AdminError>) -> Response {
    result.map_or_else(|error| error_response(&error), |value| Json(value).into_response())
}

fn error_response(error: &AdminError) -> Response {
    let status = match error {
        AdminError::ReportNotFound | AdminError::UserNotFound => StatusCode::NOT_FOUND,
        AdminError::Ambiguous | AdminError::AlreadyDecided(_) => StatusCode::CONFLICT,
        AdminError::InvalidBroadcast | AdminError::InvalidBan | AdminError::InvalidCursor => {
            StatusCode::BAD_REQUEST
        }
        AdminError::Interrupted(_) | AdminError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
