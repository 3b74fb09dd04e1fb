//! [`StoreError`], the error type of the storage traits.
//!
//! A normal refusal is a variant of an outcome, not an error. The error names the kind of the
//! failure and no text of the store, because a store's text may quote a key, an id or a message.
//! Logging is in [`failure_log`](super::failure_log).

use std::fmt;

use thiserror::Error;

/// The kind of a store's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// No answer within the time limit. The operation may have taken effect.
    Timeout,
    /// The store can't be reached, or the connection broke.
    Connection,
    /// The store refused or failed to run the script or query.
    Script,
    /// The store returned a value that this version can't read or decrypt.
    Decode,
    /// A value could not be encrypted or encoded. Nothing was sent to the store.
    Encode,
    /// The schema could not be updated to this version.
    Migration,
    /// The disk below the store is full or fails.
    Disk,
    /// The store accepts no writes at the moment, as a replica does.
    ReadOnly,
    /// This instance has other secrets than those that share the store.
    Secrets,
}

/// All kinds, in the order of their declaration.
pub const STORE_ERROR_KINDS: [StoreErrorKind; 9] = [
    StoreErrorKind::Timeout,
    StoreErrorKind::Connection,
    StoreErrorKind::Script,
    StoreErrorKind::Decode,
    StoreErrorKind::Encode,
    StoreErrorKind::Migration,
    StoreErrorKind::Disk,
    StoreErrorKind::ReadOnly,
    StoreErrorKind::Secrets,
];

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no answer within the time limit",
            Self::Connection => "no connection",
            Self::Script => "a script or query failed",
            Self::Decode => "a stored value can't be read",
            Self::Encode => "a value can't be encrypted",
            Self::Migration => "the schema can't be updated",
            Self::Disk => "the disk is full or fails",
            Self::Secrets => "a secret differs from that of the other instances",
            Self::ReadOnly => "no writes are accepted",
        })
    }
}

/// The store itself failed. Whether the operation took effect is unknown, except for
/// [`StoreErrorKind::Encode`]. Contains no text and no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the store is unavailable: {kind}")]
pub struct StoreError {
    pub kind: StoreErrorKind,
}

impl From<StoreErrorKind> for StoreError {
    fn from(kind: StoreErrorKind) -> Self {
        Self { kind }
    }
}
