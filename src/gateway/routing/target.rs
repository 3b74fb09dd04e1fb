//! [`RouteTarget`]: a place that an attempt is sent to.

/// A model of a provider with one of its keys. Holds no secret, so that it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteTarget {
    /// The name of the provider in the catalog.
    pub provider: String,
    /// The environment variable that has the key.
    pub variable: String,
    /// The name of the model in the catalog.
    pub model: String,
}

impl RouteTarget {
    pub(super) fn key(&self) -> (String, String) {
        (self.provider.clone(), self.variable.clone())
    }
}
