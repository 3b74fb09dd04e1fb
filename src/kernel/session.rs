//! [`Session`] and [`SessionLimit`]: connected clients, their maximum number, and the state that
//! toolsets store per client.
//!
//! Transports create and drop sessions. A toolset stores its state with [`Session::state`], under a
//! type that only it knows.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use rmcp::model::Extensions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

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

/// The stream on which a client receives messages that answer no request, if its transport has one
/// that may be closed. Streams of a session are numbered from 1.
#[derive(Clone)]
pub struct PushStream(watch::Receiver<Option<u64>>);

impl PushStream {
    /// Creates the stream of a session, and the sender of the number of the open one.
    #[must_use]
    pub fn new() -> (watch::Sender<Option<u64>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// The number of the open stream. `None` while none is open.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        *self.0.borrow()
    }

    /// Waits until a stream is open that is not number `except`.
    pub async fn opened(&self, except: Option<u64>) {
        let mut numbers = self.0.clone();
        let is_open = |number: &Option<u64>| number.is_some() && *number != except;
        if numbers.wait_for(is_open).await.is_err() {
            // The session has ended.
            std::future::pending::<()>().await;
        }
    }
}

/// A connected client and the state that toolsets store with it. The state is dropped with the
/// session.
pub struct Session {
    extensions: Mutex<http::Extensions>,
    push_stream: OnceLock<PushStream>,
    ending: CancellationToken,
    _permit: Option<SessionPermit>,
}

impl Session {
    /// Creates a session that holds `permit`, `None` if the transport does not limit its sessions. It
    /// ends soon after `ending` is cancelled.
    #[must_use]
    pub fn new(permit: Option<SessionPermit>, ending: CancellationToken) -> Arc<Self> {
        let (extensions, push_stream) = (Mutex::default(), OnceLock::new());
        Arc::new(Self { extensions, push_stream, ending, _permit: permit })
    }

    /// Cancelled when the session ends as soon as its calls in flight are answered.
    #[must_use]
    pub const fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// Takes the push stream from the extensions of the first request that has one.
    pub fn set_push_stream(&self, request: &Extensions) {
        let http_request = request.get::<http::request::Parts>();
        if let Some(stream) = http_request.and_then(|parts| parts.extensions.get::<PushStream>()) {
            self.push_stream.get_or_init(|| stream.clone());
        }
    }

    /// The push stream. `None` if the session ends with its connection, which is always open.
    #[must_use]
    pub fn push_stream(&self) -> Option<&PushStream> {
        self.push_stream.get()
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
        let sessions: Vec<_> =
            (0..2).map(|_| Session::new(limit.try_acquire(), CancellationToken::new())).collect();
        assert!(limit.try_acquire().is_none() && limit.in_use() == 2);
        drop(sessions);
        assert_eq!(limit.in_use(), 0);
    }

    #[test]
    fn session_state_is_shared_and_dropped_with_the_session() {
        let session = Session::new(None, CancellationToken::new());
        let state: Arc<Mutex<u8>> = session.state();
        *state.lock() = 7;
        assert_eq!(*session.state::<Arc<Mutex<u8>>>().lock(), 7);
        drop(session);
        assert_eq!(Arc::strong_count(&state), 1);
    }
}
