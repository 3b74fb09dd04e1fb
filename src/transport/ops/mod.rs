//! Operations: metrics, drain and the admin API.
//!
//! - [`metrics`] counts calls, sends and webhooks for Prometheus.
//! - [`drain`] takes this instance out of service.
//! - [`admin`] is the operator's API, as HTTP routes and as a toolset.
//!
//! MCP, channels and pages use this folder, so it must import none of them; it may use
//! [`http`](super::http). To add a metric, see [`metrics`]; to add an admin action, see [`admin`].

pub mod admin;
pub mod drain;
pub mod metrics;
