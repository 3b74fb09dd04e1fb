//! [`SignedTokens`]: tokens in the form of a JWT (RFC 7519), which prove their owner by a signature.
//!
//! - [`jwt`] has those that are signed with `JWT_SECRET`.
//! - [`claims`] reads the claims of all kinds and checks dates, issuer and audience.
//! - [`token_cache`] has the tokens that were verified, [`ring_provider`] the cryptography.
//!
//! The header of a token only selects the kind; a kind accepts its algorithms alone. To add a kind, add a file
//! with its keys, rules and owners, and an arm in [`SignedTokens`].

mod claims;
pub mod jwt;
mod ring_provider;
mod token_cache;

use std::sync::Arc;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, decode_header};
use tokio_util::sync::CancellationToken;

use self::claims::TokenClaims;
use self::jwt::{JwtSettings, SharedSecretTokens};
use self::token_cache::TokenCache;
use crate::kernel::clock::{Clock, Timestamp, seeded_rng};
use crate::kernel::id::IdHasher;
use crate::kernel::permissions::AccessPermissions;
use crate::kernel::principal::{
    Credential, CredentialVerifier, Owner, Principal, Rejected, Validity,
};

pub use self::claims::MAX_LIFETIME;

/// Maximum length of a token, in bytes. Tokens of providers with many groups have about half of it.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Verifies the signed tokens of all kinds that the configuration has.
pub struct SignedTokens {
    jwt: Option<SharedSecretTokens>,
    cache: TokenCache,
    ids: IdHasher,
    clock: Arc<dyn Clock>,
}

impl SignedTokens {
    #[must_use]
    pub fn new(jwt: Option<&JwtSettings>, ids: IdHasher, clock: Arc<dyn Clock>) -> Self {
        ring_provider::install();
        let cache = TokenCache::new(&mut seeded_rng());
        Self { jwt: jwt.map(SharedSecretTokens::new), cache, ids, clock }
    }

    fn verify_new(&self, token: &[u8], now: Timestamp) -> Result<Principal, Rejected> {
        let header = decode_header(token).map_err(|_| Rejected::Invalid)?;
        match (header.alg, &self.jwt) {
            (Algorithm::HS256, Some(jwt)) => {
                let (claims, expiry) = jwt.verify(token, now)?;
                let owner = SharedSecretTokens::owner(&claims).map_err(|_| Rejected::Invalid)?;
                let permissions = SharedSecretTokens::permissions(&claims);
                Ok(self.principal(&claims, owner, permissions, Credential::Jwt, expiry))
            }
            _ => Err(Rejected::Invalid),
        }
    }

    fn principal(
        &self,
        claims: &TokenClaims,
        owner: Owner,
        permissions: AccessPermissions,
        credential: Credential,
        expiry: Timestamp,
    ) -> Principal {
        let clock = Arc::clone(&self.clock);
        let validity = Validity::until(expiry, clock, CancellationToken::new());
        Principal::user(owner, &self.ids, claims.role(), permissions, credential, validity)
    }
}

#[async_trait]
impl CredentialVerifier for SignedTokens {
    async fn verify(&self, token: &[u8]) -> Result<Arc<Principal>, Rejected> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejected::Invalid);
        }
        let (hash, now) = (self.cache.hash(token), self.clock.now());
        if let Some(known) = self.cache.get(&hash, now) {
            return known;
        }
        let principal = Arc::new(self.verify_new(token, now)?);
        self.cache.insert(hash, Arc::clone(&principal));
        Ok(principal)
    }
}
