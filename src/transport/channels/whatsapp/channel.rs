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
use crate::connect::delivery::courier::{Channel, DeliveryError};
use crate::connect::lobby::inbox::Item;
use crate::connect::profile::language::Language;
use crate::connect::reply::compose::{ComposedBatch, batch};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::RoomId;
use crate::transport::channels::outbound::{Backoff, SendPolicy};

/// How long after a message of theirs people may be written to (else error 131047).
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// The most answers that wait for one person. Who writes on although none arrive gets no more.
const MAX_TOLD: usize = 32;

/// How long what is brought waits for an answer that belongs ahead of it.
const READING: Duration = Duration::from_secs(2);

/// A way to reach one person.
pub struct WhatsAppChannel {
    graph: Arc<GraphApi>,
    clock: Arc<dyn Clock>,
    address: Recipient,
    pace: SendPolicy,
    pause: Backoff,
    /// Held while a message of theirs is being carried out.
    reading: tokio::sync::Mutex<()>,
    state: Mutex<ChannelState>,
    changed: Notify,
}

#[derive(Default)]
struct ChannelState {
    /// Answers to what they wrote, oldest first.
    told: Vec<String>,
    open_until: Timestamp,
    /// How many messages of theirs there were.
    heard: u64,
}

impl WhatsAppChannel {
    pub fn new(
        graph: Arc<GraphApi>,
        clock: Arc<dyn Clock>,
        address: Recipient,
        pace: SendPolicy,
        rng: StdRng,
    ) -> Self {
        Self {
            graph,
            clock,
            address,
            pace,
            pause: Backoff::new(pace, rng),
            reading: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// They wrote at this time, so they may be written to.
    pub fn hear(&self, at: Timestamp) {
        let mut state = self.state.lock();
        state.open_until = state.open_until.max(at + WINDOW);
        state.heard += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Tells them something.
    pub fn tell(&self, text: String) {
        let mut state = self.state.lock();
        if state.told.len() < MAX_TOLD {
            state.told.push(text);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Holds up what is brought until the answer to their message has been told: it belongs ahead of
    /// the news that came of it.
    pub async fn read(&self) -> MutexGuard<'_, ()> {
        self.reading.lock().await
    }

    fn is_open(&self) -> bool {
        self.clock.now() < self.state.lock().open_until
    }

    /// Waits for `condition`, which only changes with a word to `changed`.
    async fn wait_for(&self, condition: impl Fn(&Self) -> bool) {
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
    async fn bring(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError> {
        // Reading takes no longer unless the store hangs, and the lease does not wait for that.
        drop(timeout(READING, self.read()).await);
        let (ComposedBatch { text, told, shown }, heard) = {
            let state = self.state.lock();
            (batch(language, &state.told, items), state.heard)
        };
        if told + shown == 0 {
            return Ok(0);
        }
        if !self.is_open() {
            return Err(DeliveryError::Later);
        }
        let sent = self.graph.send(&self.address, &text).await;
        let mut state = self.state.lock();
        match sent {
            Ok(()) => {
                self.pause.after_success(self.pace.person);
                state.told.drain(..told);
                Ok(shown)
            }
            Err(SendError::Later(asked)) => {
                self.pause.after_failure(asked);
                Err(DeliveryError::Later)
            }
            Err(SendError::Refused) => {
                self.pause.after_failure(None);
                // Answers are for the moment, and one of them may be why. News stays in the inbox.
                state.told.drain(..told);
                if state.heard == heard {
                    state.open_until = Timestamp::default();
                }
                Err(DeliveryError::Later)
            }
        }
    }

    async fn ready(&self) {
        self.pause.over().await;
        self.wait_for(Self::is_open).await;
    }

    async fn wanted(&self) {
        self.wait_for(|channel| !channel.state.lock().told.is_empty()).await;
    }

    /// The API shows it only along with having read a message.
    async fn show_typing(&self, _room: RoomId, _typing: bool) {}
}
