//! [`IdentityProvider`]: tokens that a provider signs with a private key, and this server verifies with
//! the provider's public keys.
//!
//! To add a provider, make one with the rules of its tokens, and a file for its settings.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header};

use super::claims::{ClaimRules, TokenClaims};
use super::document::DocumentFetcher;
use super::provider_keys::{KeySource, ProviderKeys};
use super::token_cache::TokenCache;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::permissions::AccessPermissions;
use crate::kernel::principal::{Credential, InvalidOwner, Owner, Rejected};

/// Returns the owner by the subject of a token.
type OwnerOfSubject = Box<dyn Fn(&str) -> Result<Owner, InvalidOwner> + Send + Sync>;

/// The tokens of a provider.
pub(super) struct ProviderRules {
    /// The name of its setting, for the log.
    pub setting: &'static str,
    /// The issuer of its tokens.
    pub issuer: String,
    /// One of these must be an audience of a token.
    pub audiences: Vec<String>,
    pub algorithms: &'static [Algorithm],
    pub keys: KeySource,
    pub credential: Credential,
    pub owner: OwnerOfSubject,
    pub permissions: fn(&TokenClaims) -> AccessPermissions,
}

/// A provider with its current keys.
pub(super) struct IdentityProvider {
    pub rules: ProviderRules,
    claims: ClaimRules,
    keys: ProviderKeys,
    clock: Arc<dyn Clock>,
}

impl IdentityProvider {
    /// Starts to fetch the keys of a provider.
    pub fn start(
        rules: ProviderRules,
        fetcher: DocumentFetcher,
        clock: Arc<dyn Clock>,
        verified: Arc<TokenCache>,
    ) -> Self {
        let keys = ProviderKeys::start(
            rules.setting,
            rules.keys.clone(),
            fetcher,
            Arc::clone(&clock),
            verified,
        );
        let (issuer, audiences) = (Some(rules.issuer.clone()), Some(rules.audiences.clone()));
        Self { rules, claims: ClaimRules { issuer, audiences }, keys, clock }
    }

    /// Returns the claims of a valid token, and its expiry.
    pub async fn verify(
        &self,
        token: &[u8],
        header: &Header,
    ) -> Result<(TokenClaims, Timestamp), Rejected> {
        if !self.rules.algorithms.contains(&header.alg) {
            return Err(Rejected::Invalid);
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let claims = TokenClaims::decode(token, &key.key, key.algorithm)?;
        let expiry = claims.check(&self.claims, self.clock.now())?;
        Ok((claims, expiry))
    }
}
