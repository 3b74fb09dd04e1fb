//! [`BreakerChange`]: a change of a breaker, for the other instances.

use crate::kernel::clock::Timestamp;

/// The breaker of a key, or of a key and a model. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BreakerName {
    /// The name of the provider in the catalog.
    pub provider: String,
    /// The environment variable that has the key.
    pub variable: String,
    /// The name of the model in the catalog. `None` for the account of the key.
    pub model: Option<String>,
}

/// A change of a breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerChange {
    pub breaker: BreakerName,
    /// The time before which no request is sent, by [`Clock::now`](crate::kernel::clock::Clock::now). `None` for a
    /// breaker that has closed.
    pub open_until: Option<Timestamp>,
}
