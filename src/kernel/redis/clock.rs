//! [`RedisClock`]: the clock of Redis for an instance, so that all instances have the same time.
//!
//! Between two readings, the time passes with the machine's monotonic clock.

use std::sync::Arc;

use super::connection::RedisConnection;
use crate::kernel::clock::{Clock, Timestamp};

/// Redis's clock, and the machine's until Redis was reached for the first time.
pub struct RedisClock {
    connection: RedisConnection,
    machine: Arc<dyn Clock>,
}

impl RedisClock {
    #[must_use]
    pub fn new(connection: RedisConnection, machine: Arc<dyn Clock>) -> Self {
        Self { connection, machine }
    }
}

impl Clock for RedisClock {
    fn now(&self) -> Timestamp {
        self.connection.time().unwrap_or_else(|| self.machine.now())
    }

    fn machine_skew_ms(&self) -> Option<i64> {
        Some(self.connection.clock_skew_ms())
    }

    fn steady(&self) -> Timestamp {
        self.machine.steady()
    }
}
