//! What every lobby must do, and that the one on Redis does what the one in memory does.

mod broadcast;
mod chaos;
mod contract;
mod differential;
mod engagement;
mod redis_faults;
mod trust;

/// Options with which Redis writes down what it is told before it answers.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
