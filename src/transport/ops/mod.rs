//! Operations.

pub mod admin;
pub mod drain;
pub(crate) mod latency;
pub mod metrics;
