//! The time of [`RandomConnectManager`], which measures leases, waits and silence, and its difference
//! from the date, by which events are shown.

use super::RandomConnectManager;
use crate::kernel::clock::Timestamp;

impl RandomConnectManager {
    /// Sets the difference of the date from the time of the next steps, in milliseconds.
    pub const fn set_date_offset(&mut self, millis: i64) {
        self.date_offset_ms = millis;
    }

    /// Returns the date at a time.
    pub(super) const fn date(&self, time: Timestamp) -> Timestamp {
        time.shifted(self.date_offset_ms)
    }

    /// Returns the time at a date.
    pub(super) const fn time(&self, date: Timestamp) -> Timestamp {
        date.shifted(-self.date_offset_ms)
    }

    /// Returns the latest time seen, including `now`.
    pub(super) fn advance_clock(&mut self, now: Timestamp) -> Timestamp {
        self.latest_now = self.latest_now.max(now);
        self.latest_now
    }
}
