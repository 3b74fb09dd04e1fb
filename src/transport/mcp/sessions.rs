//! [`HttpSessions`]: the live sessions over streamable HTTP, which can be closed all together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::HeaderMap;
use rmcp::transport::streamable_http_server::session::{SessionId, SessionManager};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::push_streams::{PushStreams, StreamSlot};
use super::session_streams::SessionStreams;
use crate::kernel::principal::Principal;
use crate::transport::ops::drain::DrainTarget;

/// Time limit for closing a session. rmcp blocks on a session whose client does not read. Such a
/// session is removed all the same, and ends by its idle limit.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The live sessions of this process. Clones share one set.
#[derive(Clone)]
pub struct HttpSessions {
    pub(super) manager: Arc<SessionStreams>,
    streams: Arc<PushStreams>,
    /// Time for calls in flight to finish when all sessions are closed.
    grace: Duration,
}

impl HttpSessions {
    /// An empty set. Each session ends after `idle` without a message from its client. `grace` is the
    /// time for calls in flight to finish when all are closed.
    #[must_use]
    pub fn new(idle: Duration, grace: Duration) -> Self {
        Self { manager: Arc::new(SessionStreams::new(idle)), streams: Arc::default(), grace }
    }

    /// Counts a call in flight until the token is dropped.
    pub(super) fn call(&self, id: &SessionId) -> TaskTrackerToken {
        self.manager.call(id)
    }

    /// The push stream of the session that a request names. `None` if there is no such session.
    pub(super) async fn slot(&self, headers: &HeaderMap) -> Option<(SessionId, Arc<StreamSlot>)> {
        let id: SessionId = headers.get("mcp-session-id")?.to_str().ok()?.into();
        let sessions = self.manager.local().sessions.read().await;
        let is_open = |id: &SessionId| sessions.contains_key(id);
        is_open(&id).then(|| {
            let slot = self.streams.slot(&id, is_open);
            (id, slot)
        })
    }

    /// Returns `false` if the session that a request names belongs to another principal.
    pub(super) fn admit(&self, headers: &HeaderMap, principal: &Principal) -> bool {
        let id = headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
        id.is_none_or(|id| self.manager.admit(id, principal))
    }

    /// Ends the push stream of a session, so that rmcp sends to the next one that opens.
    pub(super) async fn close_stream(&self, id: &SessionId, slot: &StreamSlot) {
        // Before rmcp is asked, which may be blocked by it.
        slot.close();
        let handle = self.manager.local().sessions.read().await.get(id).cloned();
        if let Some(handle) = handle {
            // After a failure rmcp opens a stream without messages, as if this had not been called.
            let _ = timeout(CLOSE_TIMEOUT, handle.close_standalone_sse_stream(None)).await;
        }
    }
}

#[async_trait]
impl DrainTarget for HttpSessions {
    async fn close_all(&self) {
        let mut closing = JoinSet::new();
        for id in self.manager.ids().await {
            let sessions = self.clone();
            closing.spawn(async move {
                let _ = timeout(sessions.grace, sessions.manager.calls_answered(&id)).await;
                // Before rmcp is asked, which may be blocked by it.
                sessions.streams.close(&id);
                timeout(CLOSE_TIMEOUT, sessions.manager.close_session(&id)).await
            });
        }
        while closing.join_next().await.is_some() {}
    }
}
