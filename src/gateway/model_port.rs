//! [`GatewayModel`]: the language model of the other toolsets. The operator names the account that pays for it.
//!
//! Requests take the way of every other one, with a hold, failover and a bill, so that the operator sees what they cost,
//! and the credits of the account limit them.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio_util::sync::DropGuard;

use super::error::{GatewayError, GatewayErrorCode};
use super::provider::frame::ProviderEvent;
use super::provider::request::{MessagesHeaders, RequestBody};
use super::service::GatewayService;
use super::service::answer::AnswerEvent;
use super::service::buffer::AnswerEventReader;
use super::service::request::{AUTO_PROVIDER, GatewayCaller, GatewayRequest};
use crate::kernel::model::{
    FinishReason, LanguageModel, ModelError, ModelErrorKind, ModelEvent, ModelMessage,
    ModelRequest, ModelRole, ModelStream,
};

/// The models of the gateway, for one account.
pub struct GatewayModel {
    service: Arc<GatewayService>,
    payer: GatewayCaller,
    /// The model of requests that name none. `None` for the cheapest.
    default_model: Option<String>,
}

impl GatewayModel {
    /// The models for the account of `payer`.
    #[must_use]
    pub fn new(
        service: Arc<GatewayService>,
        payer: GatewayCaller,
        default_model: Option<String>,
    ) -> Self {
        Self { service, payer, default_model }
    }

    fn request(&self, request: &ModelRequest) -> Option<GatewayRequest> {
        let cheapest = || self.service.cheapest_model(self.payer.role);
        let named = request.model.clone().or_else(|| self.default_model.clone());
        Some(GatewayRequest {
            body: RequestBody::Chat(body(request)),
            headers: MessagesHeaders::default(),
            provider: AUTO_PROVIDER.to_owned(),
            model: named.or_else(cheapest)?,
            fallback: Vec::new(),
            stream: true,
            max_output_tokens: Some(request.max_output_tokens.into()),
            budget: None,
            idempotency_key: None,
        })
    }
}

impl LanguageModel for GatewayModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let (service, payer) = (Arc::clone(&self.service), self.payer.clone());
        let asked = self.request(&request);
        let events = answer_events(move || match asked {
            Some(asked) => OpenModelAnswer::start(&service, payer, asked),
            None => OpenModelAnswer::failed(ModelErrorKind::UnknownModel.into()),
        });
        ModelStream::new(request.time_limit, events)
    }
}

/// The request in OpenAI's format.
fn body(request: &ModelRequest) -> Map<String, Value> {
    let message = |message: &ModelMessage| {
        let role = match message.role {
            ModelRole::System => "system",
            ModelRole::User => "user",
            ModelRole::Assistant => "assistant",
        };
        json!({ "role": role, "content": message.text })
    };
    let sampling = &request.sampling;
    let mut body = Map::new();
    body.insert("messages".to_owned(), request.messages.iter().map(message).collect());
    for (name, value) in [("temperature", sampling.temperature), ("top_p", sampling.top_p)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    if !sampling.stop.is_empty() {
        body.insert("stop".to_owned(), json!(sampling.stop));
    }
    body
}

/// A request in progress. Dropping it cancels the request.
struct OpenModelAnswer {
    /// `None` without a request.
    answer: Option<(AnswerEventReader, DropGuard)>,
    /// Events that were read together.
    waiting: VecDeque<Result<ModelEvent, ModelError>>,
}

impl OpenModelAnswer {
    fn start(service: &GatewayService, payer: GatewayCaller, request: GatewayRequest) -> Self {
        let started = service.start(payer, request);
        let answer = (started.events.reader(0), started.cancel.drop_guard());
        Self { answer: Some(answer), waiting: VecDeque::new() }
    }

    fn failed(error: ModelError) -> Self {
        Self { answer: None, waiting: [Err(error)].into() }
    }

    /// The next event. `None` after the end.
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let (reader, _) = self.answer.as_mut()?;
            let Ok(event) = reader.next().await else {
                return Some(Err(ModelErrorKind::Truncated.into()));
            };
            self.waiting.extend(model_events(event?.1));
        }
    }
}

/// The events of a request, which `start` sends when the first one is asked for.
fn answer_events(
    start: impl FnOnce() -> OpenModelAnswer + Send + 'static,
) -> impl Stream<Item = Result<ModelEvent, ModelError>> + Send {
    stream::once(async { start() }).flat_map(|answer| {
        stream::unfold(answer, async |mut answer| Some((answer.next().await?, answer)))
    })
}

/// The port's events for a step of an answer. The end comes after the charge is stored.
fn model_events(event: AnswerEvent) -> Vec<Result<ModelEvent, ModelError>> {
    match event {
        AnswerEvent::Frame(frame) => frame.events.iter().filter_map(model_event).map(Ok).collect(),
        AnswerEvent::Done(bill) => {
            let finish = bill.finish.map_or(FinishReason::Other, FinishReason::from);
            vec![Ok(ModelEvent::Usage(bill.usage)), Ok(ModelEvent::Finished(finish))]
        }
        AnswerEvent::Failed(failed) => vec![Err(model_error(&failed.error))],
        AnswerEvent::Accepted(_) | AnswerEvent::Failover { .. } => Vec::new(),
    }
}

fn model_event(event: &ProviderEvent) -> Option<ModelEvent> {
    match event {
        ProviderEvent::Started { model, .. } => Some(ModelEvent::Started { model: model.clone() }),
        ProviderEvent::Text(text) => Some(ModelEvent::Text(text.clone())),
        ProviderEvent::Usage(usage) => Some(ModelEvent::Usage(*usage)),
        ProviderEvent::Reasoning(_)
        | ProviderEvent::ToolCall { .. }
        | ProviderEvent::Finished { .. } => None,
    }
}

fn model_error(error: &GatewayError) -> ModelError {
    use GatewayErrorCode as Code;
    let kind = match error.code {
        Code::InvalidJson
        | Code::InvalidRequest
        | Code::ContentRefused
        | Code::DuplicateId
        | Code::TooLarge => ModelErrorKind::Rejected,
        Code::ContextTooLong => ModelErrorKind::ContextTooLong,
        Code::UnknownModel | Code::ModelNotAllowed => ModelErrorKind::UnknownModel,
        Code::Unauthorized
        | Code::TokenExpired
        | Code::InsufficientCredits
        | Code::ProviderRejected => ModelErrorKind::Account,
        Code::RateLimited | Code::TooManyRequests | Code::ProviderThrottled => {
            ModelErrorKind::Throttled
        }
        Code::Cancelled
        | Code::ProviderUnavailable
        | Code::Draining
        | Code::AuthUnavailable
        | Code::LedgerUnavailable
        | Code::Internal => ModelErrorKind::Unavailable,
        Code::StreamBroken => ModelErrorKind::Truncated,
        Code::ProviderTimeout => ModelErrorKind::TimeLimit,
    };
    ModelError { kind, retry_after: error.retry_after }
}
