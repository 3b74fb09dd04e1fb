//! [`GoalsError`]: why a call has no answer, in words that a model can act on.

use thiserror::Error;

use super::journal::refusal::GoalsRefusal;
use super::when::WhenError;
use crate::kernel::store::StoreError;

/// Why a call has no answer.
#[derive(Debug, Error)]
pub enum GoalsError {
    #[error(transparent)]
    Refused(#[from] GoalsRefusal),
    #[error("{argument}: {problem}")]
    Date {
        argument: &'static str,
        #[source]
        problem: WhenError,
    },
    #[error("{0}")]
    Invalid(String),
    #[error("the data can't be reached at the moment, and nothing is changed: try again shortly")]
    Store(#[from] StoreError),
}

impl GoalsError {
    /// The message of an argument that has no meaning.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}
