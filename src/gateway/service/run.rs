//! [`AnswerTask`]: one request from its hold to its bill.
//!
//! The task is independent of the connection that asked, so that a client that leaves does not lose the settlement.

use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, Sleep, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::answer::{AcceptedRequest, AnswerEvent, Bill};
use super::buffer::AnswerBuffer;
use super::charge::WrittenTokens;
use super::core::{GatewayCore, LEASE};
use super::ended::{AnswerEnd, EndedAnswer, cancelled};
use super::prepare::{PreparedCandidate, PreparedRequest};
use super::request::{GatewayCaller, GatewayRequest};
use super::settle::{SettledHold, release, settle};
use crate::gateway::catalog::prompt::is_large;
use crate::gateway::catalog::provider::AbandonPolicy;
use crate::gateway::error::{CreditShortfall, GatewayError, GatewayErrorCode};
use crate::gateway::ledger::ids::{HoldId, RequestKey};
use crate::gateway::ledger::limits::ReservedTokens;
use crate::gateway::ledger::request::{AnsweredRequest, Reservation, ReserveOutcome};
use crate::gateway::ledger::usage::{UsageSource, UsageStatus};
use crate::gateway::money::MicroCredits;
use crate::gateway::provider::request::RequestBody;
use crate::gateway::provider::write::whole::WholeAnswer;
use crate::gateway::routing::request::{RouteEvent, RouteRequest};
use crate::gateway::routing::target::RouteTarget;
use crate::kernel::clock::Stopwatch;

/// Maximum time of a request, with all attempts.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Maximum time to read on an answer whose client has left.
const DRAIN_TIME: Duration = Duration::from_secs(60);

/// Interval of computing the charge so far, for the case that this process dies.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(250);

/// Intervals of a repeated request's looks whether the first one has ended. They double, because many requests may wait
/// for the leases of a server that was killed.
const REPEAT_INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(4);

/// One request from its hold to its bill.
pub(super) struct AnswerTask {
    pub core: Arc<GatewayCore>,
    pub caller: GatewayCaller,
    pub request: Arc<GatewayRequest>,
    pub events: AnswerBuffer,
    pub cancel: CancellationToken,
    pub watch: Stopwatch,
}

impl AnswerTask {
    /// Runs the request, and adds its end to the events after its charge is stored.
    pub async fn run(self) {
        let end = match self.answer().await {
            Ok(end) => end,
            Err(error) => AnswerEvent::Failed(Arc::new(error.into())),
        };
        self.core.figures.record_end(&end);
        self.events.push(end);
    }

    async fn answer(&self) -> Result<AnswerEvent, GatewayError> {
        self.caller.confirm().await?;
        let role = self.caller.role;
        let limits = self.core.limits(role);
        let tokens_per_minute = limits.map(|limits| limits.tokens_per_minute);
        let prepared = self.prepare(tokens_per_minute).await?;
        let first = prepared.candidates[0].clone();
        let hold = self.core.new_hold();
        let mut repeat_interval = *REPEAT_INTERVALS.start();
        let (reserved, limit_states) = loop {
            let mut reservation = self.reservation(hold, &prepared, &first);
            reservation.service = self.core.service_credit(&self.caller).await?;
            match self.reserve(reservation).await? {
                ReserveOutcome::Reserved { amount, limits, .. } => break (amount, limits),
                ReserveOutcome::Insufficient { needed, available } => {
                    let shortfall = CreditShortfall { needed, available };
                    return Err(GatewayError::insufficient_credits(shortfall));
                }
                ReserveOutcome::Limited(refused) => {
                    let role = self.core.catalog.roles().limits(role);
                    return Err(GatewayError::limited(&refused, role));
                }
                ReserveOutcome::Answered(answered) => return self.repeat(*answered).await,
                ReserveOutcome::KeyReused => {
                    let message = "Another request had this idempotency key: use a new one";
                    return Err(GatewayError::new(GatewayErrorCode::DuplicateId, message));
                }
                ReserveOutcome::InProgress { .. } => {
                    tokio::select! {
                        () = self.cancel.cancelled() => {
                            return Err(cancelled());
                        }
                        () = sleep(repeat_interval) => {}
                    }
                    repeat_interval = (repeat_interval * 2).min(*REPEAT_INTERVALS.end());
                }
            }
        };
        let running = self.core.open_holds.add(hold);
        let max = prepared.max_output_tokens;
        let max = first.max_output_tokens(reserved, max).unwrap_or(max);
        self.events.push(AnswerEvent::Accepted(Arc::new(AcceptedRequest {
            provider: first.model.provider.clone(),
            model: first.model.name.clone(),
            held: reserved,
            max_output_tokens: max,
            limits: limit_states,
        })));
        // An equivalent that costs more than the hold would break its promise.
        let is_covered = |candidate: &PreparedCandidate| {
            candidate.max_output_tokens(reserved, max).is_some_and(|tokens| tokens >= max)
        };
        let candidates = prepared.candidates.into_iter().filter(is_covered).collect();
        let ended = self.drive(candidates, first, max, |charge| running.set(charge)).await;
        let settled_hold = SettledHold {
            account: self.caller.account,
            hold,
            reserved_tokens: tokens_per_minute
                .map(|per_minute| ReservedTokens { per_minute, reserved: prepared.tokens }),
        };
        let total = self.watch.elapsed();
        let stores_answer = self.request.idempotency_key.is_some();
        let event = settle(&self.core, settled_hold, ended, total, stores_answer).await;
        drop(running);
        Ok(event)
    }

    /// Finds the models and the hold, in another thread if that takes long.
    async fn prepare(
        &self,
        tokens_per_minute: Option<u64>,
    ) -> Result<PreparedRequest, GatewayError> {
        let (request, catalog) = (Arc::clone(&self.request), Arc::clone(&self.core.catalog));
        let role = self.caller.role;
        let (RequestBody::Chat(body) | RequestBody::Messages(body)) = &self.request.body;
        let is_long = is_large(body);
        let prepare = move || PreparedRequest::of(&request, role, &catalog, tokens_per_minute);
        if !is_long {
            return prepare();
        }
        spawn_blocking(prepare).await.unwrap_or_else(|_| {
            let message = "The request can't be read: this is a defect of the server";
            Err(GatewayError::new(GatewayErrorCode::Internal, message))
        })
    }

    fn reservation(
        &self,
        hold: HoldId,
        prepared: &PreparedRequest,
        first: &PreparedCandidate,
    ) -> Reservation {
        let key = match &self.request.idempotency_key {
            Some(key) => RequestKey::of(key),
            None => RequestKey::of(&hold.to_hex()),
        };
        let now = self.core.clock.now();
        Reservation {
            hold,
            account: self.caller.account,
            key,
            body_hash: self.request.body_hash(),
            ask: prepared.ask,
            least: prepared.least,
            start_credits: self.core.start_credits,
            service: None,
            limits: self.core.limits(self.caller.role),
            tokens: prepared.tokens,
            provider: first.model.provider.clone(),
            model: first.model.name.clone(),
            node: self.core.node,
            lease_until: now + LEASE,
            now,
        }
    }

    /// Places the hold. A second attempt, because it is unknown whether one without an answer took effect.
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, GatewayError> {
        let accounts = &self.core.accounts;
        let reserved = match accounts.reserve(reservation.clone()).await {
            Err(_) => accounts.reserve(reservation.clone()).await,
            reserved => reserved,
        };
        reserved.map_err(|_| {
            release(&self.core, &reservation);
            let message = "The accounts can't be reached, so nothing was sent: try again";
            GatewayError::new(GatewayErrorCode::LedgerUnavailable, message)
                .retry_after(Duration::from_secs(1))
        })
    }

    /// Reads the answer, and passes it on.
    async fn drive(
        &self,
        candidates: Vec<PreparedCandidate>,
        first: PreparedCandidate,
        max_output_tokens: u32,
        checkpoint: impl Fn(MicroCredits),
    ) -> EndedAnswer {
        let mut routed = self.core.router.start(RouteRequest {
            models: candidates.iter().map(|candidate| Arc::clone(&candidate.model)).collect(),
            body: self.request.body.clone(),
            headers: self.request.headers.clone(),
            max_output_tokens,
            stream: self.request.stream,
            time_limit: TIME_LIMIT,
        });
        let mut ended = EndedAnswer {
            answer: WholeAnswer::default(),
            end: AnswerEnd::Cancelled,
            asked: Arc::clone(&first.model),
            candidate: first,
            is_streamed: self.request.stream,
            has_content: false,
            first_token: None,
            attempts: 0,
            budget: self.request.budget,
        };
        let mut ticks = interval(CHECKPOINT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut counted_bytes, mut written) = (0, WrittenTokens::default());
        let mut draining: Option<Pin<Box<Sleep>>> = None;
        loop {
            let is_abandoned = draining.is_some();
            let drained = async {
                match &mut draining {
                    Some(rest) => rest.await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                () = self.core.stopping.cancelled() => {
                    ended.end = AnswerEnd::Stopped;
                    break;
                }
                () = drained => break,
                event = routed.next() => event,
                () = self.events.abandoned(), if !is_abandoned => {
                    match self.core.abandon_policy(&ended.candidate.model.provider) {
                        AbandonPolicy::Drain => {
                            draining = Some(Box::pin(sleep(DRAIN_TIME)));
                            continue;
                        }
                        AbandonPolicy::Estimate => break,
                        AbandonPolicy::Forgive => {
                            ended.end = AnswerEnd::Forgiven;
                            break;
                        }
                    }
                }
                _ = ticks.tick() => {
                    ended.observe(&routed, &candidates);
                    let bytes = ended.answer.written_bytes();
                    if ended.attempts > 0 && (bytes == 0 || bytes != counted_bytes) {
                        counted_bytes = bytes;
                        checkpoint(ended.price(&self.core.catalog, &mut written));
                    }
                    continue;
                }
            };
            match event {
                Some(RouteEvent::Failover(notice)) => {
                    self.core.figures.record_failover();
                    let RouteTarget { provider, model, .. } = notice.to;
                    let (provider, model) = (provider.into(), model.into());
                    self.events.push(AnswerEvent::Failover { provider, model });
                }
                Some(RouteEvent::Waiting(_)) => {}
                Some(RouteEvent::Frame(frame)) => {
                    if ended.answer.model.is_empty() {
                        // The provider has accepted the input.
                        ended.observe(&routed, &candidates);
                        checkpoint(ended.price(&self.core.catalog, &mut written));
                    }
                    frame.events.iter().for_each(|event| ended.answer.add(event));
                    if frame.has_content() && !ended.has_content {
                        ended.has_content = true;
                        ended.first_token = Some(self.watch.elapsed());
                    }
                    self.events.push(AnswerEvent::Frame(Arc::new(frame)));
                }
                Some(RouteEvent::Failed(error)) => {
                    ended.end = AnswerEnd::Failed(error);
                    break;
                }
                None => {
                    ended.end = AnswerEnd::Complete;
                    break;
                }
            }
        }
        ended.observe(&routed, &candidates);
        self.core.figures.record_attempts(&routed.attempts());
        ended
    }

    /// The stored answer of the same request.
    async fn repeat(&self, answered: AnsweredRequest) -> Result<AnswerEvent, GatewayError> {
        let AnsweredRequest { usage: row, result } = answered;
        let stored = result.and_then(|sealed| self.core.open(self.caller.account, &sealed));
        let Some(stored) = stored else {
            let problem = match row.usage.status {
                UsageStatus::Done => "was answered, but the answer is too long to be stored",
                _ => "ended without a complete answer",
            };
            let message = format!(
                "The same request {problem}, and {} credits were charged: use a new idempotency key to ask again",
                row.charged
            );
            return Err(GatewayError::new(GatewayErrorCode::DuplicateId, message));
        };
        let balance = self.core.balance(&self.caller).await?;
        let bill = Bill {
            provider: row.usage.provider.clone(),
            model: row.usage.response_model.clone().unwrap_or(row.model),
            finish: stored.finish(),
            usage: row.usage.tokens,
            is_usage_exact: row.usage.source == UsageSource::Provider,
            charged: row.charged,
            balance: balance.balance,
            first_token: row.usage.first_token_ms.map(Duration::from_millis),
            total: Duration::from_millis(row.usage.total_ms),
        };
        self.events.push(AnswerEvent::Frame(Arc::new(stored.into_frame(&bill))));
        Ok(AnswerEvent::Done(Arc::new(bill)))
    }
}
