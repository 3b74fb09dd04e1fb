//! [`SessionStreams`]: rmcp's sessions over streamable HTTP, with event streams as the protocol defines them.
//!
//! rmcp primes the streams of all clients, gives several priming events the id `0`, replays the event that a
//! client names as its last, and repeats events on a new stream. Here, only clients since protocol 2025-11-25 get
//! priming events, ids are unique in a session, and no event is repeated.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::iter;
use futures_util::{Stream, StreamExt};
use parking_lot::Mutex;
use rmcp::model::{
    ClientJsonRpcMessage, GetExtensions, ProtocolVersion, ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionTransport,
};
use rmcp::transport::streamable_http_server::session::{
    ServerSseMessage, SessionId, SessionManager,
};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::kernel::principal::Principal;

/// Time that a client waits before it reconnects to a stream, in priming events.
const RETRY: Duration = Duration::from_secs(3);

/// The first protocol version with priming events.
const FIRST_PRIMED_VERSION: ProtocolVersion = ProtocolVersion::V_2025_11_25;

/// The sessions of a server.
#[derive(Default)]
pub struct SessionStreams {
    inner: LocalSessionManager,
    sessions: Mutex<HashMap<SessionId, Arc<StreamState>>>,
}

/// The state of one session: its calls in flight, and its unsolicited stream over all connections.
#[derive(Default)]
struct StreamState {
    calls: TaskTracker,
    is_primed: bool,
    /// The principal that opened the session.
    opener: Option<Arc<Principal>>,
    /// Number of priming events.
    primings: AtomicU64,
    /// The index after that of the last event that a connection has taken.
    next_index: AtomicUsize,
}

impl SessionStreams {
    /// An empty set. Each session ends after `idle` without a message from its client.
    #[must_use]
    pub fn new(idle: Duration) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(idle);
        inner.session_config.sse_retry = Some(RETRY);
        Self { inner, sessions: Mutex::default() }
    }

    /// rmcp's sessions, without the streams of this type.
    pub const fn local(&self) -> &LocalSessionManager {
        &self.inner
    }

    /// The ids of all sessions.
    pub async fn ids(&self) -> Vec<SessionId> {
        self.inner.sessions.read().await.keys().cloned().collect()
    }

    /// Counts a call in flight until the token is dropped.
    pub fn call(&self, id: &SessionId) -> TaskTrackerToken {
        self.state(id).calls.token()
    }

    /// Waits until a session has no call in flight.
    pub async fn calls_answered(&self, id: &SessionId) {
        let calls = self.state(id).calls.clone();
        calls.close();
        calls.wait().await;
    }

    /// Returns `false` if another principal has opened the session. `true` if there is no such session.
    pub fn admit(&self, id: &str, principal: &Principal) -> bool {
        let sessions = self.sessions.lock();
        let opener = sessions.get(id).and_then(|state| state.opener.as_ref());
        opener.is_none_or(|opener| opener.shares_sessions_with(principal))
    }

    fn state(&self, id: &SessionId) -> Arc<StreamState> {
        self.sessions.lock().get(id).cloned().unwrap_or_default()
    }
}

impl StreamState {
    /// A priming event, from which a client resumes with the first event that none has taken.
    fn priming(&self) -> ServerSseMessage {
        let number = self.primings.fetch_add(1, Ordering::Relaxed);
        let index = self.next_index.load(Ordering::Relaxed);
        ServerSseMessage::priming(format!("priming-{number}-{index}"), RETRY)
    }

    /// Records the events that a connection takes from the unsolicited stream.
    fn take(&self, event: &ServerSseMessage) {
        if let Some(index) = event.event_id.as_deref().and_then(|id| id.parse::<usize>().ok()) {
            self.next_index.fetch_max(index + 1, Ordering::Relaxed);
        }
    }
}

/// The id of the first event to replay, in rmcp's form, to a client whose last event is `last`.
fn first_to_replay(last: &str) -> Option<String> {
    if let Some(priming) = last.strip_prefix("priming-") {
        return priming.split_once('-').map(|(_, index)| index.to_owned());
    }
    let (index, stream) = match last.split_once('/') {
        Some((index, request)) => (index, format!("/{request}")),
        None => (last, String::new()),
    };
    let next = index.parse::<usize>().ok()?.checked_add(1)?;
    Some(format!("{next}{stream}"))
}

impl SessionManager for SessionStreams {
    type Error = LocalSessionManagerError;
    type Transport = SessionTransport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        self.inner.create_session().await
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let opener = match &message {
            ClientJsonRpcMessage::Request(request) => {
                Principal::from_extensions(request.request.extensions()).cloned()
            }
            _ => None,
        };
        let answer = self.inner.initialize_session(id, message).await?;
        if let ServerJsonRpcMessage::Response(response) = &answer
            && let ServerResult::InitializeResult(result) = &response.result
        {
            // Versions are dates, in the order of their texts.
            let is_primed = result.protocol_version.as_str() >= FIRST_PRIMED_VERSION.as_str();
            let state = StreamState { is_primed, opener, ..StreamState::default() };
            self.sessions.lock().insert(id.clone(), Arc::new(state));
        }
        Ok(answer)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.sessions.lock().remove(id);
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let state = self.state(id);
        let (is_primed, call) = (state.is_primed, state.calls.token());
        let events = self.inner.create_stream(id, message).await?;
        // The call ends with its stream.
        let events = events.inspect(move |_| _ = &call);
        Ok(events.filter(move |event| ready(is_primed || event.message.is_some())))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let state = self.state(id);
        // rmcp repeats what it still has.
        let taken = state.next_index.load(Ordering::Relaxed);
        let priming = state.is_primed.then(|| state.priming());
        let events = self.inner.create_standalone_stream(id).await?;
        let events = events.filter(move |event| {
            let index = event.event_id.as_deref().and_then(|id| id.parse::<usize>().ok());
            ready(index.is_none_or(|index| index >= taken))
        });
        Ok(iter(priming).chain(events.inspect(move |event| state.take(event))))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let state = self.state(id);
        // rmcp rejects an id that it did not issue.
        let first = first_to_replay(&last_event_id).unwrap_or(last_event_id);
        let events = self.inner.resume(id, first).await?;
        Ok(events.inspect(move |event| state.take(event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_stream_resumes_after_the_named_event() {
        assert_eq!(first_to_replay("7").as_deref(), Some("8"));
        assert_eq!(first_to_replay("0/12").as_deref(), Some("1/12"));
        assert_eq!(first_to_replay("priming-3-7").as_deref(), Some("7"));
        for foreign in ["", "x", "/", "-1", "priming", "priming-3", "99999999999999999999"] {
            assert_eq!(first_to_replay(foreign), None, "{foreign}");
        }
    }
}
