//! The routes of API keys. Each parses, calls one method of [`AdminApi`], answers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::json;

use super::api::AdminApi;
use super::args::{CreateKeyArgs, NoArgs, PageArgs};
use super::http::{Body, Parameters, RouteState, error_response, problem};
use super::key_actions::{IssuedKeyView, KeyActionError};
use crate::credentials::api_keys::service::ApiKeyError;
use crate::moderation::admin::Operator;

/// The route with a query.
pub(super) fn lists() -> Router<Arc<AdminApi>> {
    Router::new().route("/admin/keys", get(list))
}

/// The routes with a body.
pub(super) fn actions() -> Router<RouteState> {
    Router::new()
        .route("/admin/keys", post(create))
        .route("/admin/keys/{id}/rotate", post(rotate))
        .route("/admin/keys/{id}/revoke", post(revoke))
}

async fn list(
    State(admin): State<Arc<AdminApi>>,
    Parameters(PageArgs { cursor }): Parameters<PageArgs>,
) -> Response {
    match admin.list_keys(cursor.as_deref()).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => key_error(&error),
    }
}

async fn create(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Body(args): Body<CreateKeyArgs>,
) -> Response {
    to_issued(admin.create_key(&args, &by).await)
}

async fn rotate(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Path(id): Path<String>,
    Body(NoArgs {}): Body<NoArgs>,
) -> Response {
    to_issued(admin.rotate_key(&id, &by).await)
}

async fn revoke(
    State(admin): State<Arc<AdminApi>>,
    Extension(by): Extension<Operator>,
    Path(id): Path<String>,
    Body(NoArgs {}): Body<NoArgs>,
) -> Response {
    match admin.revoke_key(&id, &by).await {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(error) => key_error(&error),
    }
}

/// A new key, which no cache may keep.
fn to_issued(result: Result<IssuedKeyView, KeyActionError>) -> Response {
    match result {
        Ok(issued) => ([(header::CACHE_CONTROL, "no-store")], Json(issued)).into_response(),
        Err(error) => key_error(&error),
    }
}

fn key_error(error: &KeyActionError) -> Response {
    let status = match error {
        KeyActionError::Audit(error) => return error_response(error),
        KeyActionError::Id(_) | KeyActionError::Key(ApiKeyError::NotFound) => StatusCode::NOT_FOUND,
        KeyActionError::NoDatabase
        | KeyActionError::Key(ApiKeyError::Inactive | ApiKeyError::Replaced(_)) => {
            StatusCode::CONFLICT
        }
        KeyActionError::Request(_) | KeyActionError::Owner(_) | KeyActionError::Policy(_) => {
            StatusCode::BAD_REQUEST
        }
        KeyActionError::Key(ApiKeyError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
    };
    problem(status, &error.to_string())
}
