//! The routing of the gateway: which target answers a request.
//!
//! Reading order: [`target`] is a place to send a request to, [`breaker`] decides whether it may be used, and
//! [`breakers`] has one per key and model.
//!
//! Invariants:
//!
//! - A target whose breaker is open gets no request, and one that is half-open gets one.
//! - A caller's mistake never opens a breaker.

pub mod breaker;
pub mod breakers;
pub mod target;
