//! How requests arrive and how answers and events leave. Each folder imports only those before it:
//!
//! | module | holds |
//! |---|---|
//! | [`http`] | connections, limits, authentication, receipts; no protocol |
//! | [`socket`] | a WebSocket for text messages; no protocol above it |
//! | [`ops`] | metrics, drain, the admin API |
//! | [`mcp`] | MCP over `/mcp`, live sessions and standard streams, and the short form |
//! | [`channels`] | push delivery and webhooks: WhatsApp and the operator's bridge |
//! | [`pages`] | the playground and the dashboard |
//! | [`state`], [`routes`], [`dispatcher`] | tie the folders together for HTTP |
//!
//! A request goes from [`http::server`] to the [`dispatcher`]. The dispatcher checks the token of
//! requests to `/mcp` and passes them to [`mcp::endpoint`]. All other requests go to [`routes`],
//! which checks the token where one is needed.
//!
//! Chats, queues and commands must not appear here: transports only call the services of the
//! toolsets. To add a transport, add a file to its folder and a line to [`routes`] or to `app`.

pub mod channels;
pub mod dispatcher;
pub mod gateway;
pub mod http;
pub mod mcp;
pub mod ops;
pub mod pages;
pub mod routes;
pub mod socket;
pub mod state;
