//! [`Admission`]: decides whether a call may run, by its [`Subject`] and its network.
//!
//! The rules belong to the toolset that implements it.

use async_trait::async_trait;
use rmcp::ErrorData;
use thiserror::Error;

use super::client_network::ClientNetwork;
use super::id::UserId;
use super::store::StoreError;

/// The user a call acts for, as the call itself states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The call names this user.
    Known(UserId),
    /// The call creates a user.
    New,
    /// The call names no user.
    Anonymous,
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
    /// Admits a call.
    ///
    /// # Errors
    /// Returns [`AdmissionError`] if the call must not run.
    async fn admit(&self, network: ClientNetwork, subject: Subject) -> Result<(), AdmissionError>;
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
