//! [`list`] and [`retrieve`]: OpenAI's `GET /v1/models` and `GET /v1/models/{model}`.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::refusal::ApiFormat;
use super::{SharedState, admit};
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::provider::request::WireFormat;

const CHAT: ApiFormat = ApiFormat(WireFormat::Chat);

/// Lists the models that the caller may use.
pub async fn list(State(state): State<SharedState>, request: Request) -> Response {
    let caller = match admit(&state, request.headers(), request.uri(), CHAT).await {
        Ok(caller) => caller,
        Err(response) => return response,
    };
    let offered = state.session.service.models(caller.role);
    let models: Vec<_> = offered.map(|model| object(&model.name, &model.provider)).collect();
    Json(json!({ "object": "list", "data": models })).into_response()
}

/// Returns one of the models that the caller may use, also by an alias.
pub async fn retrieve(
    State(state): State<SharedState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let caller = match admit(&state, request.headers(), request.uri(), CHAT).await {
        Ok(caller) => caller,
        Err(response) => return response,
    };
    if let Some(model) = state.session.service.model(caller.role, &name) {
        return Json(object(&model.name, &model.provider)).into_response();
    }
    let message = format!("There is no model {name:?}: GET /v1/models lists all");
    CHAT.refusal(&GatewayError::new(GatewayErrorCode::UnknownModel, message))
}

/// A model, as OpenAI writes it.
fn object(name: &str, provider: &str) -> Value {
    // The date is required; the catalog has none.
    json!({ "id": name, "object": "model", "created": 0, "owned_by": provider })
}
