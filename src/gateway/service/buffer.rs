//! [`AnswerBuffer`]: the events of one answer, from the task that makes it to the connections that read it.
//!
//! The task never waits for a reader, so that a slow one delays nothing. Events stay until they take too much space,
//! so that a client that has lost its connection can read on where it stopped.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::answer::AnswerEvent;

/// Maximum size of the events that a buffer holds, in bytes. An answer of 32,768 tokens in pieces of one token is below
/// it.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The events of one answer. Cheap to clone.
#[derive(Clone, Default)]
pub struct AnswerBuffer(Arc<SharedBuffer>);

#[derive(Default)]
struct SharedBuffer {
    events: Mutex<BufferedEvents>,
    /// Whether the answer has its end.
    is_complete: watch::Sender<bool>,
    /// The number of readers.
    readers: watch::Sender<usize>,
}

#[derive(Default)]
struct BufferedEvents {
    /// Events with their numbers, without gaps.
    queue: VecDeque<(u64, AnswerEvent)>,
    /// The number of the last event.
    last: u64,
    bytes: usize,
    is_complete: bool,
    /// One per reader.
    wakers: Vec<Arc<Notify>>,
}

impl BufferedEvents {
    fn push(&mut self, event: AnswerEvent) {
        if self.is_complete {
            return;
        }
        self.is_complete = event.is_end();
        self.last += 1;
        self.bytes += event.size();
        self.queue.push_back((self.last, event));
        while self.bytes > MAX_BYTES && self.queue.len() > 1 {
            self.bytes -= self.queue.pop_front().map_or(0, |(_, event)| event.size());
        }
    }
}

impl AnswerBuffer {
    /// Adds an event. Nothing is added after the end, so that an answer has one.
    pub fn push(&self, event: AnswerEvent) {
        let is_end = event.is_end();
        let mut events = self.0.events.lock();
        events.push(event);
        events.wakers.iter().for_each(|wake| wake.notify_one());
        drop(events);
        if is_end {
            self.0.is_complete.send_replace(true);
        }
    }

    /// Waits until the answer has its end.
    pub async fn completed(&self) {
        let _ = self.0.is_complete.subscribe().wait_for(|is_complete| *is_complete).await;
    }

    /// Returns `true` if both are the same answer.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A reader of the events after number `after`; 0 for all.
    #[must_use]
    pub fn reader(&self, after: u64) -> AnswerEventReader {
        let wake = Arc::<Notify>::default();
        self.0.events.lock().wakers.push(Arc::clone(&wake));
        self.new_reader(after, wake)
    }

    /// A [`reader`](Self::reader) that notifies `wake` after each event, so that one task can read many
    /// answers. It reads the end of the answer even if `after` is the end or a number that no event has.
    ///
    /// # Errors
    /// Returns [`EventsLost`] if the buffer has dropped the first of the events.
    pub fn reader_that_wakes(
        &self,
        after: u64,
        wake: Arc<Notify>,
    ) -> Result<AnswerEventReader, EventsLost> {
        let mut events = self.0.events.lock();
        let unread = u64::from(events.is_complete);
        let after = after.min(events.last.saturating_sub(unread));
        let is_lost = events.queue.front().is_some_and(|(first, _)| after + 1 < *first);
        if is_lost {
            return Err(EventsLost);
        }
        events.wakers.push(Arc::clone(&wake));
        drop(events);
        Ok(self.new_reader(after, wake))
    }

    /// A reader whose `wake` is notified already.
    fn new_reader(&self, after: u64, wake: Arc<Notify>) -> AnswerEventReader {
        self.0.readers.send_modify(|readers| *readers += 1);
        // For the events that exist.
        wake.notify_one();
        AnswerEventReader { buffer: self.clone(), wake, after }
    }

    /// Waits until there is no reader.
    pub async fn abandoned(&self) {
        let mut readers = self.0.readers.subscribe();
        // The sender is in `self`.
        let _ = readers.wait_for(|readers| *readers == 0).await;
    }
}

/// Reads the events of an answer in order.
pub struct AnswerEventReader {
    buffer: AnswerBuffer,
    wake: Arc<Notify>,
    after: u64,
}

/// The next event of a reader is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsLost;

impl AnswerEventReader {
    /// Returns the next event with its number. `None` after the end. Cancel-safe.
    ///
    /// # Errors
    /// Returns [`EventsLost`] if the buffer has dropped the event.
    pub async fn next(&mut self) -> Result<Option<(u64, AnswerEvent)>, EventsLost> {
        loop {
            if let Some(event) = self.try_next()? {
                return Ok(Some(event));
            }
            if self.is_at_end() {
                return Ok(None);
            }
            self.wake.notified().await;
        }
    }

    /// Returns the next event if it exists.
    ///
    /// # Errors
    /// Returns [`EventsLost`] if the buffer has dropped the event.
    pub fn try_next(&mut self) -> Result<Option<(u64, AnswerEvent)>, EventsLost> {
        let event = self.peek()?;
        Ok(event.map(|event| {
            self.advance();
            (self.after, event)
        }))
    }

    /// Returns the next event if it exists, and stays before it.
    ///
    /// # Errors
    /// Returns [`EventsLost`] if the buffer has dropped the event.
    pub fn peek(&self) -> Result<Option<AnswerEvent>, EventsLost> {
        let events = self.buffer.0.events.lock();
        let Some((first, _)) = events.queue.front() else { return Ok(None) };
        let Some(index) = (self.after + 1).checked_sub(*first) else { return Err(EventsLost) };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        Ok(events.queue.get(index).map(|(_, event)| event.clone()))
    }

    /// Moves behind the event that [`peek`](Self::peek) returned.
    pub const fn advance(&mut self) {
        self.after += 1;
    }

    /// Returns `true` if the last event is the end and was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        let events = self.buffer.0.events.lock();
        events.is_complete && self.after >= events.last
    }

    /// The number of the last event that was read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.after
    }
}

impl Drop for AnswerEventReader {
    fn drop(&mut self) {
        let mut events = self.buffer.0.events.lock();
        // Two readers of one task have the same.
        if let Some(index) = events.wakers.iter().position(|wake| Arc::ptr_eq(wake, &self.wake)) {
            events.wakers.swap_remove(index);
        }
        drop(events);
        self.buffer.0.readers.send_modify(|readers| *readers -= 1);
    }
}
