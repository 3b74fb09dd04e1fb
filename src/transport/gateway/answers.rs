//! [`SocketAnswers`]: the answers of one socket, read in turn.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::resume::{RESUME_WINDOW, hold_for_resumption};
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::provider::frame::{ProviderEvent, ProviderFrame};
use crate::gateway::provider::write::whole::WholeAnswer;
use crate::gateway::service::StartedAnswer;
use crate::gateway::service::answer::AnswerEvent;
use crate::gateway::service::buffer::{AnswerBuffer, AnswerEventReader, EventsLost};
use crate::gateway::wire::reply::{Step, tool_call_piece};
use crate::gateway::wire::{RequestId, SocketRequest};
use crate::kernel::clock::{Stopwatch, Timestamp};

/// Maximum size of pieces that are joined to one message, in bytes.
const MAX_JOINED_BYTES: usize = 16 * 1024;

/// The answers of one socket.
pub struct SocketAnswers {
    running: Vec<SocketAnswer>,
    /// Complete answers, whose request may be repeated for [`RESUME_WINDOW`].
    complete: Vec<CompleteAnswer>,
    /// Index of the answer that is read next.
    turn: usize,
    wake: Arc<Notify>,
}

struct SocketAnswer {
    id: RequestId,
    body_hash: [u8; 32],
    answer: AnswerBuffer,
    reader: AnswerEventReader,
    /// Does nothing after the end of the answer.
    cancel: CancellationToken,
    /// The whole answer, if it is not sent in pieces.
    whole: Option<WholeAnswer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerOutcome {
    Complete,
    Failed,
}

struct CompleteAnswer {
    id: RequestId,
    body_hash: [u8; 32],
    answer: AnswerBuffer,
    cancel: CancellationToken,
    since_end: Stopwatch,
}

impl SocketAnswers {
    /// `wake` is notified when an answer has another event.
    #[must_use]
    pub const fn new(wake: Arc<Notify>) -> Self {
        Self { running: Vec::new(), complete: Vec::new(), turn: 0, wake }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Returns `true` if a request with this id is in progress.
    #[must_use]
    pub fn has(&self, id: &RequestId) -> bool {
        self.running.iter().any(|answer| answer.id == *id)
    }

    /// Starts a request. A request that is repeated is not started again: one in progress goes on, and the answer of
    /// a complete one is sent again. One that has failed is started again.
    ///
    /// # Errors
    /// Returns `DUPLICATE_ID` if another request with the id is in progress, and `INVALID_REQUEST` if the begin of a
    /// complete answer is lost.
    pub fn start(
        &mut self,
        request: &SocketRequest,
        start: impl FnOnce() -> StartedAnswer,
    ) -> Result<(), GatewayError> {
        let body_hash = hash(request);
        if let Some(running) = self.running.iter().find(|answer| answer.id == request.id) {
            if running.body_hash == body_hash {
                return Ok(());
            }
            return Err(duplicate_id());
        }
        self.forget_old();
        let is_same =
            |other: &CompleteAnswer| other.id == request.id && other.body_hash == body_hash;
        let position = self.complete.iter().position(is_same);
        let StartedAnswer { events: answer, cancel } = match position.map(|i| &self.complete[i]) {
            Some(CompleteAnswer { answer, cancel, .. }) => {
                StartedAnswer { events: answer.clone(), cancel: cancel.clone() }
            }
            None => start(),
        };
        let whole = (!request.stream).then(WholeAnswer::default);
        // A complete answer whose begin is lost stays, so that it is not started again.
        let reader = answer.reader_that_wakes(0, Arc::clone(&self.wake)).map_err(begin_lost)?;
        if let Some(index) = position {
            self.complete.swap_remove(index);
        }
        let id = request.id.clone();
        self.running.push(SocketAnswer { id, body_hash, answer, reader, cancel, whole });
        Ok(())
    }

    /// Sends an answer of an earlier connection from behind event `after`, in pieces. Its end is always sent.
    ///
    /// # Errors
    /// Returns `DUPLICATE_ID` if another request with the id is in progress, and `INVALID_REQUEST` if the event after
    /// `after` is lost.
    pub fn resume(
        &mut self,
        id: RequestId,
        started: StartedAnswer,
        after: u64,
    ) -> Result<(), GatewayError> {
        let StartedAnswer { events: answer, cancel } = started;
        let position = self.running.iter().position(|other| other.id == id);
        if position.is_some_and(|index| !self.running[index].answer.is_same(&answer)) {
            return Err(duplicate_id());
        }
        let reader = answer.reader_that_wakes(after, Arc::clone(&self.wake)).map_err(begin_lost)?;
        // The body of a request of an earlier connection is unknown here.
        let body_hash = position.map(|index| self.running.swap_remove(index).body_hash);
        let (body_hash, whole) = (body_hash.unwrap_or_default(), None);
        self.running.push(SocketAnswer { id, body_hash, answer, reader, cancel, whole });
        Ok(())
    }

    /// Cancels a request. Its answer then ends with an error. Does nothing if no request with this id is in progress,
    /// because an answer may end before the cancellation arrives.
    pub fn cancel(&self, id: &RequestId) {
        if let Some(running) = self.running.iter().find(|answer| answer.id == *id) {
            running.cancel.cancel();
        }
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    /// Returns [`EventsLost`] if the client is too slow for one of its answers.
    pub fn next(&mut self, now: Timestamp) -> Result<Option<String>, EventsLost> {
        for _ in 0..self.running.len() {
            self.turn = (self.turn + 1) % self.running.len().max(1);
            let Some(answer) = self.running.get_mut(self.turn) else { break };
            let (text, end) = answer.next(now)?;
            if let Some(end) = end {
                self.end(self.turn, end);
            }
            if text.is_some() {
                return Ok(text);
            }
        }
        Ok(None)
    }

    fn end(&mut self, index: usize, end: AnswerOutcome) {
        let SocketAnswer { id, body_hash, answer, cancel, .. } = self.running.swap_remove(index);
        if end == AnswerOutcome::Complete {
            self.forget_old();
            let since_end = Stopwatch::start();
            self.complete.push(CompleteAnswer { id, body_hash, answer, cancel, since_end });
        }
    }

    fn forget_old(&mut self) {
        self.complete.retain(|complete| complete.since_end.elapsed() < RESUME_WINDOW);
    }
}

impl Drop for SocketAnswers {
    fn drop(&mut self) {
        hold_for_resumption(self.running.drain(..).map(|answer| answer.reader).collect());
    }
}

impl SocketAnswer {
    /// The next message, if there is one, and the end of the answer if that is its last.
    fn next(
        &mut self,
        now: Timestamp,
    ) -> Result<(Option<String>, Option<AnswerOutcome>), EventsLost> {
        while let Some((number, event)) = self.reader.try_next()? {
            let end = match &event {
                AnswerEvent::Done(_) => Some(AnswerOutcome::Complete),
                AnswerEvent::Failed(_) => Some(AnswerOutcome::Failed),
                _ => None,
            };
            let text = self.write(number, event, now)?;
            if text.is_some() || end.is_some() {
                return Ok((text, end));
            }
        }
        Ok((None, None))
    }

    /// Writes an event, with the pieces that follow it. `None` if the client needs no message.
    fn write(
        &mut self,
        number: u64,
        event: AnswerEvent,
        now: Timestamp,
    ) -> Result<Option<String>, EventsLost> {
        let step = |number| Step { id: &self.id, number, now };
        match event {
            AnswerEvent::Accepted(accepted) => Ok(Some(step(number).accepted(&accepted))),
            AnswerEvent::Failover { provider, model } => {
                Ok(Some(step(number).failover(&provider, &model)))
            }
            AnswerEvent::Done(bill) => Ok(Some(step(number).done(&bill, self.whole.as_ref()))),
            AnswerEvent::Failed(failed) => Ok(Some(step(number).failed(&failed))),
            AnswerEvent::Frame(frame) => {
                if let Some(whole) = &mut self.whole {
                    frame.events.iter().for_each(|event| whole.add(event));
                    return Ok(None);
                }
                let mut pieces = JoinedPieces::default();
                pieces.add(&frame);
                while pieces.bytes < MAX_JOINED_BYTES {
                    let Some(AnswerEvent::Frame(frame)) = self.reader.peek()? else { break };
                    pieces.add(&frame);
                    self.reader.advance();
                }
                if pieces.bytes == 0 {
                    return Ok(None);
                }
                let JoinedPieces { text, reasoning, tool_calls, .. } = pieces;
                let number = self.reader.position();
                Ok(Some(Step { id: &self.id, number, now }.chunk(&text, &reasoning, tool_calls)))
            }
        }
    }
}

/// Pieces of an answer that wait for the client.
#[derive(Default)]
struct JoinedPieces {
    text: String,
    reasoning: String,
    tool_calls: Vec<Value>,
    bytes: usize,
}

impl JoinedPieces {
    fn add(&mut self, frame: &ProviderFrame) {
        for event in &frame.events {
            match event {
                ProviderEvent::Text(text) => {
                    self.text.push_str(text);
                    self.bytes += text.len();
                }
                ProviderEvent::Reasoning(text) => {
                    self.reasoning.push_str(text);
                    self.bytes += text.len();
                }
                ProviderEvent::ToolCall { index, id, name, arguments } => {
                    let piece = tool_call_piece(*index, id.as_deref(), name.as_deref(), arguments);
                    self.tool_calls.push(piece);
                    self.bytes += arguments.len() + 1;
                }
                _ => {}
            }
        }
    }
}

fn duplicate_id() -> GatewayError {
    let message = "Another request with this id is in progress: use a new id";
    GatewayError::new(GatewayErrorCode::DuplicateId, message)
}

fn begin_lost(_: EventsLost) -> GatewayError {
    let message = "The begin of the answer is no longer stored";
    GatewayError::new(GatewayErrorCode::InvalidRequest, message)
}

/// A hash of all fields of a request but its id, to recognize a request that is repeated.
fn hash(request: &SocketRequest) -> [u8; 32] {
    let SocketRequest { provider, model, stream, max_tokens, fallback, budget, body, .. } = request;
    let fields = serde_json::json!([provider, model, stream, max_tokens, fallback, budget, body]);
    Sha256::digest(fields.to_string().as_bytes()).into()
}
