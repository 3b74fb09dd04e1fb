//! What every lobby must do, and that the one on Redis does what the one in memory does.

mod chaos;
mod differential;
mod faults;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod suite;
mod wire;
