//! [`SignedTokens`]: tokens in the form of a JWT (RFC 7519), which prove their owner by a signature.
//!
//! - [`jwt`] has those that are signed with `JWT_SECRET`.
//! - [`provider`] has those of providers: [`openid`] and [`firebase`] have their settings and rules.
//! - [`provider_keys`] fetches the keys of a provider by [`document`]; [`key_state`] decides when, and
//!   [`key_set`] reads them. [`web_address`] checks addresses of the settings.
//! - [`claims`] reads the claims of all kinds and checks dates, issuer and audience.
//! - [`token_cache`] has the tokens that were verified, [`ring_provider`] the cryptography.
//!
//! The header and the issuer of a token only select the kind; a kind accepts its algorithms alone. To add a
//! kind, add a file with its settings and its [`ProviderRules`](provider::ProviderRules).

mod claims;
mod document;
pub mod firebase;
pub mod jwt;
mod key_set;
mod key_state;
pub mod openid;
mod provider;
mod provider_keys;
mod ring_provider;
mod token_cache;
mod web_address;

use std::sync::Arc;

use async_trait::async_trait;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, Header, decode_header};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use self::claims::TokenClaims;
use self::document::DocumentFetcher;
use self::firebase::FirebaseSettings;
use self::jwt::{JwtSettings, SharedSecretTokens};
use self::openid::OpenIdSettings;
use self::provider::IdentityProvider;
use self::token_cache::TokenCache;
use crate::kernel::clock::{Clock, Timestamp, seeded_rng};
use crate::kernel::id::IdHasher;
use crate::kernel::permissions::AccessPermissions;
use crate::kernel::principal::{Credential, CredentialVerifier, Owner, Principal, Rejected};
use crate::kernel::settings::SettingsReader;
use crate::kernel::token::AuthTokens;
use crate::kernel::validity::Validity;

pub use self::claims::MAX_LIFETIME;

/// Maximum length of a token, in bytes. Tokens of providers with many groups have about half of it.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The settings of all kinds. By default, no signed token is accepted.
#[derive(Clone, Debug, Default)]
pub struct SignedTokenSettings {
    pub jwt: Option<JwtSettings>,
    pub openid: Option<OpenIdSettings>,
    pub firebase: Option<FirebaseSettings>,
}

impl SignedTokenSettings {
    /// Reads the settings of all kinds. `callers` are tokens whose bearers must not be able to sign.
    pub fn read(reader: &mut SettingsReader<'_>, callers: [Option<&AuthTokens>; 2]) -> Self {
        let jwt = jwt::read(reader, callers);
        let (openid, firebase) = (openid::read(reader), firebase::read(reader));
        Self { jwt, openid, firebase }
    }

    /// Returns `true` if a kind is accepted.
    #[must_use]
    pub const fn has_any(&self) -> bool {
        self.jwt.is_some() || self.has_provider()
    }

    /// Returns `true` if the keys of a kind must be fetched.
    #[must_use]
    pub const fn has_provider(&self) -> bool {
        self.openid.is_some() || self.firebase.is_some()
    }
}

/// Verifies the signed tokens of all kinds that the configuration has.
pub struct SignedTokens {
    jwt: Option<SharedSecretTokens>,
    providers: Vec<IdentityProvider>,
    verified: Arc<TokenCache>,
    ids: IdHasher,
    clock: Arc<dyn Clock>,
}

/// The one claim that selects a provider before its keys verify the token.
#[derive(Deserialize)]
struct ClaimedIssuer {
    iss: String,
}

impl SignedTokens {
    /// Starts to fetch the keys of the providers with `client`, which must follow no redirects. Without a
    /// client, only JWTs are accepted. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(
        settings: &SignedTokenSettings,
        client: Option<reqwest::Client>,
        ids: IdHasher,
        clock: Arc<dyn Clock>,
    ) -> Self {
        ring_provider::install();
        let verified = Arc::new(TokenCache::new(&mut seeded_rng()));
        let openid = settings.openid.as_ref().map(OpenIdSettings::rules);
        let firebase = settings.firebase.as_ref().map(FirebaseSettings::rules);
        let rules = firebase.into_iter().chain(openid);
        let providers = rules.zip(client.into_iter().cycle()).map(|(rules, client)| {
            let (fetcher, clock) = (DocumentFetcher(client), Arc::clone(&clock));
            IdentityProvider::start(rules, fetcher, clock, Arc::clone(&verified))
        });
        let providers = providers.collect();
        let jwt = settings.jwt.as_ref().map(SharedSecretTokens::new);
        Self { jwt, providers, verified, ids, clock }
    }

    async fn verify_new(&self, token: &[u8]) -> Result<Principal, Rejected> {
        let header = decode_header(token).map_err(|_| Rejected::Invalid)?;
        match (header.alg, &self.jwt) {
            (Algorithm::HS256, Some(jwt)) => self.verify_jwt(jwt, token),
            (Algorithm::HS256, None) => Err(Rejected::Invalid),
            _ => self.verify_by_provider(token, &header).await,
        }
    }

    fn verify_jwt(&self, jwt: &SharedSecretTokens, token: &[u8]) -> Result<Principal, Rejected> {
        let (claims, expiry) = jwt.verify(token, self.clock.now())?;
        let owner = Owner::named(&claims.sub).map_err(|_| Rejected::Invalid)?;
        let permissions = SharedSecretTokens::permissions(&claims);
        Ok(self.principal(&claims, owner, permissions, Credential::Jwt, expiry))
    }

    async fn verify_by_provider(
        &self,
        token: &[u8],
        header: &Header,
    ) -> Result<Principal, Rejected> {
        let claimed: ClaimedIssuer =
            insecure_decode_claims(token).map_err(|_| Rejected::Invalid)?;
        let provider = self.providers.iter().find(|provider| provider.rules.issuer == claimed.iss);
        let provider = provider.ok_or(Rejected::Invalid)?;
        let (claims, expiry) = provider.verify(token, header).await?;
        let rules = &provider.rules;
        let owner = (rules.owner)(&claims.sub).map_err(|_| Rejected::Invalid)?;
        let permissions = (rules.permissions)(&claims);
        Ok(self.principal(&claims, owner, permissions, rules.credential.clone(), expiry))
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
        let hash = self.verified.hash(token);
        let epoch = match self.verified.get(&hash) {
            Ok(known) => {
                let expiry = known.validity().expires_at();
                let is_valid = expiry.is_none_or(|expiry| self.clock.now() < expiry);
                return if is_valid { Ok(known) } else { Err(Rejected::Expired) };
            }
            Err(epoch) => epoch,
        };
        let principal = Arc::new(self.verify_new(token).await?);
        self.verified.insert(hash, Arc::clone(&principal), epoch);
        Ok(principal)
    }
}
