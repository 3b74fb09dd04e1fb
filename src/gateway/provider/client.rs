//! [`Provider`]: sends a request, and reads its answer within the limits.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt, Stream, stream};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, header};
use serde_json::Value;
use tokio::time::{Sleep, sleep, timeout};

use crate::gateway::provider::decode::AnswerDecoder;
use crate::gateway::provider::decode::part::FrameProgress;
use crate::gateway::provider::error::{ProviderError, ProviderErrorClass};
use crate::gateway::provider::fault;
use crate::gateway::provider::frame::ProviderFrame;
use crate::gateway::provider::limits::ProviderLimits;
use crate::gateway::provider::request::{ProviderRequest, WireFormat};
use crate::gateway::provider::retry_after::retry_after;
use crate::gateway::provider::sse::SseReader;
use crate::gateway::provider::upstream::UpstreamRequest;
use crate::kernel::clock::Clock;

/// Maximum size of the body of an error, in bytes. The rest is not read.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Time for the end of the bytes after the end of an answer, so that its connection can be used again.
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// Headers with the provider's id of a request.
const REQUEST_ID: [&str; 2] = ["request-id", "x-request-id"];

/// Sends requests to providers. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Provider {
    client: Client,
    limits: ProviderLimits,
    clock: Arc<dyn Clock>,
}

/// The frames of an answer. Dropping it cancels the request.
pub struct ProviderStream(Pin<Box<dyn Stream<Item = Result<ProviderFrame, ProviderError>> + Send>>);

impl Stream for ProviderStream {
    type Item = Result<ProviderFrame, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Provider {
    /// `builder` has the certificates and the proxy. The clock is for headers with dates.
    ///
    /// # Errors
    /// Returns the error of the builder.
    pub fn new(
        builder: ClientBuilder,
        limits: ProviderLimits,
        clock: Arc<dyn Clock>,
    ) -> reqwest::Result<Self> {
        let client = builder
            // A redirect may lead the credential and the request elsewhere.
            .redirect(Policy::none())
            .connect_timeout(limits.connect)
            .pool_max_idle_per_host(limits.idle_connections)
            .build()?;
        Ok(Self { client, limits, clock })
    }

    /// The same connections with other limits. [`ProviderLimits::connect`] and
    /// [`ProviderLimits::idle_connections`] stay those of [`Self::new`].
    #[must_use]
    pub fn with_limits(&self, limits: ProviderLimits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// Asks a provider. Nothing is sent before the stream is polled, and the stream must be polled in a tokio runtime.
    #[must_use]
    pub fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let start = AnswerState::Unsent(Box::new((self.clone(), request)));
        ProviderStream(Box::pin(stream::unfold(start, async |state| {
            let mut answer = match state {
                AnswerState::Over => return None,
                AnswerState::Open(answer) => answer,
                AnswerState::Unsent(unsent) => {
                    let (provider, request) = *unsent;
                    match provider.send(request).await {
                        Ok(SentAnswer::Open(answer)) => answer,
                        Ok(SentAnswer::Whole(frame)) => {
                            return Some((Ok(frame), AnswerState::Over));
                        }
                        Err(error) => return Some((Err(error), AnswerState::Over)),
                    }
                }
            };
            match answer.next_frame().await {
                Ok((frame, true)) => {
                    answer.release();
                    Some((Ok(frame), AnswerState::Over))
                }
                Ok((frame, false)) => Some((Ok(frame), AnswerState::Open(answer))),
                Err(error) => Some((Err(error), AnswerState::Over)),
            }
        })))
    }

    async fn send(&self, request: ProviderRequest) -> Result<SentAnswer, ProviderError> {
        let (format, is_stream) = (request.target.format, request.stream);
        let limits = self.limits.with(request.time_limits);
        let (total, wait) = (sleep(limits.total), sleep(limits.first_content));
        let (mut total, wait) = (Box::pin(total), Box::pin(wait));
        let UpstreamRequest { url, headers, body } = UpstreamRequest::new(request)?;
        let sending = self.client.post(url).headers(headers).body(body).send();
        // The headers of a whole answer come when it is complete.
        let wait_for_headers = if is_stream { limits.headers } else { limits.total };
        let response = tokio::select! {
            biased;
            () = &mut total => return Err(too_long()),
            response = timeout(wait_for_headers, sending) => response,
        };
        let response =
            response.map_err(|_| no_answer())?.map_err(|error| connection_error(&error))?;
        let request_id = REQUEST_ID
            .iter()
            .find_map(|name| fault::request_id(response.headers().get(*name)?.to_str().ok()?));
        if !response.status().is_success() {
            return Err(self.read_error(format, response, request_id).await);
        }
        let mut decoder = AnswerDecoder::new(format, request_id);
        if !is_stream || is_json(&response) {
            let reading = read_body(response, limits.answer_bytes);
            let data = tokio::select! {
                biased;
                () = &mut total => return Err(too_long()),
                data = reading => data?,
            };
            let data = String::from_utf8(data).map_err(|_| cut("The answer is no text."))?;
            let frame = decoder.decode_whole(data)?;
            // The data has no event of a stream, so that a caller who expects one gets those of the writer.
            let raw = frame.raw.filter(|_| !is_stream);
            return Ok(SentAnswer::Whole(ProviderFrame { raw, ..frame }));
        }
        Ok(SentAnswer::Open(Box::new(AnswerReader {
            reader: SseReader::new(limits.event_bytes),
            response,
            decoder,
            limits,
            total,
            wait,
            phase: AnswerPhase::FirstContent,
            restarts: false,
        })))
    }

    async fn read_error(
        &self,
        format: WireFormat,
        response: Response,
        request_id: Option<String>,
    ) -> ProviderError {
        let status = response.status().as_u16();
        let pause = retry_after(response.headers(), self.clock.now());
        let body = timeout(self.limits.headers, read_body(response, MAX_ERROR_BYTES)).await;
        // A body that is too large, too late or no JSON leaves the status.
        let body = body.ok().and_then(Result::ok);
        let body = body.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
        let error = fault::classify(format, Some(status), &body.unwrap_or_default(), pause);
        ProviderError { request_id: request_id.or(error.request_id), ..error }
    }
}

enum AnswerState {
    Unsent(Box<(Provider, ProviderRequest)>),
    Open(Box<AnswerReader>),
    Over,
}

enum SentAnswer {
    Open(Box<AnswerReader>),
    Whole(ProviderFrame),
}

/// The part of an answer that is waited for, which has its own limit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerPhase {
    FirstContent,
    Content,
    LateUsage,
}

/// A stream that is being read.
struct AnswerReader {
    response: Response,
    reader: SseReader,
    decoder: AnswerDecoder,
    limits: ProviderLimits,
    total: Pin<Box<Sleep>>,
    /// The limit of the phase.
    wait: Pin<Box<Sleep>>,
    phase: AnswerPhase,
    /// The next frame has the whole limit of its phase. It counts from the request for that frame, so that a slow
    /// reader is no silent provider.
    restarts: bool,
}

impl AnswerReader {
    /// Returns the next frame, and whether it is the last one.
    async fn next_frame(&mut self) -> Result<(ProviderFrame, bool), ProviderError> {
        if std::mem::take(&mut self.restarts) {
            let limit = match self.phase {
                AnswerPhase::LateUsage => self.limits.late_usage,
                AnswerPhase::FirstContent | AnswerPhase::Content => self.limits.silence,
            };
            self.wait.set(sleep(limit));
        }
        loop {
            if let Some(event) = self.reader.next_event() {
                let (frame, progress) = self.decoder.decode(event)?;
                match progress {
                    FrameProgress::Idle => {}
                    FrameProgress::Data => self.enter(AnswerPhase::Content),
                    FrameProgress::Finishing => self.enter(AnswerPhase::LateUsage),
                    FrameProgress::Ended => return Ok((frame, true)),
                }
                return Ok((frame, false));
            }
            let chunk = tokio::select! {
                biased;
                () = &mut self.total => return self.end(too_long()),
                () = &mut self.wait => return self.end(silent()),
                chunk = self.response.chunk() => chunk,
            };
            match chunk {
                Ok(Some(bytes)) => self
                    .reader
                    .push(&bytes)
                    .map_err(|_| cut("The provider sent an event that is too large."))?,
                Ok(None) | Err(_) => return self.end(cut("The provider's answer was cut.")),
            }
        }
    }

    fn enter(&mut self, phase: AnswerPhase) {
        (self.phase, self.restarts) = (phase, true);
    }

    /// Ends a stream that did not end itself: an answer that has its finish is complete.
    fn end(&mut self, error: ProviderError) -> Result<(ProviderFrame, bool), ProviderError> {
        self.decoder.end().map(|frame| (frame, true)).ok_or(error)
    }

    /// Reads the end of the bytes after the end of the answer, without which the connection would be closed.
    fn release(mut self) {
        let rest = self.response.chunk().now_or_never();
        if rest.is_none_or(|rest| matches!(rest, Ok(Some(_)))) {
            let mut response = self.response;
            let drain = async move { while let Ok(Some(_)) = response.chunk().await {} };
            tokio::spawn(timeout(DRAIN_TIME, drain).then(|_| ready(())));
        }
    }
}

fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

async fn read_body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|_| cut("The answer was cut."))? {
        if body.len() + bytes.len() > max_bytes {
            return Err(cut("The provider's answer is too large."));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// The text of the error is not used, because it may hold the address.
fn connection_error(error: &reqwest::Error) -> ProviderError {
    if error.is_builder() {
        let message = "The address of the provider is not valid.";
        return ProviderError::new(ProviderErrorClass::Account, message);
    }
    unavailable(if error.is_connect() {
        "The provider can't be reached."
    } else {
        "The connection to the provider broke."
    })
}

fn unavailable(message: &str) -> ProviderError {
    ProviderError::new(ProviderErrorClass::Transient, message)
}

fn no_answer() -> ProviderError {
    ProviderError::new(ProviderErrorClass::NoAnswer, "The provider did not answer in time.")
}

fn cut(message: &str) -> ProviderError {
    ProviderError::new(ProviderErrorClass::Truncated, message)
}

fn silent() -> ProviderError {
    ProviderError::new(ProviderErrorClass::TimeLimit, "The provider paused for too long.")
}

fn too_long() -> ProviderError {
    ProviderError::new(ProviderErrorClass::TimeLimit, "The provider's answer took too long.")
}
