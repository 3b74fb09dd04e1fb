//! [`ClientLogLevel`]: the log messages that the client of a live session wants to receive.
//!
//! These are messages of the protocol for clients. The log of the server belongs to `telemetry`.

#![expect(deprecated, reason = "protocol versions before 2026-07-28 have log messages")]

use std::sync::Arc;

use parking_lot::Mutex;
use rmcp::model::LoggingLevel;

/// The lowest level that a client receives: all levels until it sets one. Part of the session's
/// [state](super::session::Session::state).
#[derive(Clone)]
pub struct ClientLogLevel(Arc<Mutex<LoggingLevel>>);

impl Default for ClientLogLevel {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LoggingLevel::Debug)))
    }
}

impl ClientLogLevel {
    pub fn set(&self, level: LoggingLevel) {
        *self.0.lock() = level;
    }

    /// Whether the client receives messages of `level`.
    #[must_use]
    pub fn allows(&self, level: LoggingLevel) -> bool {
        level as u8 >= *self.0.lock() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_log_level_allows_its_level_and_above() {
        let level = ClientLogLevel::default();
        assert!(level.allows(LoggingLevel::Debug));
        level.set(LoggingLevel::Warning);
        assert!(level.allows(LoggingLevel::Warning) && level.allows(LoggingLevel::Emergency));
        assert!(!level.allows(LoggingLevel::Notice));
    }
}
