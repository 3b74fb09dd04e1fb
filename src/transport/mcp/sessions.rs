//! [`HttpSessions`]: the live sessions over streamable HTTP, which can be closed all together.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmcp::transport::streamable_http_server::session::SessionManager;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::session_streams::SessionStreams;
use crate::transport::ops::drain::DrainTarget;

/// Time limit for closing a session. rmcp blocks on a session whose client does not read. Such a
/// session is removed all the same, and ends by its idle limit.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The live sessions of this process. Clones share one set.
#[derive(Clone)]
pub struct HttpSessions(pub(super) Arc<SessionStreams>);

impl HttpSessions {
    /// An empty set. Each session ends after `idle` without a message from its client.
    #[must_use]
    pub fn new(idle: Duration) -> Self {
        Self(Arc::new(SessionStreams::new(idle)))
    }
}

#[async_trait]
impl DrainTarget for HttpSessions {
    async fn close_all(&self) {
        let mut closing = JoinSet::new();
        for id in self.0.ids().await {
            let manager = Arc::clone(&self.0);
            closing.spawn(async move { timeout(CLOSE_TIMEOUT, manager.close_session(&id)).await });
        }
        while closing.join_next().await.is_some() {}
    }
}
