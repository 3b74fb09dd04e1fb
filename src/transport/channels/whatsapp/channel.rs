//! One person on WhatsApp as a channel: what they are told and what waits for them goes out in as
//! few messages as hold it, no faster than they may be sent, and only while they may be written to.
//!
//! **Invariant:** nothing is taken for delivered that the API did not say it took.

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

/// How long after a message of theirs people may be written to (else error 131047).
pub const MESSAGING_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// The most answers that wait for one person. Who writes on although none arrive gets no more.
const MAX_PENDING_REPLIES: usize = 32;

/// How long what is brought waits for an answer that belongs ahead of it.
const REPLY_WAIT: Duration = Duration::from_secs(2);

/// A way to reach one person.
pub struct WhatsAppChannel {
    graph: Arc<GraphApi>,
    clock: Arc<dyn Clock>,
    recipient: Recipient,
    send_policy: SendPolicy,
    backoff: Backoff,
    /// Held while a message of theirs is being carried out.
    handling: tokio::sync::Mutex<()>,
    state: Mutex<ChannelState>,
    changed: Notify,
}

#[derive(Default)]
struct ChannelState {
    /// Answers to what they wrote, oldest first.
    replies: Vec<String>,
    window_closes_at: Timestamp,
    /// How many messages of theirs there were.
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

    /// They wrote at this time, so they may be written to.
    pub fn open_window(&self, at: Timestamp) {
        let mut state = self.state.lock();
        state.window_closes_at = state.window_closes_at.max(at + MESSAGING_WINDOW);
        state.received_count += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Tells them something.
    pub fn queue_reply(&self, text: String) {
        let mut state = self.state.lock();
        if state.replies.len() < MAX_PENDING_REPLIES {
            state.replies.push(text);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Holds up what is brought until the answer to their message has been told: it belongs ahead of
    /// the news that came of it.
    pub async fn hold_delivery(&self) -> MutexGuard<'_, ()> {
        self.handling.lock().await
    }

    fn is_window_open(&self) -> bool {
        self.clock.now() < self.state.lock().window_closes_at
    }

    /// Waits for `condition`, which only changes with a word to `changed`.
    async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no word is missed.
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
        // Reading takes no longer unless the store hangs, and the lease does not wait for that.
        drop(timeout(REPLY_WAIT, self.hold_delivery()).await);
        let (ComposedBatch { text, replies_shown: told, items_shown: shown }, heard) = {
            let state = self.state.lock();
            (compose_batch(language, &state.replies, items), state.received_count)
        };
        if told + shown == 0 {
            return Ok(0);
        }
        if !self.is_window_open() {
            return Err(DeliveryError::RetryLater);
        }
        let sent = self.graph.send(&self.recipient, &text).await;
        let mut state = self.state.lock();
        match sent {
            Ok(()) => {
                self.backoff.on_success(self.send_policy.per_user_interval);
                state.replies.drain(..told);
                Ok(shown)
            }
            Err(SendError::RetryLater(asked)) => {
                self.backoff.on_failure(asked);
                Err(DeliveryError::RetryLater)
            }
            Err(SendError::Rejected) => {
                self.backoff.on_failure(None);
                // Answers are for the moment, and one of them may be why. News stays in the inbox.
                state.replies.drain(..told);
                if state.received_count == heard {
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

    /// The API shows it only along with having read a message.
    async fn send_typing(&self, _room: RoomId, _typing: bool) {}
}
