//! Journeys of clients of the gateway's WebSocket, and its money under faults.

mod faults;
mod lifetimes;
mod limits;
mod messages;
mod model_port;
mod requests;
mod tokens;
mod torture;
