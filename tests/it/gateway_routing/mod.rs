//! The routing of the gateway: failover, waits, time limits and records, with providers that play scripts, and with
//! servers on loopback.

mod failover;
mod limits;
mod scripted;
mod servers;
