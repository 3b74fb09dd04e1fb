//! Redis for all stores: [`RedisConnection`], and the prefix of their keys.
//!
//! Key names and scripts belong to the store that uses them.

mod clock;
mod connection;
mod endpoint;
mod failure;
mod resolver;
mod secrets;
mod time;

pub use clock::RedisClock;
pub use connection::{RedisConnection, RedisOptions, Unanswered};

/// Prefix of the keys of moderation and rate limits. It starts with the hash tag of the lobby's
/// keys, so that a script may access both.
pub(crate) const HASH_TAG: &str = "{random-connect}:safety";
