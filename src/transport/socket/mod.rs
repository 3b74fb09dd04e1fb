//! A WebSocket that knows no protocol above it: text messages in both directions for one [`SocketSession`].
//!
//! - [`handshake`] answers a request for an upgrade and selects a subprotocol.
//! - [`connection`] moves the messages: limits of size, pings, silence, close codes, receipts.
//! - `frames` finds the kind of the frame that is read.
//!
//! | the client | the socket |
//! |---|---|
//! | sends a message beyond the limit, or a binary one | closes with 1009, or with 1003 |
//! | breaks RFC 6455, also with a control frame of more than 125 bytes | closes with 1002, and with 1007 for text that is not UTF-8 |
//! | sends no frame for two intervals of pings | drops the connection |
//! | reads nothing | drops the connection after the write timeout of its stream |
//! | reads nothing while the session ends | drops the connection after 1.5 seconds |
//!
//! A client answers pings in order. The pong to a ping that follows a message therefore proves that the client has
//! read the message, and confirms its receipts.
//!
//! The stream holds the permit of its connection until it is dropped. Messages, tokens and the number of sockets
//! per user belong to the session's folder. To serve another protocol, implement [`SocketSession`] there and add a
//! route in [`routes`](super::routes).

pub mod connection;
mod frames;
pub mod handshake;

use tokio_util::sync::CancellationToken;

use crate::kernel::receipt::Receipt;

/// A message to the client.
pub struct SocketMessage {
    pub text: String,
    /// Confirmed once the client has read the message.
    pub receipts: Vec<Receipt>,
}

/// The end of a session, as the close frame says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketClose {
    /// A status code of RFC 6455, section 7.4, or one of a protocol from 4000 to 4999.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: &'static str,
}

impl SocketClose {
    /// The session is complete.
    pub const NORMAL: Self = Self::code(1000);
    /// The instance stops or drains.
    pub const AWAY: Self = Self::code(1001);
    /// The server has a fault.
    pub const ERROR: Self = Self::code(1011);

    /// A close without a reason.
    #[must_use]
    pub const fn code(code: u16) -> Self {
        Self { code, reason: "" }
    }
}

/// The server's side of a conversation over a socket. Dropped before the closing handshake, which may take a while.
pub trait SocketSession: Send {
    /// Handles a message of the client. The returned texts are written before anything else.
    ///
    /// The socket reads and writes nothing meanwhile, so that a client can't send faster than the session works.
    ///
    /// # Errors
    /// Returns [`SocketClose`] if the session has ended.
    fn receive(
        &mut self,
        text: &str,
    ) -> impl Future<Output = Result<Vec<String>, SocketClose>> + Send;

    /// Waits for the next message to the client. Cancel-safe: the socket drops this future when a frame arrives.
    ///
    /// # Errors
    /// Returns [`SocketClose`] if the session has ended.
    fn next(&mut self) -> impl Future<Output = Result<SocketMessage, SocketClose>> + Send;

    /// Cancelled when the session ends. The socket then stops, even if the client reads nothing.
    fn ended(&self) -> CancellationToken;
}

#[cfg(test)]
mod tests;
