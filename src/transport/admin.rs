//! The operator's routes below `/admin`, for whoever bears `ADMIN_TOKEN`. Without one there are none.
//!
//! To people and agents nothing of this is visible: no tool and no answer names it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth::{Gate, require_token};
use crate::connect::guarded::GuardedLobby;
use crate::kernel::clock::Clock;
use crate::safety::admin::{Admin, Refusal};
use crate::safety::ledger::{LedgerError, Note, Verdict};

/// What the operator's routes work with.
pub struct Office {
    pub admin: Admin,
    pub lobby: Arc<GuardedLobby>,
    pub clock: Arc<dyn Clock>,
}

/// The routes, behind a gate of their own.
pub fn routes(office: Arc<Office>, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/admin/reports", get(reports))
        .route("/admin/reports/{id}", post(resolve))
        .route("/admin/people/{code}", get(profile))
        .route("/admin/people/{code}/ban", post(ban))
        .route("/admin/people/{code}/unban", post(unban))
        .route("/admin/log", get(log))
        .layer(middleware::from_fn_with_state(gate, require_token))
        .with_state(office)
}

/// What was decided about a report.
#[derive(Deserialize)]
struct Decision {
    verdict: Word,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Upheld,
    Dismissed,
}

async fn reports(State(office): State<Arc<Office>>) -> Response {
    answer(office.admin.reports(office.clock.now()).await)
}

async fn resolve(
    State(office): State<Arc<Office>>,
    Path(id): Path<String>,
    Json(decision): Json<Decision>,
) -> Response {
    let verdict = match decision.verdict {
        Word::Upheld => Verdict::Upheld,
        Word::Dismissed => Verdict::Dismissed,
    };
    let done = office.admin.resolve(&id, verdict, office.clock.now()).await;
    answer(done.map(|()| json!({ "ok": true })))
}

async fn profile(State(office): State<Arc<Office>>, Path(code): Path<String>) -> Response {
    answer(office.admin.profile(&code, office.clock.now()).await)
}

async fn ban(State(office): State<Arc<Office>>, Path(code): Path<String>) -> Response {
    let now = office.clock.now();
    let who = match office.admin.ban(&code, now).await {
        Ok(who) => who,
        Err(refusal) => return refused(&refusal),
    };
    match office.lobby.expel(who, now).await {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(_) => refused(&Refusal::Unavailable(LedgerError)),
    }
}

async fn unban(State(office): State<Arc<Office>>, Path(code): Path<String>) -> Response {
    let done = office.admin.unban(&code, office.clock.now()).await;
    answer(done.map(|_| json!({ "ok": true })))
}

async fn log(State(office): State<Arc<Office>>) -> Response {
    let notes = office.admin.logged().await;
    let written = |notes: Vec<Note>| {
        let note = |note: Note| json!({ "at": note.at.as_millis(), "what": note.what });
        notes.into_iter().map(note).collect::<Vec<_>>()
    };
    answer(notes.map(written))
}

fn answer<T: Serialize>(done: Result<T, Refusal>) -> Response {
    done.map_or_else(|refusal| refused(&refusal), |done| Json(done).into_response())
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::NoReport | Refusal::NoPerson => StatusCode::NOT_FOUND,
        Refusal::Ambiguous => StatusCode::CONFLICT,
        Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(json!({ "error": refusal.to_string() }))).into_response()
}
