//! [`StoreError`], the error type of the storage traits.
//!
//! A normal refusal is a variant of an outcome, not an error. A backend logs a failed query before
//! it returns this error, because the error contains no cause.

use thiserror::Error;

/// The store itself failed. Contains no text and no id.
#[derive(Debug, Error)]
#[error("the store is unavailable")]
pub struct StoreError;
