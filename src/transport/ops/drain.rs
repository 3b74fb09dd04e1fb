//! [`Drain`] takes this instance out of service: live sessions end, so that their clients connect
//! to another instance, while calls are still answered.
//!
//! To add a kind of live session, hold a [`Drain::session_token`] in it or implement
//! [`DrainTarget`].

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The drain state of this instance. Clones share one state.
#[derive(Clone)]
pub struct Drain(Arc<DrainState>);

struct DrainState {
    shutdown: CancellationToken,
    /// Parent of the tokens of live sessions. A drain cancels it, and the end of a drain replaces
    /// it.
    sessions: Mutex<CancellationToken>,
}

impl Drain {
    /// A drain state that is off until `shutdown` is cancelled.
    #[must_use]
    pub fn new(shutdown: CancellationToken) -> Self {
        let sessions = Mutex::new(shutdown.child_token());
        Self(Arc::new(DrainState { shutdown, sessions }))
    }

    /// Starts or stops the drain.
    pub fn set(&self, on: bool) {
        let mut sessions = self.0.sessions.lock();
        if on {
            sessions.cancel();
        } else if sessions.is_cancelled() {
            // After `shutdown` the new token is created cancelled.
            *sessions = self.0.shutdown.child_token();
        }
    }

    /// Returns `true` while the instance drains, and after `shutdown`.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.sessions.lock().is_cancelled()
    }

    /// A token for a new live session. The next drain, or `shutdown`, cancels it.
    #[must_use]
    pub fn session_token(&self) -> CancellationToken {
        self.0.sessions.lock().child_token()
    }
}

/// Live sessions that a drain ends explicitly, because they hold no token of [`Drain`].
#[async_trait]
pub trait DrainTarget: Send + Sync {
    /// Ends all sessions, and returns when they have ended or their time limit has passed.
    async fn close_all(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drain_cancels_sessions_and_can_be_reversed() {
        let shutdown = CancellationToken::new();
        let drain = Drain::new(shutdown.clone());
        let before = drain.session_token();
        assert!(!drain.is_on() && !before.is_cancelled());
        drain.set(true);
        assert!(drain.is_on() && before.is_cancelled() && drain.session_token().is_cancelled());
        drain.set(false);
        drain.set(false);
        let after = drain.session_token();
        assert!(!drain.is_on() && !after.is_cancelled() && before.is_cancelled());
        shutdown.cancel();
        assert!(drain.is_on() && after.is_cancelled());
    }
}
