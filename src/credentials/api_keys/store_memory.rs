//! [`MemoryApiKeyStore`]: keys in memory, which the tests compare the databases with.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::key::ApiKeyId;
use super::record::{ApiKeyRecord, HashedApiKey, RotationRefusal};
use super::store::{ApiKeyStore, CHANGES_LIMIT, KEY_LIST_LIMIT};
use crate::kernel::clock::Timestamp;
use crate::kernel::store::StoreError;

/// Stores keys in memory.
#[derive(Default)]
pub struct MemoryApiKeyStore(Mutex<StoredApiKeys>);

#[derive(Default)]
struct StoredApiKeys {
    keys: BTreeMap<ApiKeyId, ApiKeyRecord>,
    last_change: u64,
}

impl StoredApiKeys {
    const fn next_change(&mut self) -> u64 {
        self.last_change += 1;
        self.last_change
    }

    fn insert(&mut self, key: ApiKeyRecord) {
        let change = self.next_change();
        self.keys.insert(key.id, ApiKeyRecord { change, ..key });
    }

    fn rotate(
        &mut self,
        id: ApiKeyId,
        successor: HashedApiKey,
        now: Timestamp,
    ) -> Result<ApiKeyRecord, RotationRefusal> {
        let key = self.keys.get(&id).ok_or(RotationRefusal::NotFound)?;
        let (successor, mut replaced) = (key.successor(successor, now)?, key.clone());
        replaced.expires_at = key.end_after_rotation(now);
        replaced.replaced_by = Some(successor.id);
        self.insert(replaced);
        let change = self.next_change();
        let successor = ApiKeyRecord { change, ..successor };
        self.keys.insert(successor.id, successor.clone());
        Ok(successor)
    }

    fn revoke(&mut self, id: ApiKeyId, now: Timestamp) -> bool {
        let Some(key) = self.keys.get(&id) else { return false };
        if key.revoked_at.is_none() {
            self.insert(ApiKeyRecord { revoked_at: Some(now), ..key.clone() });
        }
        true
    }
}

#[async_trait]
impl ApiKeyStore for MemoryApiKeyStore {
    async fn insert(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        self.0.lock().insert(key);
        Ok(())
    }

    async fn changes(&self, after: u64) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let stored = self.0.lock();
        let mut keys: Vec<_> =
            stored.keys.values().filter(|key| key.change > after).cloned().collect();
        keys.sort_by_key(|key| key.change);
        keys.truncate(CHANGES_LIMIT);
        Ok(keys)
    }

    async fn list(&self, after: Option<ApiKeyId>) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let stored = self.0.lock();
        let place = |key: &ApiKeyRecord| (key.created_at, key.id);
        let start = match after {
            Some(after) => match stored.keys.get(&after) {
                Some(key) => Some(place(key)),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let is_after = |key: &&ApiKeyRecord| start.is_none_or(|start| place(key) > start);
        let mut keys: Vec<_> = stored.keys.values().filter(is_after).cloned().collect();
        keys.sort_by_key(place);
        keys.truncate(KEY_LIST_LIMIT);
        Ok(keys)
    }

    async fn rotate(
        &self,
        id: ApiKeyId,
        successor: HashedApiKey,
        now: Timestamp,
    ) -> Result<Result<ApiKeyRecord, RotationRefusal>, StoreError> {
        Ok(self.0.lock().rotate(id, successor, now))
    }

    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.0.lock().revoke(id, now))
    }

    async fn record_uses(&self, uses: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError> {
        let mut stored = self.0.lock();
        for (id, used_at) in uses {
            if let Some(key) = stored.keys.get_mut(&id) {
                key.last_used_at = key.last_used_at.max(Some(used_at));
            }
        }
        Ok(())
    }

    async fn purge(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        self.0.lock().keys.retain(|_, key| key.expires_at >= expired_before);
        Ok(())
    }
}
