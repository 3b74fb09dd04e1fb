//! [`ApiKeys`]: creates, rotates, revokes and verifies keys.
//!
//! A call with a known key is decided in memory. All other keys, and all keys if the store was not read
//! for [`MAX_AGE`], wait for one read of the store that they share, so that a key of another process is
//! valid immediately, and unknown keys cause one query at a time.
//!
//! **Invariant:** a change of a key has its effect everywhere within [`MAX_AGE`]. If the store is
//! unavailable for longer, no key is accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use rand::rngs::StdRng;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::key;
use super::key::ApiKeyId;
use super::known::{KnownApiKeys, PrincipalSource};
use super::look::SharedLook;
use super::record::{
    ApiKeyRecord, ApiKeyRequest, EXPIRED_RETENTION, HashedApiKey, RotationRefusal,
};
use super::store::{ApiKeyStore, CHANGES_LIMIT, KEY_LIST_LIMIT};
use crate::kernel::clock::{Clock, DateConfirmation, Timestamp};
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::IdHasher;
use crate::kernel::principal::{CredentialVerifier, Principal, Rejected};
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Maximum age of what a key is accepted by.
pub const MAX_AGE: Duration = Duration::from_secs(5);

/// Time between two reads of the changes. With [`READ_TIMEOUT`] it is less than [`MAX_AGE`].
const READ_INTERVAL: Duration = Duration::from_secs(2);

/// Maximum time of a read.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Number of reads between two deletions of expired keys: an hour.
const READS_PER_PURGE: u64 = 1_800;

/// Why an operator's action on a key failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ApiKeyError {
    #[error("there is no key with this id")]
    NotFound,
    #[error("the key is revoked or has expired: create a new one")]
    Inactive,
    #[error("the key was rotated before: rotate its successor {0}, or create a new one")]
    Replaced(ApiKeyId),
    #[error("the keys can't be read or changed right now: {0}")]
    Unavailable(#[from] StoreError),
}

impl From<RotationRefusal> for ApiKeyError {
    fn from(refusal: RotationRefusal) -> Self {
        match refusal {
            RotationRefusal::NotFound => Self::NotFound,
            RotationRefusal::Inactive => Self::Inactive,
            RotationRefusal::Replaced(successor) => Self::Replaced(successor),
        }
    }
}

/// A new key, which is not stored yet.
pub struct GeneratedApiKey {
    secret: SecretString,
    hashed: HashedApiKey,
}

impl GeneratedApiKey {
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.hashed.id
    }
}

/// A stored new key. It is shown once.
pub struct IssuedApiKey {
    pub id: ApiKeyId,
    pub key: SecretString,
    pub expires_at: Timestamp,
}

/// A page of the list of keys.
pub struct ApiKeyList {
    pub keys: Vec<ApiKeyRecord>,
    /// The cursor of the next page. `None` at the end.
    pub next: Option<ApiKeyId>,
}

/// The keys of a server.
pub struct ApiKeys {
    store: Arc<dyn ApiKeyStore>,
    ids: IdHasher,
    clock: Arc<dyn Clock>,
    rng: Mutex<StdRng>,
    known: RwLock<KnownApiKeys>,
    look: SharedLook,
    failures: FailureLog,
    /// The beginning of the last successful read, by the steady time of the clock in milliseconds, plus one;
    /// 0 before the first.
    read_at: AtomicU64,
}

impl ApiKeys {
    #[must_use]
    pub fn new(
        store: Arc<dyn ApiKeyStore>,
        ids: IdHasher,
        clock: Arc<dyn Clock>,
        rng: StdRng,
    ) -> Self {
        Self {
            store,
            ids,
            clock,
            rng: Mutex::new(rng),
            known: RwLock::default(),
            look: SharedLook::default(),
            failures: FailureLog::new("api_keys"),
            read_at: AtomicU64::new(0),
        }
    }

    /// Generates a key.
    #[must_use]
    pub fn generate(&self) -> GeneratedApiKey {
        let mut rng = self.rng.lock();
        let id = ApiKeyId::random(&mut *rng);
        let secret = key::generate(id, &mut *rng);
        let hash = self.ids.credential_hash(secret.expose_secret().as_bytes());
        GeneratedApiKey { secret, hashed: HashedApiKey { id, hash } }
    }

    /// Stores a new key.
    ///
    /// # Errors
    /// Returns [`ApiKeyError::Unavailable`] if the store is unavailable.
    pub async fn create(
        &self,
        generated: GeneratedApiKey,
        request: &ApiKeyRequest,
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let record = ApiKeyRecord::new(generated.hashed, request, self.now());
        let (id, expires_at) = (record.id, record.expires_at);
        self.store.insert(record).await?;
        self.read_soon().await;
        Ok(IssuedApiKey { id, key: generated.secret, expires_at })
    }

    /// A page of all keys, oldest first, after the key `after`.
    ///
    /// # Errors
    /// Returns [`ApiKeyError::Unavailable`] if the store is unavailable.
    pub async fn list(&self, after: Option<ApiKeyId>) -> Result<ApiKeyList, ApiKeyError> {
        let keys = self.store.list(after).await?;
        let next = keys.last().filter(|_| keys.len() == KEY_LIST_LIMIT).map(|key| key.id);
        Ok(ApiKeyList { keys, next })
    }

    /// Stores `generated` as the successor of a key, which lives on for a day.
    ///
    /// # Errors
    /// Returns [`ApiKeyError`] if the key can't be rotated.
    pub async fn rotate(
        &self,
        id: ApiKeyId,
        generated: GeneratedApiKey,
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let rotated = self.store.rotate(id, generated.hashed, self.now()).await?;
        let successor = rotated?;
        self.read_soon().await;
        let (id, expires_at) = (successor.id, successor.expires_at);
        Ok(IssuedApiKey { id, key: generated.secret, expires_at })
    }

    /// Revokes a key everywhere, within [`MAX_AGE`]. A second time changes nothing.
    ///
    /// # Errors
    /// Returns [`ApiKeyError`] if there is no such key, or the store is unavailable.
    pub async fn revoke(&self, id: ApiKeyId) -> Result<(), ApiKeyError> {
        if !self.store.revoke(id, self.now()).await? {
            return Err(ApiKeyError::NotFound);
        }
        self.read_soon().await;
        Ok(())
    }

    /// The date, as keys expire.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads changes every two seconds, ends the sessions of keys that end, and stores uses, until dropped.
    pub async fn run(self: Arc<Self>) {
        let mut ticks = interval(READ_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut date, start) = (DateConfirmation::default(), self.clock.steady());
        for number in 0_u64.. {
            ticks.tick().await;
            self.read_soon().await;
            self.end_expired();
            // The store has recorded a failure, and the next round repeats the step.
            let _ = self.store_uses(false).await;
            let elapsed = self.clock.steady().since(start);
            let confirmed = date.confirm(self.now(), elapsed);
            if confirmed.is_certain && number % READS_PER_PURGE == 0 {
                let retention = i64::try_from(EXPIRED_RETENTION.as_millis()).unwrap_or(i64::MAX);
                let _ = self.store.purge(confirmed.date.shifted(-retention)).await;
            }
        }
    }

    /// Checks that the store can be read.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the store is unavailable.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.read().await
    }

    /// Stores the uses that are not stored yet.
    pub async fn close(&self) {
        // The store has recorded a failure.
        let _ = self.store_uses(true).await;
    }

    async fn store_uses(&self, all: bool) -> Result<(), StoreError> {
        let uses = self.known.read().unstored_uses(all);
        if !uses.is_empty() {
            self.store.record_uses(uses.clone()).await?;
            self.known.write().set_stored(&uses);
        }
        Ok(())
    }

    fn end_expired(&self) {
        let now = self.now();
        if !self.known.read().has_expired(now) {
            return;
        }
        let ended = self.known.write().take_expired(now, &self.source());
        ended.iter().for_each(CancellationToken::cancel);
    }

    /// Reads the changes. The store has recorded a failure, and the next read repeats it.
    async fn read_soon(&self) {
        let _ = self.read().await;
    }

    /// Reads the changes since the last read.
    async fn read(&self) -> Result<(), StoreError> {
        let read = async || {
            let begun = self.clock.steady().as_millis() + 1;
            let changes = timeout(READ_TIMEOUT, self.read_changes()).await;
            changes.unwrap_or_else(|_| Err(self.failures.record(StoreErrorKind::Timeout, "")))?;
            self.read_at.store(begun, Ordering::Release);
            Ok(())
        };
        self.look.share(read).await
    }

    async fn read_changes(&self) -> Result<(), StoreError> {
        loop {
            let after = self.known.read().last_change();
            let changed = self.store.changes(after).await?;
            let is_last = changed.len() < CHANGES_LIMIT;
            self.apply(changed);
            if is_last {
                return Ok(());
            }
        }
    }

    fn apply(&self, changed: Vec<ApiKeyRecord>) {
        if changed.is_empty() {
            return;
        }
        let source = self.source();
        let mut known = self.known.write();
        let ended: Vec<_> =
            changed.into_iter().filter_map(|record| known.apply(record, &source)).collect();
        drop(known);
        // Wakes the sessions, without the lock.
        ended.iter().for_each(CancellationToken::cancel);
    }

    const fn source(&self) -> PrincipalSource<'_> {
        PrincipalSource { ids: &self.ids, clock: &self.clock }
    }

    fn is_fresh(&self) -> bool {
        let read_at = self.read_at.load(Ordering::Acquire);
        let age = Timestamp::from_millis(self.clock.steady().as_millis() + 1)
            .since(Timestamp::from_millis(read_at));
        read_at > 0 && age <= MAX_AGE
    }

    fn check(&self, id: ApiKeyId, hash: &[u8; 32]) -> Result<Arc<Principal>, Rejected> {
        self.known.read().check(id, hash, self.now())
    }
}

#[async_trait]
impl CredentialVerifier for ApiKeys {
    async fn verify(&self, token: &[u8]) -> Result<Arc<Principal>, Rejected> {
        let id = ApiKeyId::of_key(token).ok_or(Rejected::Invalid)?;
        let hash = self.ids.credential_hash(token);
        if self.is_fresh()
            && let Ok(principal) = self.check(id, &hash)
        {
            return Ok(principal);
        }
        // Unknown, wrong, expired and revoked keys take the same time.
        self.read().await.map_err(|_| Rejected::Unavailable)?;
        self.check(id, &hash)
    }
}
