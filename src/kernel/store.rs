//! The error type of the storage traits.
//!
//! Normal refusals are variants of an outcome, not errors. A backend logs the cause before it returns
//! this error.

use thiserror::Error;

/// The store itself failed. Contains no text and no id.
#[derive(Debug, Error)]
#[error("the store is unavailable")]
pub struct StoreError;
