//! [`WhatsAppUsers`]: the users that wrote in the last day, in memory, with their message queues.
//!
//! Handling a message must not happen here: [`WhatsApp`](super::WhatsApp) takes messages from the
//! queues.
//!
//! **Invariant:** the messages of one user are handled one at a time, in the order of arrival.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::channel::{MESSAGING_WINDOW, WhatsAppChannel};
use super::webhook::InboundMessage;
use crate::delivery::courier::{CourierGuard, Couriers};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::ttl_cache::TtlCache;

/// Maximum number of users. A new user replaces the one silent for the longest time.
const MAX_USERS: usize = 100_000;

/// A user that wrote recently. Dropping it detaches its channel.
pub struct WhatsAppUser {
    pub user: UserId,
    pub channel: Arc<WhatsAppChannel>,
    attachment: Mutex<Option<CourierGuard>>,
    messages: Mutex<MessageQueue>,
}

#[derive(Default)]
struct MessageQueue {
    waiting: VecDeque<InboundMessage>,
    /// Whether a task handles the messages.
    in_progress: bool,
}

impl WhatsAppUser {
    /// Adds a message. Returns `true` if the caller must start a task that handles the messages.
    #[must_use]
    pub fn add(&self, message: InboundMessage) -> bool {
        let mut messages = self.messages.lock();
        messages.waiting.push_back(message);
        !std::mem::replace(&mut messages.in_progress, true)
    }

    /// Takes the next message. `None` ends the task that handles the messages.
    pub fn next(&self) -> Option<InboundMessage> {
        let mut messages = self.messages.lock();
        let next = messages.waiting.pop_front();
        messages.in_progress = next.is_some();
        next
    }

    /// Attaches the channel to a courier, unless an active courier already uses it.
    pub fn attach(&self, couriers: &Arc<Couriers>) {
        let mut attachment = self.attachment.lock();
        if attachment.as_ref().is_some_and(CourierGuard::is_active) {
            return;
        }
        let channel = Arc::clone(&self.channel) as _;
        *attachment = Some(couriers.attach(self.user, channel));
    }
}

/// All users that wrote recently.
pub struct WhatsAppUsers(Mutex<TtlCache<UserId, Arc<WhatsAppUser>>>);

impl Default for WhatsAppUsers {
    fn default() -> Self {
        Self(Mutex::new(TtlCache::new(MESSAGING_WINDOW, MAX_USERS)))
    }
}

impl WhatsAppUsers {
    /// The user that just wrote, created with `channel` if unknown.
    pub fn get_or_insert(
        &self,
        user: UserId,
        now: Timestamp,
        channel: impl FnOnce() -> WhatsAppChannel,
    ) -> Arc<WhatsAppUser> {
        let mut users = self.0.lock();
        let existing = users.get(&user, now).map(Arc::clone);
        let entry = existing.unwrap_or_else(|| {
            let channel = Arc::new(channel());
            Arc::new(WhatsAppUser {
                user,
                channel,
                attachment: Mutex::default(),
                messages: Mutex::default(),
            })
        });
        let evicted = users.insert(user, Arc::clone(&entry), now);
        // Evicted users are dropped after the lock is released, because dropping one takes the lock
        // of the couriers.
        drop(users);
        drop(evicted);
        entry
    }

    /// Returns the user if they wrote within [`MESSAGING_WINDOW`].
    pub fn get(&self, user: UserId, now: Timestamp) -> Option<Arc<WhatsAppUser>> {
        self.0.lock().get(&user, now).map(Arc::clone)
    }

    /// Evicts users that have been silent for [`MESSAGING_WINDOW`].
    pub fn evict_idle(&self, now: Timestamp) {
        let evicted = self.0.lock().evict_expired(now);
        drop(evicted);
    }
}
