//! HTTP.

pub mod auth;
pub(crate) mod client_ip;
pub(crate) mod receipts;
pub mod server;
mod timer;
