//! [`WhatsAppChannel`]: delivers replies and inbox items to one WhatsApp user.
//!
//! It combines them into the fewest messages that fit, sends no faster than the [`SendPolicy`]
//! allows, and only while Meta's messaging window is open. HTTP belongs to `graph.rs`, wording to
//! [`compose_batch`].
//!
//! **Invariant:** an item counts as delivered only if the API accepted it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use tokio::sync::{MutexGuard, Notify};
use tokio::time::timeout;

use super::graph::{GraphApi, SendError};
use super::webhook::Recipient;
use crate::connect::delivery::channel::{Channel, DeliveryError};
use crate::connect::lobby::inbox::Item;
use crate::connect::profile::language::Language;
use crate::connect::reply::compose::{ComposedBatch, compose_batch};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::RoomId;
use crate::transport::channels::outbound::{Backoff, SendPolicy};

/// Time after a user's last message during which they can be sent messages (otherwise error
/// 131047).
pub const MESSAGING_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// Maximum number of replies that wait for one user. Replies beyond it are dropped.
const MAX_PENDING_REPLIES: usize = 32;

/// Time limit for a delivery to wait for the reply that precedes it.
const REPLY_WAIT: Duration = Duration::from_secs(2);

/// The channel of one user.
pub struct WhatsAppChannel {
    graph: Arc<GraphApi>,
    clock: Arc<dyn Clock>,
    recipient: Recipient,
    send_policy: SendPolicy,
    backoff: Backoff,
    /// Locked while a message from the user is handled.
    handling: tokio::sync::Mutex<()>,
    state: Mutex<ChannelState>,
    changed: Notify,
}

#[derive(Default)]
struct ChannelState {
    /// Replies to the user's messages, oldest first.
    replies: Vec<String>,
    window_closes_at: Timestamp,
    /// Number of messages received from the user.
    received_count: u64,
}

impl WhatsAppChannel {
    pub fn new(
        graph: Arc<GraphApi>,
        clock: Arc<dyn Clock>,
        recipient: Recipient,
        send_policy: SendPolicy,
        rng: StdRng,
    ) -> Self {
        Self {
            graph,
            clock,
            recipient,
            send_policy,
            backoff: Backoff::new(send_policy, rng),
            handling: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Records a message that the user sent at `sent_at`, which opens the messaging window.
    pub fn open_window(&self, sent_at: Timestamp) {
        let mut state = self.state.lock();
        state.window_closes_at = state.window_closes_at.max(sent_at + MESSAGING_WINDOW);
        state.received_count += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Queues a reply to a message from the user.
    pub fn queue_reply(&self, text: String) {
        let mut state = self.state.lock();
        if state.replies.len() < MAX_PENDING_REPLIES {
            state.replies.push(text);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Delays deliveries until the guard is dropped, so that the reply to a message precedes the
    /// events that the message causes.
    pub async fn hold_delivery(&self) -> MutexGuard<'_, ()> {
        self.handling.lock().await
    }

    fn is_window_open(&self) -> bool {
        self.clock.now() < self.state.lock().window_closes_at
    }

    /// Waits for `condition`. Every change of it must notify `changed`.
    async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Enabled before the check, so that no notification is missed between check and wait.
            changed.as_mut().enable();
            if condition(self) {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Channel for WhatsAppChannel {
    async fn deliver(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError> {
        // Handling a message takes longer only if the store hangs. The items' lease can't wait for
        // that.
        drop(timeout(REPLY_WAIT, self.hold_delivery()).await);
        let (ComposedBatch { text, replies_shown, items_shown }, received_count) = {
            let state = self.state.lock();
            (compose_batch(language, &state.replies, items), state.received_count)
        };
        if replies_shown + items_shown == 0 {
            return Ok(0);
        }
        if !self.is_window_open() {
            return Err(DeliveryError::RetryLater);
        }
        let result = self.graph.send(&self.recipient, &text).await;
        let mut state = self.state.lock();
        match result {
            Ok(()) => {
                self.backoff.on_success(self.send_policy.per_user_interval);
                state.replies.drain(..replies_shown);
                Ok(items_shown)
            }
            Err(SendError::RetryLater(retry_after)) => {
                self.backoff.on_failure(retry_after);
                Err(DeliveryError::RetryLater)
            }
            Err(SendError::Rejected) => {
                self.backoff.on_failure(None);
                // Replies are dropped, because they are out of date later and one of them may be
                // the cause. Items stay in the inbox.
                state.replies.drain(..replies_shown);
                if state.received_count == received_count {
                    state.window_closes_at = Timestamp::default();
                }
                Err(DeliveryError::RetryLater)
            }
        }
    }

    async fn ready(&self) {
        self.backoff.wait().await;
        self.wait_until(Self::is_window_open).await;
    }

    async fn outgoing_ready(&self) {
        self.wait_until(|channel| !channel.state.lock().replies.is_empty()).await;
    }

    /// Does nothing: the API shows typing only together with a read receipt.
    async fn send_typing(&self, _room: RoomId, _typing: bool) {}
}
