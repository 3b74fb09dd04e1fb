//! [`TokenCache`]: the principals of tokens that were verified, until they expire.

use std::sync::Arc;

use hashlink::LruCache;
use parking_lot::Mutex;
use rand::Rng;
use ring::hmac;

use crate::kernel::clock::Timestamp;
use crate::kernel::principal::{Principal, Rejected};

/// Maximum number of tokens, of about 600 bytes each with its principal.
const CAPACITY: usize = 10_000;

/// A keyed hash of a token. The key is random for each start, so that no caller can compute it.
pub(super) type TokenHash = [u8; 32];

/// The verified tokens that were used most recently. It holds no token.
pub(super) struct TokenCache {
    key: hmac::Key,
    principals: Mutex<LruCache<TokenHash, Arc<Principal>>>,
}

impl TokenCache {
    pub fn new(rng: &mut impl Rng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        let principals = Mutex::new(LruCache::new(CAPACITY));
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), principals }
    }

    pub fn hash(&self, token: &[u8]) -> TokenHash {
        let tag = hmac::sign(&self.key, token);
        // The length of SHA-256.
        tag.as_ref().try_into().unwrap_or_default()
    }

    /// The principal of a token that was verified. `None` if the token must be verified.
    ///
    /// # Errors
    /// Returns [`Rejected::Expired`] if it has expired since.
    pub fn get(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Option<Result<Arc<Principal>, Rejected>> {
        let principal = Arc::clone(self.principals.lock().get(hash)?);
        let is_valid = principal.validity().expires_at().is_none_or(|expiry| now < expiry);
        Some(if is_valid { Ok(principal) } else { Err(Rejected::Expired) })
    }

    pub fn insert(&self, hash: TokenHash, principal: Arc<Principal>) {
        let removed = self.principals.lock().insert(hash, principal);
        // Dropped outside of the lock.
        drop(removed);
    }
}
