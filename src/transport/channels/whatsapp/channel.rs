//! [`WhatsAppChannel`]: delivers replies and events to one WhatsApp user.
//!
//! It combines them into the fewest messages that fit, sends no faster than the [`SendPolicy`]
//! allows, and only while Meta's messaging window is open. HTTP belongs to `graph.rs`, wording to
//! [`compose_batch`].
//!
//! **Invariant:** an event counts as delivered only if the API accepted it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use tokio::sync::{MutexGuard, Notify};
use tokio::time::timeout;

use super::graph::{GraphApi, SendError};
use super::sent::{SentMessage, SentMessages};
use super::webhook::{DeliveryFailure, Recipient};
use crate::connect::reply::compose::{ComposedBatch, compose_batch};
use crate::delivery::channel::{Channel, DeliveryError, TypingState};
use crate::delivery::event::PushEvents;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::UserId;
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
    user: UserId,
    recipient: Recipient,
    sent: Arc<SentMessages>,
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
    /// Texts of messages that the API accepted and could not deliver, oldest first.
    failed: Vec<String>,
    /// Number of replies, from the first, that are such texts.
    failed_count: usize,
    /// In the steady time of the clock.
    window_closes_at: Timestamp,
    /// Number of messages received from the user.
    received_count: u64,
    /// When the last reply about messages that arrived too late was queued.
    late_reply_at: Timestamp,
    /// Whether the user has reacted to a message.
    has_reacted: bool,
}

impl ChannelState {
    fn add_reply(&mut self, text: String) {
        if self.replies.len() < MAX_PENDING_REPLIES {
            self.replies.push(text);
        }
    }

    /// Moves the failed texts before the replies. Only a delivery may call it, because it removes
    /// the first replies after it has sent them.
    fn prepend_failed(&mut self) {
        let failed = std::mem::take(&mut self.failed);
        let position = self.failed_count;
        self.failed_count += failed.len();
        self.replies.splice(position..position, failed);
    }

    /// Removes the first `count` replies. Returns `true` if one of them is the text of a failed
    /// message.
    fn take_replies(&mut self, count: usize) -> bool {
        let has_failed = count > 0 && self.failed_count > 0;
        self.replies.drain(..count);
        self.failed_count = self.failed_count.saturating_sub(count);
        has_failed
    }
}

impl WhatsAppChannel {
    pub fn new(
        graph: Arc<GraphApi>,
        clock: Arc<dyn Clock>,
        (user, recipient): (UserId, Recipient),
        sent: Arc<SentMessages>,
        send_policy: SendPolicy,
        rng: StdRng,
    ) -> Self {
        Self {
            graph,
            clock,
            user,
            recipient,
            sent,
            send_policy,
            backoff: Backoff::new(send_policy, rng),
            handling: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Records a message that the user sent `age` ago, which opens the messaging window.
    pub fn open_window(&self, age: Duration) {
        let closes_at = self.clock.steady() + MESSAGING_WINDOW.saturating_sub(age);
        let mut state = self.state.lock();
        state.window_closes_at = state.window_closes_at.max(closes_at);
        state.received_count += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Queues a reply to a message from the user.
    pub fn queue_reply(&self, text: String) {
        self.state.lock().add_reply(text);
        self.changed.notify_waiters();
    }

    /// Queues a reply, unless the same one is the last: one answers all pictures of an album.
    pub fn queue_reply_once(&self, text: String) {
        let mut state = self.state.lock();
        if state.replies.last() != Some(&text) {
            state.add_reply(text);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Queues the reply to a message that the user sent at `sent_at` and that arrived too late.
    ///
    /// One reply answers all messages that were sent before it. While the messaging window is
    /// closed, the reply is dropped.
    pub fn queue_late_reply(&self, text: String, sent_at: Timestamp, now: Timestamp) {
        let mut state = self.state.lock();
        if self.clock.steady() < state.window_closes_at && sent_at >= state.late_reply_at {
            state.late_reply_at = now;
            state.add_reply(text);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Returns `true` for the first reaction of the user, because one reply about reactions is
    /// enough.
    pub fn take_first_reaction(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().has_reacted, true)
    }

    /// Queues the text of a message that the API accepted and could not deliver.
    ///
    /// A text that failed twice is dropped, because it may be the cause. If no message reaches the
    /// user, the text waits until the user writes again.
    pub fn on_delivery_failure(&self, mut message: SentMessage, failure: DeliveryFailure) {
        let error = self.graph.delivery_failed(failure);
        self.backoff.on_failure(None);
        let mut state = self.state.lock();
        if error == SendError::Rejected {
            state.window_closes_at = Timestamp::default();
        }
        if !message.is_retry && state.failed.len() < MAX_PENDING_REPLIES {
            state.failed.push(std::mem::take(&mut message.text));
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
        self.clock.steady() < self.state.lock().window_closes_at
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
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError> {
        // Handling a message takes longer only if the store hangs. The events' lease can't wait for
        // that.
        drop(timeout(REPLY_WAIT, self.hold_delivery()).await);
        let (ComposedBatch { text, replies_shown, events_shown }, received_count) = {
            let mut state = self.state.lock();
            state.prepend_failed();
            let texts = events.iter().map(|event| event.text());
            (compose_batch(&state.replies, texts), state.received_count)
        };
        if replies_shown + events_shown == 0 {
            return Ok(0);
        }
        if !self.is_window_open() {
            return Err(DeliveryError::RetryLater);
        }
        let result = self.graph.send(&self.recipient, &text).await;
        let mut state = self.state.lock();
        match result {
            Ok(id) => {
                self.backoff.on_success(self.send_policy.per_user_interval);
                let is_retry = state.take_replies(replies_shown);
                drop(state);
                let message = SentMessage { user: self.user, text, is_retry };
                if let Some(id) = id {
                    self.sent.insert(id, message, self.clock.steady());
                }
                Ok(events_shown)
            }
            Err(SendError::RetryLater(retry_after)) => {
                self.backoff.on_failure(retry_after);
                Err(DeliveryError::RetryLater)
            }
            Err(SendError::Rejected) => {
                self.backoff.on_failure(None);
                // Replies are dropped, because they are out of date later and one of them may be
                // the cause. Events stay in their mailbox.
                state.take_replies(replies_shown);
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
        let has_outgoing = |channel: &Self| {
            let state = channel.state.lock();
            !state.replies.is_empty() || !state.failed.is_empty()
        };
        self.wait_until(has_outgoing).await;
    }

    /// Does nothing: the API shows typing only together with a read receipt.
    async fn send_typing(&self, _state: TypingState) {}
}
