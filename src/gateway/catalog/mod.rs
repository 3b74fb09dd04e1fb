//! The catalog of the gateway: providers, models, prices and roles.
//!
//! Reading order: [`price`] has the prices of a model and the cost of a usage, [`hold`] the bound of a request's cost,
//! [`prompt`] the size of its input; [`provider`] and [`model`] have the entries, [`roles`] the limits of users.
//! [`mod@file`] is the format of `gateway.toml` and of `prices.toml`, which ships with the server, [`merge`] makes one
//! catalog of both, and [`validate`] checks it.
//!
//! To update the prices, edit `prices.toml` with its date. To add a model, add a table there.
//!
//! Invariants:
//!
//! - A model without a price is in no catalog, and an unknown name has no price.
//! - A cost within the bounds of its hold is at most the hold.

pub mod address;
pub mod file;
pub mod hold;
pub mod merge;
pub mod model;
pub mod price;
pub mod prompt;
pub mod provider;
pub mod roles;
pub mod unpriced;
pub mod validate;
