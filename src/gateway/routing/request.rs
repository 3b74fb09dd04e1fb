//! [`RouteRequest`] and [`RouteEvent`]: a request to the routing, and the parts of its answer.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::target::RouteTarget;
use crate::gateway::catalog::model::CatalogModel;
use crate::gateway::provider::error::{ProviderError, ProviderErrorClass, ProviderRefusal};
use crate::gateway::provider::frame::ProviderFrame;
use crate::gateway::provider::request::{MessagesHeaders, RequestBody};

/// A request that one of several models may answer.
#[derive(Clone, Debug)]
pub struct RouteRequest {
    /// The models that may answer, best first.
    pub models: Vec<Arc<CatalogModel>>,
    pub body: RequestBody,
    pub headers: MessagesHeaders,
    /// Maximum length of the answer, which is also limited to that of the model.
    pub max_output_tokens: u32,
    /// Whether the answer comes in pieces.
    pub stream: bool,
    /// From now to the end of the answer, with all attempts and pauses.
    pub time_limit: Duration,
}

/// A part of an answer.
#[derive(Clone, Debug)]
pub enum RouteEvent {
    /// Another target is asked, because one has failed.
    Failover(FailoverNotice),
    /// All targets have too many requests, and the request waits for this time.
    Waiting(Duration),
    /// A frame of the target that answers. All frames are of one target.
    Frame(ProviderFrame),
    /// The end without a complete answer. Nothing follows.
    Failed(Box<RouteError>),
}

/// A change of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverNotice {
    pub from: RouteTarget,
    pub to: RouteTarget,
    /// Why `from` has not answered.
    pub class: ProviderErrorClass,
}

/// Why there is no complete answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{failure}")]
pub struct RouteError {
    pub failure: RouteFailure,
    /// The pause after which the same request may succeed, if it is known.
    pub retry_after: Option<Duration>,
    /// The last error of a provider.
    #[source]
    pub error: Option<ProviderError>,
}

/// The kind of a failure, for the code of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum RouteFailure {
    /// No provider accepts the request.
    #[error(transparent)]
    Refused(ProviderRefusal),
    /// The providers refuse this server, not the request.
    #[error("no provider accepts a request of this server")]
    Rejected,
    #[error("the providers have too many requests")]
    Throttled,
    #[error("no provider is available")]
    Unavailable,
    #[error("no provider answered in time")]
    TimedOut,
    /// The answer ended early after a part of it was given to the caller.
    #[error("the answer broke off")]
    Broken,
}

impl From<ProviderErrorClass> for RouteFailure {
    fn from(class: ProviderErrorClass) -> Self {
        match class {
            ProviderErrorClass::Caller(refusal) => Self::Refused(refusal),
            ProviderErrorClass::UnknownModel | ProviderErrorClass::Account => Self::Rejected,
            ProviderErrorClass::Throttled => Self::Throttled,
            ProviderErrorClass::Transient | ProviderErrorClass::Truncated => Self::Unavailable,
            ProviderErrorClass::NoAnswer | ProviderErrorClass::TimeLimit => Self::TimedOut,
        }
    }
}
