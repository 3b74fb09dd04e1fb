//! Values of columns that every toolset has: times, in milliseconds since the Unix epoch.

use crate::kernel::clock::Timestamp;

/// A time as a column stores it.
#[must_use]
pub fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

/// The time in a column.
#[must_use]
pub fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis.unsigned_abs())
}
