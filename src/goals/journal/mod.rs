//! The journal: all writes of an owner, in one order.
//!
//! A write is a [`GoalsWrite`](write::GoalsWrite) with an [`action`]. [`rules::execute`] runs it inside a transaction of a
//! backend, which implements [`GoalsRows`](rows::GoalsRows), so that the rules are written once. Each write that changes
//! something has the next number of its owner, the revision, and a [`change`] in the log; undo, activity, backup and
//! calendars read the log. [`store`] is the contract of a backend.

pub mod action;
pub mod change;
pub mod patch;
pub mod refusal;
pub mod rows;
pub mod rules;
pub mod store;
mod working_set;
pub mod write;

use jiff::ZonedDateTime;

use crate::kernel::clock::Timestamp;

/// A moment in milliseconds; one before 1970 is 1970.
#[must_use]
pub fn moment(at: &ZonedDateTime) -> Timestamp {
    Timestamp::from_millis(u64::try_from(at.timestamp().as_millisecond()).unwrap_or_default())
}
