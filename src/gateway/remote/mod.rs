//! The services of the operator that this server asks, if the settings name them.
//!
//! [`client`] sends the requests. [`credit`] is the service that has the balances of the users, and [`collect`] the
//! queue of charges that it deducts. [`tokens`] is the service that confirms signed tokens. docs/gateway.md has the contracts. A service that does not answer as they say
//! counts as unreachable, and then nothing is granted.

pub mod client;
mod collect;
pub mod credit;
pub mod tokens;
