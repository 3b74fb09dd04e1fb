//! [`list`]: OpenAI's `GET /v1/models`.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::refusal::ApiFormat;
use super::{SharedState, admit};
use crate::gateway::provider::request::WireFormat;

const CHAT: ApiFormat = ApiFormat(WireFormat::Chat);

/// Lists the models that the caller may use.
pub async fn list(State(state): State<SharedState>, request: Request) -> Response {
    let caller = match admit(&state, request.headers(), request.uri(), CHAT).await {
        Ok(caller) => caller,
        Err(response) => return response,
    };
    let models: Vec<_> = state
        .session
        .service
        .models(caller.role)
        .map(|model| {
            json!({
                "id": model.name,
                "object": "model",
                // The field is required; the catalog has no dates of models.
                "created": 0,
                "owned_by": model.provider,
            })
        })
        .collect();
    Json(json!({ "object": "list", "data": models })).into_response()
}
