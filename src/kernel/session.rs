//! Live sessions: clients who stay connected, how many there may be, and what is kept with each.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for live sessions. Clones share the same places.
#[derive(Clone)]
pub struct SessionLimit {
    permits: Arc<Semaphore>,
    max: usize,
}

/// A place, free again when dropped.
pub type SessionPermit = OwnedSemaphorePermit;

impl SessionLimit {
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), max }
    }

    /// A place, if one is free.
    #[must_use]
    pub fn try_acquire(&self) -> Option<SessionPermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// How many places are taken.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.max - self.permits.available_permits()
    }
}

/// A client who stays connected. What toolsets keep with it goes when the client does.
pub struct Session {
    extensions: Mutex<http::Extensions>,
    _permit: Option<SessionPermit>,
}

impl Session {
    /// A session that takes up `place`, where places are counted.
    #[must_use]
    pub fn new(place: Option<SessionPermit>) -> Arc<Self> {
        Arc::new(Self { extensions: Mutex::default(), _permit: place })
    }

    /// What is kept with this session under the type `T`. All callers get clones of the same.
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
        let places = SessionLimit::new(2);
        let sessions: Vec<_> = (0..2).map(|_| Session::new(places.try_acquire())).collect();
        assert!(places.try_acquire().is_none() && places.in_use() == 2);
        drop(sessions);
        assert_eq!(places.in_use(), 0);
    }

    #[test]
    fn session_state_is_shared_and_dropped_with_the_session() {
        let session = Session::new(None);
        let part: Arc<Mutex<u8>> = session.state();
        *part.lock() = 7;
        assert_eq!(*session.state::<Arc<Mutex<u8>>>().lock(), 7);
        drop(session);
        assert_eq!(Arc::strong_count(&part), 1);
    }
}
