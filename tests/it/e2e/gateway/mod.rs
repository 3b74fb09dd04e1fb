//! Journeys of clients of the gateway's WebSocket, and its money under faults.

mod messages;
mod tokens;
