//! MCP.

pub(crate) mod endpoint;
pub mod server;
pub mod session_pipe;
pub mod sessions;
mod short_form;
pub(crate) mod sse;
pub mod stateless;
pub mod stdio;
pub(crate) mod ws;
