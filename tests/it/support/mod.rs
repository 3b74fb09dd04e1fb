//! Support.

pub(crate) mod browser;
pub(crate) mod graph_api;
pub(crate) mod live_client;
pub(crate) mod redis_server;
pub(crate) mod redis_wire;
pub(crate) mod server;
