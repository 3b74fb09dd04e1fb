//! [`RoutedAnswer`]: the answer to one request, with the attempts that it took.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Sleep, sleep};

use super::attempt::{AttemptOutcome, AttemptRecord};
use super::breakers::TargetPermit;
use super::parts::RouterParts;
use super::plan::{RoutePlan, RouteStep};
use super::request::{FailoverNotice, RouteError, RouteEvent, RouteFailure, RouteRequest};
use super::source::AnswerFrames;
use super::target::RouteTarget;
use crate::gateway::catalog::model::CatalogModel;
use crate::gateway::provider::error::{ProviderError, ProviderErrorClass};
use crate::gateway::provider::frame::{ProviderEvent, ProviderFrame};
use crate::kernel::clock::Timestamp;

/// Maximum size of the frames before the first content, in bytes.
const MAX_LEADING_BYTES: usize = 4 * 1024 * 1024;

/// The answer to one request. Dropping it cancels the request.
///
/// [`Self::next`] returns the frames of one target alone: no frame is returned before the first content, so that
/// until then another target can be asked without a trace of the one that failed.
pub struct RoutedAnswer {
    parts: Arc<RouterParts>,
    request: RouteRequest,
    plan: RoutePlan,
    phase: RoutePhase,
    /// Returned before anything else happens.
    events: VecDeque<RouteEvent>,
    attempts: Vec<AttemptRecord>,
    /// The target that failed last, and why.
    failed: Option<(RouteTarget, ProviderErrorClass)>,
    /// The error for the caller if no target answers.
    error: Option<ProviderError>,
    deadline: Pin<Box<Sleep>>,
    /// The deadline by the clock of the breakers.
    ends_at: Timestamp,
}

enum RoutePhase {
    Choosing,
    Pausing(Pin<Box<Sleep>>),
    Attempting(OpenAttempt),
    Over,
}

/// The request at one target.
struct OpenAttempt {
    index: usize,
    permit: TargetPermit,
    frames: AnswerFrames,
    /// Frames before the first content, and their size.
    leading: Vec<ProviderFrame>,
    leading_bytes: usize,
    /// The caller has content.
    is_committed: bool,
    is_finished: bool,
}

enum Polled {
    Deadline,
    Resumed,
    Frame(Option<Result<ProviderFrame, ProviderError>>),
}

impl RoutedAnswer {
    /// Call it inside a tokio runtime: the time limit counts from here.
    pub(super) fn new(parts: Arc<RouterParts>, request: RouteRequest, plan: RoutePlan) -> Self {
        let deadline = Box::pin(sleep(request.time_limit));
        let ends_at = parts.breakers.now() + request.time_limit;
        Self {
            parts,
            request,
            plan,
            phase: RoutePhase::Choosing,
            events: VecDeque::new(),
            attempts: Vec::new(),
            failed: None,
            error: None,
            deadline,
            ends_at,
        }
    }

    /// The next part. `None` after a complete answer, or after [`RouteEvent::Failed`].
    ///
    /// Cancel safe: a part is lost only with the answer.
    pub async fn next(&mut self) -> Option<RouteEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let polled = match &mut self.phase {
                RoutePhase::Over => return None,
                RoutePhase::Choosing => {
                    self.choose();
                    continue;
                }
                RoutePhase::Pausing(pause) => tokio::select! {
                    biased;
                    () = &mut self.deadline => Polled::Deadline,
                    () = pause => Polled::Resumed,
                },
                RoutePhase::Attempting(open) => tokio::select! {
                    biased;
                    () = &mut self.deadline => Polled::Deadline,
                    frame = open.frames.next() => Polled::Frame(frame),
                },
            };
            match polled {
                Polled::Deadline => self.exceed_deadline(),
                Polled::Resumed => self.phase = RoutePhase::Choosing,
                Polled::Frame(frame) => self.take(frame),
            }
        }
    }

    /// All attempts, in their order.
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptRecord> {
        let mut attempts = self.attempts.clone();
        if let Some(last) = attempts.last_mut().filter(|a| a.outcome == AttemptOutcome::Open) {
            last.end(AttemptOutcome::Open, self.parts.breakers.now());
        }
        attempts
    }

    /// Number of attempts.
    #[must_use]
    pub const fn attempt_count(&self) -> usize {
        self.attempts.len()
    }

    /// The attempt that is open, or that has ended the answer. `None` before the first.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&AttemptRecord> {
        self.attempts.last()
    }

    /// The model of the last attempt, whose price is that of the answer. `None` before the first.
    #[must_use]
    pub fn model(&self) -> Option<&Arc<CatalogModel>> {
        let name = &self.attempts.last()?.target.model;
        self.request.models.iter().find(|model| model.name == *name)
    }

    fn choose(&mut self) {
        let now = self.parts.breakers.now();
        let time_left = self.ends_at.since(now);
        let breakers = &self.parts.breakers;
        match self.plan.next(now, time_left, |target| breakers.admit(target)) {
            RouteStep::Attempt { index, permit } => {
                // What the model of the request can't take is an error. That of another one must not hide why it is asked.
                let target = self.plan.target(index);
                if self.plan.is_substitute(index) && !self.parts.can_take(&self.request, target) {
                    self.plan.leave_out(index);
                } else {
                    self.attempt(index, permit);
                }
            }
            RouteStep::Wait(pause) => {
                self.events.push_back(RouteEvent::Waiting(pause));
                self.pause(pause);
            }
            RouteStep::Exhausted { retry_after } => {
                let class = self.error.as_ref().map(|error| error.class);
                let failure = class.map_or(RouteFailure::Unavailable, RouteFailure::from);
                self.fail(failure, retry_after);
            }
        }
    }

    fn attempt(&mut self, index: usize, permit: TargetPermit) {
        let target = self.plan.target(index).clone();
        if let Some((from, class)) = self.failed.take().filter(|(from, _)| *from != target) {
            let to = target.clone();
            self.events.push_back(RouteEvent::Failover(FailoverNotice { from, to, class }));
        }
        self.attempts.push(AttemptRecord::new(target.clone(), self.parts.breakers.now()));
        let model = self.request.models.iter().find(|model| model.name == target.model);
        let request =
            model.and_then(|model| self.parts.provider_request(&self.request, model, &target));
        let Some(request) = request else {
            let message = "The provider of the model has no key.";
            let error = ProviderError::new(ProviderErrorClass::Account, message);
            self.fail_attempt(index, permit, error);
            return;
        };
        self.phase = RoutePhase::Attempting(OpenAttempt {
            index,
            permit,
            frames: self.parts.source.answer(request),
            leading: Vec::new(),
            leading_bytes: 0,
            is_committed: false,
            is_finished: false,
        });
    }

    /// Takes what the open attempt has returned.
    fn take(&mut self, polled: Option<Result<ProviderFrame, ProviderError>>) {
        let RoutePhase::Attempting(mut open) = std::mem::replace(&mut self.phase, RoutePhase::Over)
        else {
            return;
        };
        let now = self.parts.breakers.now();
        let frame = match polled {
            Some(Ok(frame)) => frame,
            // The answer was complete before.
            Some(Err(_)) | None if open.is_finished => {
                self.end_attempt(AttemptOutcome::Answered);
                return;
            }
            Some(Err(error)) => return self.stop(open, error),
            None => return self.stop(open, cut("The provider's answer was cut.")),
        };
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.add(&frame, now);
        }
        let is_finish = |event: &ProviderEvent| matches!(event, ProviderEvent::Finished { .. });
        open.is_finished |= frame.events.iter().any(is_finish);
        if !open.is_committed && (frame.has_content() || open.is_finished) {
            open.is_committed = true;
            open.permit.succeeded();
            self.events.extend(open.leading.drain(..).map(RouteEvent::Frame));
        }
        if open.is_committed {
            self.events.push_back(RouteEvent::Frame(frame));
        } else {
            open.leading_bytes += frame.raw.as_ref().map_or(0, |raw| raw.data.len());
            open.leading.push(frame);
            if open.leading_bytes > MAX_LEADING_BYTES {
                return self.stop(open, cut("The provider sent too much before its answer."));
            }
        }
        self.phase = RoutePhase::Attempting(open);
    }

    /// Ends an attempt with the error of its target.
    fn stop(&mut self, mut open: OpenAttempt, error: ProviderError) {
        if !open.is_committed {
            self.fail_attempt(open.index, open.permit, error);
            return;
        }
        match error.class {
            ProviderErrorClass::Caller(_) | ProviderErrorClass::UnknownModel => {}
            ProviderErrorClass::Account => open.permit.account_refused(),
            _ => open.permit.failed(error.retry_after),
        }
        self.end_attempt(AttemptOutcome::Broken(error.class));
        let retry_after = error.retry_after;
        self.error = Some(error);
        self.fail(RouteFailure::Broken, retry_after);
    }

    /// Records an attempt that failed before any content, and goes on with the plan.
    fn fail_attempt(&mut self, index: usize, mut permit: TargetPermit, error: ProviderError) {
        match error.class {
            ProviderErrorClass::Caller(_) | ProviderErrorClass::UnknownModel => {}
            ProviderErrorClass::Account => permit.account_refused(),
            _ => permit.failed(error.retry_after),
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.status = error.status;
            attempt.request_id = error.request_id.clone().or(attempt.request_id.take());
        }
        self.end_attempt(AttemptOutcome::Failed(error.class));
        self.failed = Some((permit.target().clone(), error.class));
        self.phase = RoutePhase::Choosing;
        if let Some(pause) = self.plan.failed(index, &error, self.parts.breakers.now()) {
            self.pause(pause.mul_f64(self.parts.jitter()));
        }
        // A substitute that refuses the request must not hide why it was asked.
        let is_refusal = matches!(error.class, ProviderErrorClass::Caller(_));
        let is_hidden = self.plan.is_substitute(index) && is_refusal;
        let hides =
            |earlier: &ProviderError| is_hidden || weight(earlier.class) > weight(error.class);
        if !self.error.as_ref().is_some_and(hides) {
            self.error = Some(error);
        }
    }

    fn exceed_deadline(&mut self) {
        let is_committed = match std::mem::replace(&mut self.phase, RoutePhase::Over) {
            RoutePhase::Attempting(open) if open.is_finished => {
                return self.end_attempt(AttemptOutcome::Answered);
            }
            RoutePhase::Attempting(open) => Some(open.is_committed),
            _ => None,
        };
        let class = ProviderErrorClass::TimeLimit;
        let failure = match is_committed {
            Some(true) => {
                self.end_attempt(AttemptOutcome::Broken(class));
                RouteFailure::Broken
            }
            Some(false) => {
                self.end_attempt(AttemptOutcome::Failed(class));
                RouteFailure::TimedOut
            }
            None => RouteFailure::TimedOut,
        };
        self.fail(failure, None);
    }

    fn end_attempt(&mut self, outcome: AttemptOutcome) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.end(outcome, self.parts.breakers.now());
        }
    }

    fn fail(&mut self, failure: RouteFailure, retry_after: Option<Duration>) {
        self.phase = RoutePhase::Over;
        let error = RouteError { failure, retry_after, error: self.error.take() };
        self.events.push_back(RouteEvent::Failed(Box::new(error)));
    }

    fn pause(&mut self, pause: Duration) {
        self.phase = RoutePhase::Pausing(Box::pin(sleep(pause)));
    }
}

/// Rank of an error among those of several targets: the caller gets the highest one.
const fn weight(class: ProviderErrorClass) -> u8 {
    match class {
        ProviderErrorClass::Caller(_) => 4,
        ProviderErrorClass::Throttled => 3,
        ProviderErrorClass::Transient
        | ProviderErrorClass::NoAnswer
        | ProviderErrorClass::Truncated
        | ProviderErrorClass::TimeLimit => 2,
        ProviderErrorClass::Account | ProviderErrorClass::UnknownModel => 1,
    }
}

fn cut(message: &str) -> ProviderError {
    ProviderError::new(ProviderErrorClass::Truncated, message)
}
