//! The routing of the gateway: which target answers a request.
//!
//! Reading order: [`target`] is a place to send a request to, [`breaker`] decides whether it may be used, and
//! [`breakers`] has one per key and model. [`request`] has a request and the parts of its answer, [`plan`] the order of
//! the targets. [`router`] starts requests, with what `parts.rs` has for all of them, [`answer`]
//! makes the attempts at providers behind [`source`], and [`attempt`] records them. [`change`] has what other instances
//! learn of a breaker.
//!
//! Invariants:
//!
//! - A target whose breaker is open gets no request, and one that is half-open gets one.
//! - A caller's mistake never opens a breaker.
//! - All frames of an answer are of one target, and no other is asked after the first content.
//! - A request ends within its time limit, and its attempts are bounded.

pub mod answer;
pub mod attempt;
pub mod breaker;
pub mod breakers;
pub mod change;
mod parts;
pub mod plan;
pub mod request;
pub mod router;
pub mod source;
pub mod target;
