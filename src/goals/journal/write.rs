//! [`GoalsWrite`]: a write of an owner, with its answer.

use serde::{Deserialize, Serialize};

use super::action::GoalsAction;
use super::change::ItemChange;
use crate::goals::item::time::millis;
use crate::kernel::clock::Timestamp;

/// A write of an owner.
#[derive(Clone, Debug)]
pub struct GoalsWrite {
    pub actor: String,
    pub tool: &'static str,
    pub at: Timestamp,
    /// Random, for the ids of new items.
    pub seed: u32,
    pub request: Option<WriteRequest>,
    /// Whether to answer what the write would do, and change nothing.
    pub dry_run: bool,
    pub action: GoalsAction,
}

/// The id that a client has given a write, and a hash of its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRequest {
    pub id: String,
    pub fingerprint: String,
}

/// The effect of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOutcome {
    /// The number of the write. `None` if it has changed nothing.
    pub revision: Option<u64>,
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// In the order of their changes.
    pub items: Vec<ItemChange>,
    /// The write that this one has undone.
    pub undoes: Option<u64>,
}

/// The answer to a write with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWrite {
    pub fingerprint: String,
    pub at: Timestamp,
    pub outcome: WriteOutcome,
}
