//! Who writes from where: in memory, at most so many, and forgotten after a day of silence.
//!
//! **Invariant:** messages of one person are carried out one after the other, in the order in which
//! they came.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::channel::{MESSAGING_WINDOW, WhatsAppChannel};
use super::webhook::InboundMessage;
use crate::connect::delivery::courier::{CourierGuard, Couriers};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::ttl_cache::TtlCache;

/// The most people known at once; the longest silent are forgotten for new ones.
const MAX_USERS: usize = 100_000;

/// Somebody who wrote lately. What they are told of goes with them when they are forgotten.
pub struct WhatsAppUser {
    pub user: UserId,
    pub channel: Arc<WhatsAppChannel>,
    attachment: Mutex<Option<CourierGuard>>,
    messages: Mutex<MessageQueue>,
}

#[derive(Default)]
struct MessageQueue {
    waiting: VecDeque<InboundMessage>,
    /// Whether somebody is at work on them.
    in_progress: bool,
}

impl WhatsAppUser {
    /// Adds a message, and returns whether somebody has to be put to work on them.
    #[must_use]
    pub fn add(&self, message: InboundMessage) -> bool {
        let mut messages = self.messages.lock();
        messages.waiting.push_back(message);
        !std::mem::replace(&mut messages.in_progress, true)
    }

    /// The next message; when there is none, the work on them has ended.
    pub fn next(&self) -> Option<InboundMessage> {
        let mut messages = self.messages.lock();
        let next = messages.waiting.pop_front();
        messages.in_progress = next.is_some();
        next
    }

    /// Has their news brought over their channel, if that is not so already.
    pub fn attach(&self, couriers: &Arc<Couriers>) {
        let mut attachment = self.attachment.lock();
        if attachment.as_ref().is_some_and(CourierGuard::is_active) {
            return;
        }
        let channel = Arc::clone(&self.channel) as _;
        *attachment = Some(couriers.attach(self.user, channel));
    }
}

/// Everybody who wrote lately.
pub struct WhatsAppUsers(Mutex<TtlCache<UserId, Arc<WhatsAppUser>>>);

impl Default for WhatsAppUsers {
    fn default() -> Self {
        Self(Mutex::new(TtlCache::new(MESSAGING_WINDOW, MAX_USERS)))
    }
}

impl WhatsAppUsers {
    /// A person who just wrote, known already or made with a channel.
    pub fn get_or_insert(
        &self,
        who: UserId,
        now: Timestamp,
        channel: impl FnOnce() -> WhatsAppChannel,
    ) -> Arc<WhatsAppUser> {
        let mut people = self.0.lock();
        let known = people.get(&who, now).map(Arc::clone);
        let person = known.unwrap_or_else(|| {
            let channel = Arc::new(channel());
            Arc::new(WhatsAppUser {
                user: who,
                channel,
                attachment: Mutex::default(),
                messages: Mutex::default(),
            })
        });
        let forgotten = people.insert(who, Arc::clone(&person), now);
        // Letting go of somebody takes the couriers' lock.
        drop(people);
        drop(forgotten);
        person
    }

    /// Forgets those who have been silent for too long.
    pub fn evict_idle(&self, now: Timestamp) {
        let forgotten = self.0.lock().evict_expired(now);
        drop(forgotten);
    }
}
