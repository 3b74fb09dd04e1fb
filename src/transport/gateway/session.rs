//! [`GatewaySession`]: the conversation over one socket.
//!
//! The session reads the answers of its requests in turn, so that none waits for another, and joins the pieces that wait
//! for a slow client. An answer does not wait for its client: one whose buffer is full loses its first events, and a
//! client that has not read them is closed with 4408.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::answers::SocketAnswers;
use super::caller::GatewayGate;
use super::resume::{AnswerKey, ResumableAnswers};
use super::token_watch::TokenWatch;
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::service::GatewayService;
use crate::gateway::service::connections::SocketPermit;
use crate::gateway::service::request::GatewayCaller;
use crate::gateway::wire::{GatewayMessage, RequestId, SocketRequest, reply};
use crate::kernel::clock::Timestamp;
use crate::kernel::principal::Principal;
use crate::transport::ops::drain::Drain;
use crate::transport::socket::{SocketClose, SocketMessage, SocketSession};

/// The token has expired, or is revoked.
const TOKEN_ENDED: SocketClose = SocketClose { code: 4401, reason: "the token is no longer valid" };

/// The client reads so slowly that a part of an answer is lost.
const SLOW_READER: SocketClose = SocketClose { code: 4408, reason: "the client reads too slowly" };

/// Time for the ends of answers that the end of the server cuts.
const END_TIME: Duration = Duration::from_millis(500);

/// Time from the request for a new token to the expiry of the old one.
const EXPIRY_NOTICE: Duration = Duration::from_secs(60);

/// The parts that all sessions share.
pub struct SessionParts {
    pub service: Arc<GatewayService>,
    pub gate: GatewayGate,
    pub answers: ResumableAnswers,
    pub drain: Drain,
    /// Time for the answers in progress when the instance drains or stops.
    pub drain_time: Duration,
}

/// The server's side of a socket.
pub struct GatewaySession {
    parts: Arc<SessionParts>,
    name: Arc<str>,
    principal: Arc<Principal>,
    caller: GatewayCaller,
    token: TokenWatch,
    answers: SocketAnswers,
    wake: Arc<Notify>,
    /// The first message, which is written before any other.
    greeting: Option<String>,
    state: SessionState,
    /// Cancelled when the instance drains.
    draining: CancellationToken,
    ended: CancellationToken,
    _permit: SocketPermit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SessionState {
    Open,
    /// The client was told that its token expires soon.
    Expiring,
    /// No request is accepted, and the session ends with the last answer.
    Expired,
    Draining,
}

impl GatewaySession {
    /// A session of `caller`. `greeting` is its first message.
    #[must_use]
    pub fn new(
        parts: Arc<SessionParts>,
        name: Arc<str>,
        principal: Arc<Principal>,
        caller: GatewayCaller,
        greeting: String,
        permit: SocketPermit,
    ) -> Self {
        let wake = Arc::new(Notify::new());
        Self {
            answers: SocketAnswers::new(Arc::clone(&wake)),
            draining: parts.drain.session_token(),
            token: TokenWatch::start(principal.confirmation()),
            parts,
            name,
            principal,
            caller,
            wake,
            greeting: Some(greeting),
            state: SessionState::Open,
            ended: CancellationToken::new(),
            _permit: permit,
        }
    }

    /// Starts a request. Returns the refusal if it is not accepted.
    fn request(&mut self, request: &SocketRequest) -> Option<String> {
        // The state follows the clock with a delay.
        let now = self.parts.service.now();
        let has_ended = self.principal.validity().expires_at().is_some_and(|at| at <= now);
        let refused = match self.state {
            SessionState::Open | SessionState::Expiring if !has_ended => None,
            SessionState::Open | SessionState::Expiring | SessionState::Expired => {
                Some(GatewayError::new(
                    GatewayErrorCode::TokenExpired,
                    "The token has expired: send a new one in a message of type auth",
                ))
            }
            SessionState::Draining => Some(GatewayError::new(
                GatewayErrorCode::Draining,
                "The server is about to stop: connect again",
            )),
        };
        let id = request.id.clone();
        let start = || {
            let answer = self.parts.service.start(self.caller.clone(), request.clone().into());
            let key = AnswerKey { session: Arc::clone(&self.name), id: id.clone() };
            self.parts.answers.add(key, self.caller.account, &answer);
            answer
        };
        let refused = match refused {
            None => self.answers.start(request, start).err(),
            refused => refused,
        };
        refused.map(|error| self.refusal(Some(&id), &error))
    }

    /// Reads an answer of an earlier connection on.
    fn resume(&mut self, id: RequestId, session: &str, after: u64) -> Option<String> {
        let key = AnswerKey { session: session.into(), id };
        let Some(answer) = self.parts.answers.find(&key, self.caller.account) else {
            let message = "There is no such answer: it can be resumed for 30 seconds, at the instance that makes it";
            let error = GatewayError::new(GatewayErrorCode::InvalidRequest, message);
            return Some(self.refusal(Some(&key.id), &error));
        };
        let resumed = self.answers.resume(key.id.clone(), answer, after);
        resumed.err().map(|error| self.refusal(Some(&key.id), &error))
    }

    async fn balance(&self, id: Option<&RequestId>) -> String {
        match self.parts.service.balance(&self.caller).await {
            Ok(balance) => reply::balance(id, &balance, self.parts.service.now()),
            Err(error) => self.refusal(id, &error),
        }
    }

    /// Replaces the token.
    async fn authenticate(&mut self, id: Option<&RequestId>, token: &str) -> String {
        let admitted = self.parts.gate.identify(token.as_bytes()).await;
        match admitted {
            Ok((principal, caller)) if caller.account == self.caller.account => {
                self.token = TokenWatch::start(principal.confirmation());
                (self.principal, self.caller) = (principal, caller);
                if matches!(self.state, SessionState::Expiring | SessionState::Expired) {
                    self.state = SessionState::Open;
                }
                let until = self.principal.validity().expires_at();
                let fields = serde_json::json!({ "expiresAt": until.map(Timestamp::to_iso_8601) });
                reply::plain("auth", id, fields, self.parts.service.now())
            }
            Ok(_) => {
                let message = "The token belongs to another user: open another socket";
                self.refusal(id, &GatewayError::new(GatewayErrorCode::Unauthorized, message))
            }
            Err(error) => self.refusal(id, &error),
        }
    }

    /// Refuses a message. One with the id of a request in progress is not answered with this id, which would end the
    /// request for its client.
    fn refusal(&self, id: Option<&RequestId>, error: &GatewayError) -> String {
        self.parts.service.record_refusal(error.code);
        let now = self.parts.service.now();
        match id {
            Some(id) if self.answers.has(id) => reply::refusal_beside(id, error, now),
            id => reply::refusal(id, error, now),
        }
    }

    /// Waits for a change of the token or of the instance. Returns a notice for the client.
    async fn change(&mut self) -> Option<String> {
        let now = self.parts.service.now();
        let validity = self.principal.validity().clone();
        let expires_at = validity.expires_at();
        let until_notice = expires_at.map(|at| at.since(now).saturating_sub(EXPIRY_NOTICE));
        let expiring = async {
            match until_notice {
                Some(time) if self.state == SessionState::Open => sleep(time).await,
                _ => std::future::pending().await,
            }
        };
        let expired = async {
            match self.state {
                SessionState::Open | SessionState::Expiring => tokio::select! {
                    () = validity.ended() => {}
                    () = self.token.refused() => {}
                },
                _ => std::future::pending().await,
            }
        };
        let draining = async {
            match self.state {
                SessionState::Draining => std::future::pending().await,
                _ => self.draining.cancelled().await,
            }
        };
        let state = tokio::select! {
            biased;
            () = draining => SessionState::Draining,
            () = expired => SessionState::Expired,
            () = expiring => SessionState::Expiring,
        };
        self.state = state;
        let notice = |kind: &str, fields: serde_json::Value| {
            let mut fields = fields;
            fields["kind"] = serde_json::json!(kind);
            Some(reply::plain("notice", None, fields, self.parts.service.now()))
        };
        match state {
            SessionState::Expiring => {
                let at = expires_at.map(Timestamp::to_iso_8601);
                notice("token_expiring", serde_json::json!({ "expiresAt": at }))
            }
            SessionState::Expired => notice("token_expired", serde_json::json!({})),
            SessionState::Draining => {
                let (ended, time) = (self.ended.clone(), self.parts.drain_time);
                tokio::spawn(async move {
                    sleep(time + END_TIME).await;
                    ended.cancel();
                });
                notice("draining", serde_json::json!({}))
            }
            SessionState::Open => None,
        }
    }

    /// The close of a session that has nothing left to send.
    fn close(&self) -> Option<SocketClose> {
        match self.state {
            _ if self.ended.is_cancelled() => Some(SocketClose::AWAY),
            SessionState::Draining if self.answers.is_empty() => Some(SocketClose::AWAY),
            SessionState::Expired if self.answers.is_empty() => Some(TOKEN_ENDED),
            _ => None,
        }
    }
}

impl SocketSession for GatewaySession {
    async fn receive(&mut self, text: &str) -> Result<Vec<String>, SocketClose> {
        let message = match GatewayMessage::parse(text) {
            Ok(message) => message,
            Err((id, error)) => return Ok(vec![self.refusal(id.as_ref(), &error)]),
        };
        let answer = match message {
            GatewayMessage::Request(request) => self.request(&request),
            GatewayMessage::Cancel { id } => {
                self.answers.cancel(&id);
                None
            }
            GatewayMessage::Resume { id, session, after } => self.resume(id, &session, after),
            GatewayMessage::Balance { id } => Some(self.balance(id.as_ref()).await),
            GatewayMessage::Auth { id, token } => {
                Some(self.authenticate(id.as_ref(), &token).await)
            }
            GatewayMessage::Ping { id } => {
                let now = self.parts.service.now();
                Some(reply::plain("pong", id.as_ref(), serde_json::json!({}), now))
            }
        };
        Ok(answer.into_iter().collect())
    }

    async fn next(&mut self) -> Result<SocketMessage, SocketClose> {
        let message = |text| Ok(SocketMessage { text, receipts: Vec::new() });
        loop {
            if let Some(greeting) = self.greeting.take() {
                return message(greeting);
            }
            match self.answers.next(self.parts.service.now()) {
                Ok(Some(text)) => return message(text),
                Ok(None) => {}
                Err(_) => return Err(SLOW_READER),
            }
            if let Some(close) = self.close() {
                return Err(close);
            }
            let wake = Arc::clone(&self.wake);
            let ended = self.ended.clone();
            tokio::select! {
                () = wake.notified() => {}
                () = ended.cancelled() => {}
                notice = self.change() => if let Some(notice) = notice {
                    return message(notice);
                },
            }
        }
    }

    fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}
