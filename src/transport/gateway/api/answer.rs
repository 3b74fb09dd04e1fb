//! [`respond`]: the answer to a request, whole or as a stream of server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::limits::add_limits;
use super::refusal::ApiFormat;
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::ledger::limits::AccountLimitStates;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFrame, RawFrame};
use crate::gateway::provider::request::WireFormat;
use crate::gateway::provider::write::options::WriterOptions;
use crate::gateway::provider::write::whole::WholeAnswer;
use crate::gateway::provider::write::{AnswerWriter, to_sse};
use crate::gateway::service::StartedAnswer;
use crate::gateway::service::answer::{AnswerEvent, Bill, FailedAnswer};
use crate::gateway::service::buffer::AnswerEventReader;

/// The header with the charge of an answer, in credits.
const CHARGED_HEADER: HeaderName = HeaderName::from_static("x-gateway-charged");

/// The header with the provider that answers.
const PROVIDER_HEADER: HeaderName = HeaderName::from_static("x-gateway-provider");

/// Answers a request. The response to one that fails before its answer begins has the status of the error.
pub(super) async fn respond(
    format: ApiFormat,
    options: WriterOptions,
    is_stream: bool,
    started: StartedAnswer,
) -> Response {
    // A caller that hangs up drops the reader, and the policy of the provider decides what is charged.
    let reader = started.events.reader(0);
    drop(started);
    if is_stream {
        respond_in_pieces(format, options, reader).await
    } else {
        respond_whole(format, options, reader).await
    }
}

async fn respond_whole(
    format: ApiFormat,
    options: WriterOptions,
    mut reader: AnswerEventReader,
) -> Response {
    let mut answer = WholeAnswer::default();
    let (mut raw, mut limits) = (None, None);
    loop {
        match next(&mut reader).await {
            AnswerEvent::Frame(frame) => {
                frame.events.iter().for_each(|event| answer.add(event));
                let own = frame.raw.as_ref().filter(|raw| raw.format == format.0);
                raw = own.map(|raw| raw.data.clone()).or(raw);
            }
            AnswerEvent::Done(bill) => {
                answer.usage.update(bill.usage);
                let json = raw.unwrap_or_else(|| answer.to_json(format.0, &options).to_string());
                let content_type = [(header::CONTENT_TYPE, "application/json")];
                let mut response = (StatusCode::OK, content_type, json).into_response();
                add_headers(&mut response, &bill);
                add_limits(&mut response, limits.as_ref());
                return response;
            }
            AnswerEvent::Failed(failed) => return refusal(format, &failed, limits.as_ref()),
            AnswerEvent::Accepted(accepted) => limits = accepted.limits,
            AnswerEvent::Failover { .. } => {}
        }
    }
}

/// The response to a request that failed before its answer began.
fn refusal(
    format: ApiFormat,
    failed: &FailedAnswer,
    limits: Option<&AccountLimitStates>,
) -> Response {
    let mut response = format.refusal(&failed.error);
    add_limits(&mut response, limits);
    response
}

/// The headers of the provider and the charge.
fn add_headers(response: &mut Response, bill: &Bill) {
    let headers = [
        (PROVIDER_HEADER, HeaderValue::from_str(&bill.provider)),
        (CHARGED_HEADER, HeaderValue::from_str(&bill.charged.to_string())),
    ];
    for (name, value) in headers {
        if let Ok(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
}

async fn respond_in_pieces(
    format: ApiFormat,
    options: WriterOptions,
    mut reader: AnswerEventReader,
) -> Response {
    let mut limits = None;
    // The status is known with the first part of the answer.
    let first = loop {
        match next(&mut reader).await {
            AnswerEvent::Failed(failed) => return refusal(format, &failed, limits.as_ref()),
            AnswerEvent::Accepted(accepted) => limits = accepted.limits,
            AnswerEvent::Failover { .. } => {}
            event => break event,
        }
    };
    let writer = AnswerWriter::new(format.0, options);
    let pieces =
        AnswerPieces { format, writer, reader, first: Some(first), held: None, finish: None };
    let body = stream::unfold(Some(pieces), async |pieces| {
        let mut pieces = pieces?;
        let (text, is_end) = pieces.next().await;
        Some((Ok::<_, Infallible>(Bytes::from(text)), (!is_end).then_some(pieces)))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (headers, Body::from_stream(body)).into_response();
    add_limits(&mut response, limits.as_ref());
    response
}

/// An answer as the events of a stream.
struct AnswerPieces {
    format: ApiFormat,
    writer: AnswerWriter,
    reader: AnswerEventReader,
    first: Option<AnswerEvent>,
    /// The frame that ends the stream, until the charge is stored.
    held: Option<RawFrame>,
    /// The finish of an answer that is converted, until the bill has its usage.
    finish: Option<ProviderEvent>,
}

impl AnswerPieces {
    /// Returns the next text, and whether it is the last.
    async fn next(&mut self) -> (String, bool) {
        loop {
            let event = match self.first.take() {
                Some(event) => event,
                None => next(&mut self.reader).await,
            };
            match event {
                AnswerEvent::Frame(frame) => {
                    let mut frame = ProviderFrame::clone(&frame);
                    if self.writer.converts(&frame) {
                        let is_finish = |event: &mut ProviderEvent| {
                            matches!(event, ProviderEvent::Finished { .. })
                        };
                        self.finish = frame.events.pop_if(is_finish).or(self.finish.take());
                    }
                    let text = self.write(frame);
                    if !text.is_empty() {
                        return (text, false);
                    }
                }
                AnswerEvent::Done(bill) => {
                    let usage = ProviderEvent::Usage(bill.usage);
                    let finish = self.finish.take().map(|finish| vec![usage, finish]);
                    let events = finish.unwrap_or_default();
                    let mut text = self.write(ProviderFrame { events, ..Default::default() });
                    let end = self.held.take().or_else(|| default_end(self.format));
                    text.extend(end.as_ref().map(to_sse));
                    return (text, true);
                }
                AnswerEvent::Failed(failed) => {
                    return (to_sse(&self.format.broken(&failed.error)), true);
                }
                AnswerEvent::Accepted(_) | AnswerEvent::Failover { .. } => {}
            }
        }
    }

    fn write(&mut self, frame: ProviderFrame) -> String {
        let mut text = String::new();
        for frame in self.writer.write(frame) {
            if is_end(&frame) {
                self.held = Some(frame);
            } else {
                text.push_str(&to_sse(&frame));
            }
        }
        text
    }
}

/// Whether a frame tells the client that the answer is complete.
fn is_end(frame: &RawFrame) -> bool {
    match frame.format {
        WireFormat::Chat => frame.data == "[DONE]",
        WireFormat::Messages => frame.event.as_deref() == Some("message_stop"),
    }
}

/// The end of a stream whose provider ends it in another way.
fn default_end(format: ApiFormat) -> Option<RawFrame> {
    let is_chat = matches!(format.0, WireFormat::Chat);
    let data = "[DONE]".to_owned();
    is_chat.then_some(RawFrame { format: WireFormat::Chat, event: None, data })
}

/// The next event. An answer that can't be read to its end has failed.
async fn next(reader: &mut AnswerEventReader) -> AnswerEvent {
    if let Ok(Some((_, event))) = reader.next().await {
        return event;
    }
    let message = "The answer was read too slowly, so that a part of it is lost";
    let error = GatewayError::new(GatewayErrorCode::Internal, message);
    AnswerEvent::Failed(Arc::new(FailedAnswer::from(error)))
}
