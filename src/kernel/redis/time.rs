//! [`ServerTime`]: the clock of the server, as the checks of a connection read it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::kernel::clock::{Clock, Stopwatch, SystemClock, Timestamp};
use crate::kernel::failure_log::RepeatCounter;

/// Difference of the machine's clock from Redis's that is logged.
const MAX_SKEW: Duration = Duration::from_secs(5);

/// The last reading of the server's clock.
pub(super) struct ServerTime {
    machine: SystemClock,
    /// The last reading, and the time since then.
    reading: Mutex<Option<(Timestamp, Stopwatch)>>,
    /// The machine's clock minus the server's, in milliseconds.
    skew_ms: AtomicI64,
    reports: Mutex<RepeatCounter>,
    since_start: Stopwatch,
}

impl ServerTime {
    pub fn new() -> Self {
        Self {
            machine: SystemClock::new(),
            reading: Mutex::default(),
            skew_ms: AtomicI64::new(0),
            reports: Mutex::default(),
            since_start: Stopwatch::start(),
        }
    }

    /// Stores an answer to `TIME`, in seconds and microseconds, and warns if the machine's clock
    /// differs. `asked` started with the command.
    pub fn record(&self, (seconds, micros): (u64, u64), asked: Stopwatch) {
        let time = Timestamp::from_millis(1_000 * seconds + micros / 1_000) + asked.elapsed() / 2;
        *self.reading.lock() = Some((time, Stopwatch::start()));
        let skew = self.machine.now().millis_after(time);
        self.skew_ms.store(skew, Ordering::Relaxed);
        if u128::from(skew.unsigned_abs()) >= MAX_SKEW.as_millis()
            && self.reports.lock().record(self.since_start.elapsed()).is_some()
        {
            let seconds = skew / 1_000;
            tracing::warn!(seconds, "the clock of this machine differs from Redis's, which counts");
        }
    }

    /// Returns the server's clock; `None` before the first reading.
    pub fn now(&self) -> Option<Timestamp> {
        self.reading.lock().map(|(time, since)| time + since.elapsed())
    }

    pub fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::Relaxed)
    }
}
