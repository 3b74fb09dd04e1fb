//! [`complete`]: OpenAI's `POST /v1/chat/completions`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::Value;

use super::answer::respond;
use super::refusal::ApiFormat;
use super::{ApiRequest, SharedState};
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::provider::request::{MessagesHeaders, RequestBody, WireFormat};
use crate::gateway::provider::write::options::WriterOptions;
use crate::gateway::service::request::{AUTO_PROVIDER, GatewayRequest, asks_for_several_answers};
use crate::transport::http::connection::ConnectionInfo;

const CHAT: ApiFormat = ApiFormat(WireFormat::Chat);

/// Answers a request.
pub async fn complete(
    State(state): State<SharedState>,
    Extension(connection): Extension<ConnectionInfo>,
    request: Request,
) -> Response {
    let request = match ApiRequest::read(&state, &connection, request, CHAT).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let (caller, service) = (request.caller.clone(), &state.session.service);
    match parse(request) {
        Ok((request, include_usage)) => {
            let id = service.random_name();
            let options = WriterOptions { id, created: service.now(), include_usage };
            let is_stream = request.stream;
            respond(CHAT, options, is_stream, service.start(caller, request)).await
        }
        Err(error) => CHAT.refusal(&error),
    }
}

/// Returns the request, and whether a stream ends with the usage.
fn parse(mut request: ApiRequest) -> Result<(GatewayRequest, bool), GatewayError> {
    if request.idempotency_key.is_some() && asks_for_several_answers(&request.body) {
        let message =
            "`n` is at most 1 with the header Idempotency-Key: send a request for each answer";
        return Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message));
    }
    let model: String = request.require("model")?;
    let stream = request.take::<bool>("stream")?.unwrap_or_default();
    let old_limit: Option<u64> = request.take("max_tokens")?;
    let max_output_tokens = request.take("max_completion_tokens")?.or(old_limit);
    let include_usage = request
        .body
        .get("stream_options")
        .and_then(|options| options.get("include_usage"))
        .is_some_and(|value| value == &Value::Bool(true));
    let request = GatewayRequest {
        body: RequestBody::Chat(request.body),
        headers: MessagesHeaders::default(),
        provider: AUTO_PROVIDER.to_owned(),
        model,
        fallback: Vec::new(),
        stream,
        max_output_tokens,
        budget: None,
        idempotency_key: request.idempotency_key,
    };
    Ok((request, include_usage))
}
