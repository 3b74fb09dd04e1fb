//! [`create`]: Anthropic's `POST /v1/messages`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::answer::respond;
use super::refusal::ApiFormat;
use super::{ApiRequest, SharedState};
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::provider::request::{MessagesHeaders, RequestBody, WireFormat};
use crate::gateway::provider::write::options::WriterOptions;
use crate::gateway::service::request::{AUTO_PROVIDER, GatewayRequest, asks_for_several_answers};
use crate::transport::http::connection::ConnectionInfo;

const MESSAGES: ApiFormat = ApiFormat(WireFormat::Messages);

/// Answers a request.
pub async fn create(
    State(state): State<SharedState>,
    Extension(connection): Extension<ConnectionInfo>,
    request: Request,
) -> Response {
    let request = match ApiRequest::read(&state, &connection, request, MESSAGES).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let (caller, service) = (request.caller.clone(), &state.session.service);
    match parse(request) {
        Ok(request) => {
            let id = service.random_name();
            let options = WriterOptions { id, created: service.now(), include_usage: true };
            let is_stream = request.stream;
            respond(MESSAGES, options, is_stream, service.start(caller, request)).await
        }
        Err(error) => MESSAGES.refusal(&error),
    }
}

fn parse(mut request: ApiRequest) -> Result<GatewayRequest, GatewayError> {
    if asks_for_several_answers(&request.body) {
        let message = "`n` is at most 1 in Anthropic's format: send a request for each answer";
        return Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message));
    }
    let model: String = request.require("model")?;
    let max_output_tokens: u64 = request.require("max_tokens")?;
    let stream = request.take::<bool>("stream")?.unwrap_or_default();
    let header = |name: &str| header(&request.headers, name);
    let headers =
        MessagesHeaders { version: header("anthropic-version"), beta: header("anthropic-beta") };
    Ok(GatewayRequest {
        body: RequestBody::Messages(request.body),
        headers,
        provider: AUTO_PROVIDER.to_owned(),
        model,
        fallback: Vec::new(),
        stream,
        max_output_tokens: Some(max_output_tokens),
        budget: None,
        idempotency_key: request.idempotency_key,
    })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
