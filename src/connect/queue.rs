//! The waiting queue: who waits, in the order in which they came.

use std::collections::BTreeMap;

use crate::kernel::id::UserId;

/// People by ticket; a ticket taken later is larger.
#[derive(Debug, Default)]
pub struct Queue(BTreeMap<u64, UserId>);

impl Queue {
    pub fn join(&mut self, ticket: u64, who: UserId) {
        self.0.insert(ticket, who);
    }

    pub fn leave(&mut self, ticket: u64) {
        self.0.remove(&ticket);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The place of a ticket in the queue; the longest waiter has place 1.
    #[must_use]
    pub fn place(&self, ticket: u64) -> usize {
        // Most who ask have just joined the end.
        if self.0.last_key_value().is_some_and(|(last, _)| *last == ticket) {
            return self.0.len();
        }
        self.0.range(..=ticket).count()
    }

    /// Longest waiter first.
    pub fn iter(&self) -> impl Iterator<Item = UserId> {
        self.0.values().copied()
    }
}
