//! The routes of credits. Each parses, calls one method of [`AccountAdmin`], answers.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Serialize;

use super::account_args::{AccountArgs, ChangeCreditsArgs, UsageExportArgs};
use super::accounts::{AccountAdmin, AccountError};
use super::api::AdminApi;
use super::http::{Body, Parameters, RouteState, error_response, problem};
use super::usage_export::UsageExport;
use crate::gateway::accounts::CreditError;
use crate::moderation::admin::Operator;

/// The routes with a query. None without accounts.
pub(super) fn lists(accounts: Option<&Arc<AccountAdmin>>) -> Router<Arc<AdminApi>> {
    let Some(accounts) = accounts else { return Router::new() };
    Router::new().route("/admin/usage", get(export)).layer(Extension(Arc::clone(accounts)))
}

/// The other routes. A name of a user is in the body, because proxies log addresses.
pub(super) fn actions(accounts: Option<&Arc<AccountAdmin>>) -> Router<RouteState> {
    let Some(accounts) = accounts else { return Router::new() };
    Router::new()
        .route("/admin/accounts/look-up", post(look_up))
        .route("/admin/accounts/credit", post(change))
        .route("/admin/accounts/holds", get(holds))
        .layer(Extension(Arc::clone(accounts)))
}

async fn look_up(
    Extension(accounts): Extension<Arc<AccountAdmin>>,
    Extension(by): Extension<Operator>,
    Body(args): Body<AccountArgs>,
) -> Response {
    answer(accounts.look_up(&args, &by).await)
}

async fn change(
    Extension(accounts): Extension<Arc<AccountAdmin>>,
    Extension(by): Extension<Operator>,
    Body(args): Body<ChangeCreditsArgs>,
) -> Response {
    answer(accounts.change(args, &by).await)
}

async fn holds(Extension(accounts): Extension<Arc<AccountAdmin>>) -> Response {
    answer(accounts.open_holds().await)
}

async fn export(
    Extension(accounts): Extension<Arc<AccountAdmin>>,
    Extension(by): Extension<Operator>,
    Parameters(args): Parameters<UsageExportArgs>,
) -> Response {
    match UsageExport::start(&accounts, &args, &by).await {
        Ok(export) => export.into_response(),
        Err(error) => account_error(&error),
    }
}

fn answer<T: Serialize>(result: Result<T, AccountError>) -> Response {
    result.map_or_else(|error| account_error(&error), |value| Json(value).into_response())
}

fn account_error(error: &AccountError) -> Response {
    let status = match error {
        AccountError::Audit(error) => return error_response(error),
        AccountError::Unavailable(_)
        | AccountError::Balance(_)
        | AccountError::Credit(CreditError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
        AccountError::Credit(_) => StatusCode::CONFLICT,
        AccountError::UnknownAccount => StatusCode::NOT_FOUND,
        AccountError::Unnamed
        | AccountError::NoAccount
        | AccountError::NoTime
        | AccountError::NoPeriod
        | AccountError::NoFormat
        | AccountError::User(_)
        | AccountError::Amount(_)
        | AccountError::Order(_) => StatusCode::BAD_REQUEST,
    };
    problem(status, &error.to_string())
}
