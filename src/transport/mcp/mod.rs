//! MCP: the table of toolsets as one server, over every transport of the protocol.
//!
//! - [`server`] is the server, and `handler` has its protocol's requests. rmcp implements protocol versions, framing and validation. [`toolsets`] has what the
//!   enabled toolsets offer, [`subscriptions`] notifies clients of changed resources, and
//!   `own_user` has the calls of principals that act as themselves.
//! - [`http_services`] serves it over streamable HTTP, and [`heartbeat`] pings the clients of live sessions.
//! - [`endpoint`] answers `/mcp` and `/mcp/session`. It passes a call to [`stateless`] (around
//!   rmcp), `short_form` (without MCP framing) or rmcp, after `message` has checked its framing and parameters.
//!   `scope_challenge` asks clients of OAuth for a wider scope.
//! - [`session_pipe`] is a live session over a connection that carries messages in both directions.
//!   [`ws`] (WebSocket) and [`sse`] (protocol 2024-11-05) use it.
//! - [`sessions`] closes the live sessions of `/mcp/session`, whose event streams are in
//!   [`session_streams`]; `push_streams` has the one of each that the server pushes to; [`stdio`] serves the standard
//!   streams.
//! - [`state`] has [`state::McpState`], which the handlers of this folder work with.
//!
//! Tools must not appear here: they belong to the toolsets. The folder may import
//! [`http`](super::http), [`socket`](super::socket) and [`ops`](super::ops), but no channel, page or route.
//!
//! To add a transport of live sessions, open a [`session_pipe::SessionPipes`] pipe in a new file
//! and add a route in [`routes`](super::routes).

mod batch;
mod caller;
mod credential_end;
pub mod endpoint;
mod handler;
mod heartbeat;
mod http_services;
mod message;
mod own_user;
mod pages;
mod push_streams;
mod refusals;
mod rpc_error;
mod scope_challenge;
pub mod server;
pub mod session_pipe;
mod session_streams;
pub mod sessions;
mod short_form;
pub(super) mod sse;
pub mod state;
pub mod stateless;
pub mod stdio;
mod subscriptions;
mod toolsets;
pub(super) mod ws;
