//! [`TokenCache`]: the principals of tokens that were verified, until they expire.

use std::sync::Arc;

use hashlink::LruCache;
use parking_lot::Mutex;
use rand::Rng;
use ring::hmac;

use crate::kernel::principal::Principal;

/// Maximum number of tokens, of about 600 bytes each with its principal.
const CAPACITY: usize = 10_000;

/// A keyed hash of a token. The key is random for each start, so that no caller can compute it.
pub(super) type TokenHash = [u8; 32];

/// The verified tokens that were used most recently. It holds no token.
pub(super) struct TokenCache {
    key: hmac::Key,
    known: Mutex<KnownTokens>,
}

struct KnownTokens {
    principals: LruCache<TokenHash, Arc<Principal>>,
    /// Number of times that all were forgotten.
    cleared: u64,
}

/// The time of [`TokenCache::get`], so that a token which was verified by a key that has been
/// removed meanwhile is not stored.
#[derive(Clone, Copy)]
pub(super) struct CacheEpoch(u64);

impl TokenCache {
    pub fn new(rng: &mut impl Rng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        let known = KnownTokens { principals: LruCache::new(CAPACITY), cleared: 0 };
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), known: Mutex::new(known) }
    }

    pub fn hash(&self, token: &[u8]) -> TokenHash {
        let tag = hmac::sign(&self.key, token);
        // The length of SHA-256.
        tag.as_ref().try_into().unwrap_or_default()
    }

    /// The principal of a token that was verified.
    ///
    /// # Errors
    /// Returns the epoch for [`Self::insert`] if the token must be verified.
    pub fn get(&self, hash: &TokenHash) -> Result<Arc<Principal>, CacheEpoch> {
        let mut known = self.known.lock();
        let epoch = CacheEpoch(known.cleared);
        known.principals.get(hash).map(Arc::clone).ok_or(epoch)
    }

    /// Stores the principal of a token, unless all were forgotten since [`Self::get`].
    pub fn insert(&self, hash: TokenHash, principal: Arc<Principal>, epoch: CacheEpoch) {
        let mut known = self.known.lock();
        let is_current = known.cleared == epoch.0;
        let removed = is_current.then(|| known.principals.insert(hash, principal));
        drop(known);
        // Dropped outside of the lock.
        drop(removed);
    }

    /// Forgets all tokens: they must be verified again.
    pub fn clear(&self) {
        let mut known = self.known.lock();
        known.cleared += 1;
        let removed = std::mem::replace(&mut known.principals, LruCache::new(CAPACITY));
        drop(known);
        drop(removed);
    }
}
