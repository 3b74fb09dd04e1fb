//! Calls that were carried out lately, so that a retry gets the same answer and does nothing.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::action::Outcome;
use super::inbox::Item;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::MessageKey;

/// How long a call is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// The most entries dropped at once: more than one is added at a time, so the rest never piles
/// up, and nobody waits for a long cleaning.
const DROPPED_AT_ONCE: usize = 64;

/// What a call came to, and what its answer could show of the inbox.
#[derive(Clone, Debug)]
pub struct Record {
    pub outcome: Outcome,
    pub items: Vec<Item>,
}

/// Records by message, forgotten in the order in which they were made.
#[derive(Debug, Default)]
pub struct Replays {
    records: HashMap<MessageKey, Record>,
    by_age: VecDeque<(Timestamp, MessageKey)>,
}

impl Replays {
    #[must_use]
    pub fn get(&mut self, key: MessageKey, now: Timestamp) -> Option<&Record> {
        self.forget_old(now);
        self.records.get(&key)
    }

    pub fn remember(&mut self, key: MessageKey, record: Record, now: Timestamp) {
        self.records.insert(key, record);
        self.by_age.push_back((now, key));
    }

    pub fn forget_old(&mut self, now: Timestamp) {
        for _ in 0..DROPPED_AT_ONCE {
            let Some((made, key)) = self.by_age.front() else { return };
            if now.since(*made) < REMEMBERED_FOR {
                return;
            }
            self.records.remove(key);
            self.by_age.pop_front();
        }
    }
}
