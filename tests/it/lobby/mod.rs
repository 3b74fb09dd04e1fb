//! Tests of the `Lobby` trait on every backend, and of the Redis backend under faults.
//!
//! `contract` has the behavior that every backend must have, with the fixture that starts one
//! backend of each kind; `broadcast`, `engagement`, `forget`, `inbox` and `trust` continue it by
//! feature. `differential` demands that Redis and the manager give equal outcomes, which
//! `differential_side` writes as text. `redis_faults`, `redis_failover`, `redis_name` and `chaos`
//! stop Redis or the server while users chat.
//!
//! To test another backend, add it to [`contract::backends`].

mod broadcast;
mod chaos;
mod clock;
mod contract;
mod departures;
mod differential;
mod differential_side;
mod engagement;
mod forget;
mod inbox;
mod redis_failover;
mod redis_faults;
mod redis_name;
mod redis_secrets;
mod sealed_places;
mod trust;
mod written_by;

/// Redis options that write each command to disk before Redis answers it.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
