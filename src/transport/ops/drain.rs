//! An instance that is to be taken out of service: live sessions end, so that their clients connect to
//! another, while calls are still answered.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Whether this instance drains. Clones share the same.
#[derive(Clone)]
pub struct Drain(Arc<DrainState>);

struct DrainState {
    shutdown: CancellationToken,
    /// What live sessions go on under: cancelled by a drain, and replaced when it ends.
    live: Mutex<CancellationToken>,
}

impl Drain {
    /// An instance in service, until `shutdown`.
    #[must_use]
    pub fn new(shutdown: CancellationToken) -> Self {
        let live = Mutex::new(shutdown.child_token());
        Self(Arc::new(DrainState { shutdown, live }))
    }

    /// Begins or ends it.
    pub fn set(&self, on: bool) {
        let mut live = self.0.live.lock();
        if on {
            live.cancel();
        } else if live.is_cancelled() {
            // At the end of the process the new one is cancelled from the start.
            *live = self.0.shutdown.child_token();
        }
    }

    /// Whether it drains, or is about to end.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.live.lock().is_cancelled()
    }

    /// What tells a live session that begins now to end.
    #[must_use]
    pub fn session_token(&self) -> CancellationToken {
        self.0.live.lock().child_token()
    }
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
