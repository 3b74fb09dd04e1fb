//! [`LanguageModel`]: the port for a language model. It names no provider and makes no request.
//!
//! A toolset asks for text through it; an adapter below the gateway, or a double in the tests, answers. Prices, keys,
//! retries and the choice of a provider must not appear here. Tools of the model are left out.
//!
//! # Contract
//!
//! [`ModelStream`] holds these for every adapter, which only passes on the events of its provider:
//!
//! - **One end.** A stream ends with exactly one [`ModelEvent::Finished`] or one [`ModelError`], and nothing follows.
//!   A provider that stops without a finish is a [`ModelErrorKind::Truncated`] stream: it may have been cut.
//! - **Deadline.** [`ModelRequest::time_limit`] limits the whole answer, with everything before its first event.
//! - **Cancellation.** Dropping the stream cancels the request. Its end drops the events of the adapter too.
//!
//! An adapter itself holds these:
//!
//! - Nothing is sent before the stream is polled. An adapter may read ahead, up to the maximum length of the answer.
//! - A text has whole characters, wherever the provider has cut its bytes.
//! - The usage comes as soon as the provider says it, and before [`ModelEvent::Finished`], because a stream that is
//!   dropped is billed by the last usage. A provider that says it after its finish is waited for.
//! - An error holds no text of the provider, because that may quote the request.
//!
//! To add a provider, implement [`LanguageModel`] with [`ModelStream::new`], and run the suite of
//! `tests/it/language_model.rs` on it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use thiserror::Error;
use tokio::time::{Sleep, sleep};

/// A language model. Cheap to share.
pub trait LanguageModel: Send + Sync {
    /// Starts to answer a request. Errors of every kind come from the stream.
    ///
    /// Call it inside a tokio runtime: the time limit counts from here.
    fn stream(&self, request: ModelRequest) -> ModelStream;
}

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelRole {
    /// Instructions of the server. An adapter puts them where its provider wants them.
    System,
    User,
    Assistant,
}

#[derive(Clone, PartialEq, Eq)]
pub struct ModelMessage {
    pub role: ModelRole,
    pub text: String,
}

/// A request for one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// The name of a model in the configuration. `None` for the default model.
    pub model: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<ModelMessage>,
    /// Maximum length of the answer in tokens, with those of the model's reasoning.
    pub max_output_tokens: u32,
    /// Maximum duration of the whole answer.
    pub time_limit: Duration,
    pub sampling: ModelSampling,
}

/// How the model chooses its words. `None` leaves the choice to the provider; an adapter whose model refuses a setting
/// leaves it out.
#[derive(Clone, Default, PartialEq)]
pub struct ModelSampling {
    /// From 0 to 2.
    pub temperature: Option<f32>,
    /// From 0 to 1.
    pub top_p: Option<f32>,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
}

/// A part of an answer.
#[derive(Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// The model that answers, as the provider names it. It may differ from the one that was asked for.
    Started { model: String },
    /// The next piece of the text. Never empty.
    Text(String),
    /// The usage so far. See [`ModelUsage::update`].
    Usage(ModelUsage),
    /// The end of a complete answer.
    Finished(FinishReason),
}

/// Why an answer is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// The model has ended its answer, or written a stop text.
    Stop,
    /// The limit of tokens, or that of the model's context.
    Length,
    /// The provider or the model refuses to answer.
    Refused,
    Other,
}

/// Tokens of a request, as far as the provider has said. No token is in two of the first five fields.
///
/// Providers differ: some count cached tokens inside the input and some beside it. An adapter converts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelUsage {
    /// Input that the provider's cache neither had nor took.
    pub input_tokens: Option<u64>,
    /// Input that the cache had.
    pub cache_read_tokens: Option<u64>,
    /// Input that the cache took for some minutes.
    pub cache_write_tokens: Option<u64>,
    /// Input that the cache took for an hour, which costs more.
    pub long_cache_write_tokens: Option<u64>,
    /// The answer, with the reasoning before it.
    pub output_tokens: Option<u64>,
    /// The part of the output that is reasoning.
    pub reasoning_tokens: Option<u64>,
}

impl ModelUsage {
    /// Replaces each count that `later` has. Counts are totals, so that they are never added.
    pub fn update(&mut self, later: Self) {
        let replace = |count: &mut Option<u64>, later: Option<u64>| *count = later.or(*count);
        replace(&mut self.input_tokens, later.input_tokens);
        replace(&mut self.cache_read_tokens, later.cache_read_tokens);
        replace(&mut self.cache_write_tokens, later.cache_write_tokens);
        replace(&mut self.long_cache_write_tokens, later.long_cache_write_tokens);
        replace(&mut self.output_tokens, later.output_tokens);
        replace(&mut self.reasoning_tokens, later.reasoning_tokens);
    }

    /// All tokens, of the input and the output.
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = [
            self.input_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.long_cache_write_tokens,
            self.output_tokens,
        ];
        counts.into_iter().flatten().fold(0, u64::saturating_add)
    }
}

/// Why there is no complete answer. Holds no text of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct ModelError {
    pub kind: ModelErrorKind,
    /// The pause that the provider asks for.
    pub retry_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum ModelErrorKind {
    #[error("the language model rejected the request")]
    Rejected,
    #[error("the conversation is too long for the language model")]
    ContextTooLong,
    #[error("the language model does not exist")]
    UnknownModel,
    /// The credential, the quota or the credit of this server. No repetition helps until the operator acts.
    #[error("the account at the language model's provider needs attention")]
    Account,
    #[error("the language model has too many requests")]
    Throttled,
    /// No connection, or a fault of the provider.
    #[error("the language model is unavailable")]
    Unavailable,
    /// The provider's stream broke, or ended without a finish.
    #[error("the answer of the language model was cut")]
    Truncated,
    #[error("the language model did not answer in time")]
    TimeLimit,
}

impl ModelErrorKind {
    /// Returns `true` if the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Truncated | Self::TimeLimit)
    }
}

impl From<ModelErrorKind> for ModelError {
    fn from(kind: ModelErrorKind) -> Self {
        Self { kind, retry_after: None }
    }
}

/// The events of one answer. Dropping it cancels the request.
pub struct ModelStream(Option<OpenAnswer>);

struct OpenAnswer {
    events: Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>,
    time_limit: Pin<Box<Sleep>>,
}

impl ModelStream {
    /// Starts the time limit on the events of an adapter, which it drops at the end of the answer.
    #[must_use]
    pub fn new(
        time_limit: Duration,
        events: impl Stream<Item = Result<ModelEvent, ModelError>> + Send + 'static,
    ) -> Self {
        let time_limit = Box::pin(sleep(time_limit));
        Self(Some(OpenAnswer { events: Box::pin(events), time_limit }))
    }

    /// Reads the whole answer.
    ///
    /// # Errors
    /// Returns the [`ModelError`] of the stream.
    pub async fn answer(mut self) -> Result<ModelAnswer, ModelError> {
        let mut answer = ModelAnswer::default();
        while let Some(event) = self.next().await {
            answer.add(event?);
        }
        Ok(answer)
    }
}

impl Stream for ModelStream {
    type Item = Result<ModelEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(OpenAnswer { events, time_limit }) = &mut self.0 else { return Poll::Ready(None) };
        // First, so that the limit also holds for a provider that never pauses.
        let event = if time_limit.as_mut().poll(cx).is_ready() {
            Err(ModelErrorKind::TimeLimit.into())
        } else {
            loop {
                match std::task::ready!(events.as_mut().poll_next(cx)) {
                    Some(Ok(ModelEvent::Text(text))) if text.is_empty() => {}
                    Some(event) => break event,
                    None => break Err(ModelErrorKind::Truncated.into()),
                }
            }
        };
        if matches!(event, Err(_) | Ok(ModelEvent::Finished(_))) {
            self.0 = None;
        }
        Poll::Ready(Some(event))
    }
}

/// The events of an answer so far, in one piece.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ModelAnswer {
    /// The model that answers; empty until it is known.
    pub model: String,
    pub text: String,
    pub usage: ModelUsage,
    /// `None` while the answer is incomplete.
    pub finish: Option<FinishReason>,
}

impl ModelAnswer {
    pub fn add(&mut self, event: ModelEvent) {
        match event {
            ModelEvent::Started { model } => self.model = model,
            ModelEvent::Text(text) => self.text.push_str(&text),
            ModelEvent::Usage(usage) => self.usage.update(usage),
            ModelEvent::Finished(reason) => self.finish = Some(reason),
        }
    }
}

/// Shows the length, but never the text.
impl fmt::Debug for ModelMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, text } = self;
        f.debug_struct("ModelMessage").field("role", role).field("bytes", &text.len()).finish()
    }
}

/// Shows the number of stop texts, but never the texts.
impl fmt::Debug for ModelSampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { temperature, top_p, stop } = self;
        f.debug_struct("ModelSampling")
            .field("temperature", temperature)
            .field("top_p", top_p)
            .field("stop", &stop.len())
            .finish()
    }
}

/// Shows the length, but never the text.
impl fmt::Debug for ModelEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { model } => f.debug_struct("Started").field("model", model).finish(),
            Self::Text(text) => f.debug_struct("Text").field("bytes", &text.len()).finish(),
            Self::Usage(usage) => f.debug_tuple("Usage").field(usage).finish(),
            Self::Finished(reason) => f.debug_tuple("Finished").field(reason).finish(),
        }
    }
}

/// Shows the length, but never the text.
impl fmt::Debug for ModelAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, text, usage, finish } = self;
        f.debug_struct("ModelAnswer")
            .field("model", model)
            .field("bytes", &text.len())
            .field("usage", usage)
            .field("finish", finish)
            .finish()
    }
}
