//! Live sessions over streamable HTTP: rmcp's service, and a way to end them all.

use std::sync::Arc;
use std::time::Duration;

use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a session may take to end. One whose client does not read is blocked in rmcp; it is not known
/// any more all the same, and ends by its own time limit.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The sessions there are. Clones share the same.
#[derive(Clone)]
pub struct HttpSessions(pub(super) Arc<LocalSessionManager>);

impl HttpSessions {
    /// None yet; each ends after `idle` without a word from its client.
    #[must_use]
    pub fn new(idle: Duration) -> Self {
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(idle);
        Self(Arc::new(sessions))
    }

    /// Ends all of them.
    pub async fn close_all(&self) {
        let sessions: Vec<_> = self.0.sessions.read().await.keys().cloned().collect();
        let mut endings = JoinSet::new();
        for id in sessions {
            let manager = Arc::clone(&self.0);
            endings.spawn(async move { timeout(CLOSE_TIMEOUT, manager.close_session(&id)).await });
        }
        while endings.join_next().await.is_some() {}
    }
}
