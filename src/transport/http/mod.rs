//! HTTP/1.1 below any protocol: accept a connection, hold it to its limits, confirm receipts.
//!
//! - [`server`] accepts connections and passes each request to a [`server::RequestHandler`]. It is
//!   generic over the handler, so that no request costs a virtual call.
//! - [`connection`] has [`connection::ConnectionInfo`], the data of a connection that handlers
//!   need.
//! - [`limits`] has the limits of a connection and of a request body; [`body`] reads a body within
//!   them, [`timer`] enforces their deadlines.
//! - [`connection_table`] limits the connections that wait for a request, [`body_budget`] the memory of
//!   large bodies; [`fairness`] chooses those that make room.
//! - [`auth`] checks bearer token and host name, [`mod@host`] that a request names one host,
//!   [`origin`] which web pages may send it; [`client_ip`] finds a caller's network.
//! - [`refusal`] turns refusals in plain text into JSON.
//! - [`receipts`] reports whether an answer reached its caller.
//!
//! Routes, MCP, pages and the lobby must not appear here: nothing in this folder imports another
//! folder of [`transport`](super). To add a limit, add a field to [`limits::ConnectionLimits`] and
//! enforce it in [`server`] or [`body`].

pub mod auth;
pub(super) mod body;
mod body_budget;
pub(super) mod client_ip;
pub mod connection;
pub mod connection_table;
mod fairness;
pub(super) mod host;
pub mod limits;
pub mod origin;
pub mod protected_resource;
pub mod receipts;
pub mod refusal;
pub mod server;
pub(super) mod timer;
