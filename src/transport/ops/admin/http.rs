//! The HTTP side that the operator's routes share: their state, arguments and answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::api::AdminApi;
use crate::kernel::arguments::parse_arguments;
use crate::moderation::admin::AdminError;
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;

#[derive(Clone)]
pub(super) struct RouteState {
    pub admin: Arc<AdminApi>,
    /// The time to send a whole body.
    pub body_timeout: Duration,
}

impl FromRef<RouteState> for Arc<AdminApi> {
    fn from_ref(state: &RouteState) -> Self {
        Self::clone(&state.admin)
    }
}

/// The arguments in the body of a request. No body counts as an empty object.
pub(super) struct Body<T>(pub T);

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
pub(super) async fn reject_query(request: Request, next: Next) -> Response {
    if request.uri().query().is_some() {
        return invalid("this path takes no query: send a JSON object as the body");
    }
    next.run(request).await
}

pub(super) fn invalid(problem: &str) -> Response {
    self::problem(StatusCode::BAD_REQUEST, problem)
}

/// The arguments in the query of a list.
pub(super) struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        // The error's text may quote a value.
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Self(query)).map_err(|_| invalid("this list takes no such query"))
    }
}

pub(super) fn to_no_content(result: Result<(), AdminError>) -> Response {
    to_json(result.map(|()| json!({ "ok": true })))
}

pub(super) fn to_json<T: Serialize>(result: Result<T, AdminError>) -> Response {
    result.map_or_else(|error| error_response(&error), |value| Json(value).into_response())
}

pub(super) fn error_response(error: &AdminError) -> Response {
    let status = match error {
        AdminError::ReportNotFound | AdminError::UserNotFound => StatusCode::NOT_FOUND,
        AdminError::Ambiguous | AdminError::AlreadyDecided(_) => StatusCode::CONFLICT,
        AdminError::InvalidBroadcast | AdminError::InvalidBan | AdminError::InvalidCursor => {
            StatusCode::BAD_REQUEST
        }
        AdminError::Interrupted(_) | AdminError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    problem(status, &error.to_string())
}

/// An error as JSON.
pub(super) fn problem(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}
