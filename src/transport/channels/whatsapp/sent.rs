//! [`SentMessages`]: texts that the Graph API accepted and may still report as failed.
//!
//! A text is removed as soon as Meta reports its state, and after [`SENT_TTL`] at the latest. What
//! happens to the text of a failed message is decided in `channel.rs`.

use std::time::Duration;

use parking_lot::Mutex;
use secrecy::zeroize::Zeroize;

use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::ttl_cache::TtlCache;

/// Time in which Meta may report the state of a message. It usually takes a second.
const SENT_TTL: Duration = Duration::from_secs(5 * 60);
/// Maximum number of texts in memory. The oldest are removed first.
const MAX_SENT: usize = 2_000;

/// A message that the API accepted.
pub struct SentMessage {
    pub user: UserId,
    pub text: String,
    /// Whether the message repeats one that failed.
    pub is_retry: bool,
}

/// Overwrites the text, so that it does not stay in freed memory.
impl Drop for SentMessage {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// Accepted messages by Meta's id.
pub struct SentMessages(Mutex<TtlCache<String, SentMessage>>);

impl Default for SentMessages {
    fn default() -> Self {
        Self(Mutex::new(TtlCache::new(SENT_TTL, MAX_SENT)))
    }
}

impl SentMessages {
    pub fn insert(&self, id: String, message: SentMessage, now: Timestamp) {
        let removed = self.0.lock().insert(id, message, now);
        drop(removed);
    }

    /// Removes and returns a message. `None` if it is unknown or its state is known already.
    pub fn take(&self, id: &str, now: Timestamp) -> Option<SentMessage> {
        self.0.lock().remove(id, now)
    }

    pub fn evict_expired(&self, now: Timestamp) {
        let removed = self.0.lock().evict_expired(now);
        drop(removed);
    }
}
