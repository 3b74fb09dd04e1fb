//! [`Admission`]: decides whether a call may run, by its [`Subject`] and its network.
//!
//! The rules belong to the toolset that implements it.

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::ErrorData;
use thiserror::Error;

use super::client_network::ClientNetwork;
use super::id::UserId;
use super::store::StoreError;

/// The user a call acts for. Computed once for each call, because it costs a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The principal of the call, which is a user.
    Principal(UserId),
    /// The call names this user.
    Known(UserId),
    /// The call creates a user.
    New,
    /// The call names no user.
    Anonymous,
}

impl Subject {
    /// The user, if one is known.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::Principal(user) | Self::Known(user) => Some(user),
            Self::New | Self::Anonymous => None,
        }
    }
}

/// The reason that a call is not admitted.
#[derive(Debug, Error)]
pub enum AdmissionError {
    /// The text tells the caller why, and what to do.
    #[error("{0}")]
    Refused(String),
    #[error("Random Connect can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] StoreError),
}

/// Admits calls by the network of their caller and their subject.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Admits a call. Returns `true` if it was counted as that of a new user.
    ///
    /// # Errors
    /// Returns [`AdmissionError`] if the call must not run.
    async fn admit(&self, network: ClientNetwork, subject: Subject)
    -> Result<bool, AdmissionError>;

    /// Takes back the count of an admitted call that was refused, unless its user exists now.
    async fn take_back(&self, network: ClientNetwork, subject: Subject);
}

/// An admitted call that was counted as that of a new user.
pub struct CountedCall {
    admission: Arc<dyn Admission>,
    network: ClientNetwork,
    subject: Subject,
}

impl CountedCall {
    /// Asks `admission` for a call. `None` if the call was not counted.
    ///
    /// # Errors
    /// Returns [`AdmissionError`] if the call must not run.
    pub async fn admit(
        admission: &Arc<dyn Admission>,
        network: ClientNetwork,
        subject: Subject,
    ) -> Result<Option<Self>, AdmissionError> {
        let is_counted = admission.admit(network, subject).await?;
        let counted = || Self { admission: Arc::clone(admission), network, subject };
        Ok(is_counted.then(counted))
    }

    /// Takes the count of a call back if the call was refused.
    pub async fn settle(counted: Option<Self>, is_refused: bool) {
        if let Some(Self { admission, network, subject }) = counted.filter(|_| is_refused) {
            admission.take_back(network, subject).await;
        }
    }
}

impl From<AdmissionError> for ErrorData {
    fn from(error: AdmissionError) -> Self {
        let message = error.to_string();
        match error {
            AdmissionError::Refused(_) => Self::invalid_params(message, None),
            AdmissionError::Unavailable(_) => Self::internal_error(message, None),
        }
    }
}
