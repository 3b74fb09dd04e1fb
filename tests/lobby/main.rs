//! What every lobby must do, and that the one on Redis does what the one in memory does.

mod chaos;
mod differential;
mod familiar;
mod faults;
mod kindness;
mod operator;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod suite;
mod wire;

/// Options with which Redis writes down what it is told before it answers.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
