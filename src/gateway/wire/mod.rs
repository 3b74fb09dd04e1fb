//! The messages of the WebSocket: [`GatewayMessage`] reads those of clients, [`reply`] writes those of the server.
//!
//! The shapes are those of the first version of the protocol, with further fields and types, so that its clients work
//! unchanged. docs/gateway.md describes them.

pub mod reply;
mod request;

pub use self::request::{GatewayMessage, RequestId, SocketRequest};
