//! [`ApiKeyStore`]: the trait of a backend that stores API keys. Rules do not belong here: see
//! [`record`](super::record).

use async_trait::async_trait;

use super::key::ApiKeyId;
use super::record::{ApiKeyRecord, HashedApiKey, RotationRefusal};
use crate::kernel::clock::Timestamp;
use crate::kernel::store::StoreError;

/// Maximum length of a list for an operator.
pub const KEY_LIST_LIMIT: usize = 100;

/// Maximum number of changes that are read in one step.
pub const CHANGES_LIMIT: usize = 1_000;

/// A storage backend for API keys.
///
/// Every method is one atomic step. [`insert`](Self::insert), [`rotate`](Self::rotate) and
/// [`revoke`](Self::revoke) give each key that they change the next change number; a reader who sees a
/// number sees all lower ones. A method that refuses changes nothing, and neither does one that returns
/// [`StoreError`], unless the connection broke.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Adds a new key.
    async fn insert(&self, key: ApiKeyRecord) -> Result<(), StoreError>;

    /// Keys whose last change is later than number `after`, by that number. At most [`CHANGES_LIMIT`].
    async fn changes(&self, after: u64) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Keys by the time of their creation, then by id, after the key `after`. At most [`KEY_LIST_LIMIT`].
    /// None after a key that does not exist.
    async fn list(&self, after: Option<ApiKeyId>) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Adds the [successor](ApiKeyRecord::successor) of a key, and shortens the life of that key.
    /// Returns the successor.
    async fn rotate(
        &self,
        id: ApiKeyId,
        successor: HashedApiKey,
        now: Timestamp,
    ) -> Result<Result<ApiKeyRecord, RotationRefusal>, StoreError>;

    /// Revokes a key; a second time changes nothing. Returns `false` if the key does not exist.
    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError>;

    /// Stores the last uses of keys, unless a later one is stored. This is no change.
    async fn record_uses(&self, uses: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError>;

    /// Deletes keys that expired before `expired_before`.
    async fn purge(&self, expired_before: Timestamp) -> Result<(), StoreError>;
}
