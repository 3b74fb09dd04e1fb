//! [`Session`] and [`SessionLimit`]: connected clients, their maximum number, and the state that
//! toolsets store per client.
//!
//! Transports create and drop sessions. A toolset stores its state with [`Session::state`], under a
//! type that only it knows.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::clock::Stopwatch;

/// Receives the duration of each session that ends.
type EndObserver = Arc<dyn Fn(Duration) + Send + Sync>;

/// Limits the number of live sessions. Clones share the same permits.
#[derive(Clone)]
pub struct SessionLimit {
    permits: Arc<Semaphore>,
    max: usize,
    on_end: EndObserver,
}

/// A permit for one live session, released when dropped.
pub struct SessionPermit {
    _permit: OwnedSemaphorePermit,
    acquired: Stopwatch,
    on_end: EndObserver,
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        (self.on_end)(self.acquired.elapsed());
    }
}

impl SessionLimit {
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), max, on_end: Arc::new(|_| ()) }
    }

    /// Calls `on_end` with the duration of each session that ends.
    #[must_use]
    pub fn on_end(self, on_end: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { on_end: Arc::new(on_end), ..self }
    }

    /// Acquires a permit. `None` if all are in use.
    #[must_use]
    pub fn try_acquire(&self) -> Option<SessionPermit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let on_end = Arc::clone(&self.on_end);
        Some(SessionPermit { _permit: permit, acquired: Stopwatch::start(), on_end })
    }

    /// Number of permits in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.max - self.permits.available_permits()
    }
}

/// A connected client and the state that toolsets store with it. The state is dropped with the
/// session.
pub struct Session {
    extensions: Mutex<http::Extensions>,
    _permit: Option<SessionPermit>,
}

impl Session {
    /// Creates a session that holds `permit`. `None` if the transport does not limit its sessions.
    #[must_use]
    pub fn new(permit: Option<SessionPermit>) -> Arc<Self> {
        Arc::new(Self { extensions: Mutex::default(), _permit: permit })
    }

    /// The session's state of type `T`, created on first use. Every call returns a clone of the
    /// same value.
    #[must_use]
    pub fn state<T: Clone + Default + Send + Sync + 'static>(&self) -> T {
        self.extensions.lock().get_or_insert_with(T::default).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_permit_is_released_with_its_session() {
        let limit = SessionLimit::new(2);
        let sessions: Vec<_> = (0..2).map(|_| Session::new(limit.try_acquire())).collect();
        assert!(limit.try_acquire().is_none() && limit.in_use() == 2);
        drop(sessions);
        assert_eq!(limit.in_use(), 0);
    }

    #[test]
    fn session_state_is_shared_and_dropped_with_the_session() {
        let session = Session::new(None);
        let state: Arc<Mutex<u8>> = session.state();
        *state.lock() = 7;
        assert_eq!(*session.state::<Arc<Mutex<u8>>>().lock(), 7);
        drop(session);
        assert_eq!(Arc::strong_count(&state), 1);
    }
}
