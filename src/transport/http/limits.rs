//! [`ConnectionLimits`]: time and number limits of connections, and the size limit of a request
//! body.

use std::time::Duration;

/// Maximum size of a request's head, in bytes. hyper reads with buffers of up to this size.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Maximum size of a request body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Time for the rest of a request that is unfinished at shutdown. After it the request is dropped.
pub const UNREAD_GRACE: Duration = Duration::from_secs(1);

/// File descriptors beside connections: the listener, the standard streams and the runtime's.
const SPARE_FDS: u64 = 32;

/// Limits for each connection, and for their number.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Maximum number of open connections. Others wait in the backlog of the listener.
    pub max_connections: usize,
    /// Maximum number of connections without a request that has arrived whole. Beyond it, the
    /// oldest of the network with the most of them are closed.
    pub max_waiting: usize,
    /// Maximum size of all large bodies that are being read, in bytes.
    pub max_bodies_bytes: usize,
    /// Time from the start of a connection to its first byte.
    pub first_byte_timeout: Duration,
    /// Time to send the head of a request. On a reused connection it starts with the previous
    /// answer.
    pub head_timeout: Duration,
    /// Time to send a whole body.
    pub body_timeout: Duration,
    /// Time to accept any part of an answer.
    pub write_timeout: Duration,
    /// Time without a message from the client after which a live session ends.
    pub session_idle: Duration,
    /// Time for calls in flight to finish at shutdown.
    pub shutdown_grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            max_waiting: 4_096,
            max_bodies_bytes: 16 * 1024 * 1024,
            first_byte_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            session_idle: Duration::from_secs(300),
            shutdown_grace: Duration::from_secs(8),
        }
    }
}

impl ConnectionLimits {
    /// The default limits, with `sessions` additional connections for live sessions.
    #[must_use]
    pub fn with_sessions(sessions: usize) -> Self {
        let defaults = Self::default();
        Self { max_connections: defaults.max_connections + sessions, ..defaults }
    }

    /// Raises the process's limit of open files to fit the connections and `outbound` sockets.
    /// Reduces `max_connections` if the system grants less.
    #[must_use]
    pub fn within_fd_limit(self, outbound: usize) -> Self {
        let reserved = SPARE_FDS + outbound as u64;
        let wanted = self.max_connections as u64 + reserved;
        let granted = rlimit::increase_nofile_limit(wanted).unwrap_or(wanted);
        let connections =
            usize::try_from(granted.saturating_sub(reserved)).unwrap_or(self.max_connections);
        Self { max_connections: connections.clamp(1, self.max_connections), ..self }
    }
}
