//! [`SharedSecretTokens`]: tokens that are signed with `JWT_SECRET`, by HS256.
//!
//! Other servers of the operator sign them for their users. [`JwtRequest`] makes one for a trial.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use thiserror::Error;

use super::claims::{ClaimRules, TokenClaims};
use super::ring_provider;
use crate::kernel::clock::Timestamp;
use crate::kernel::permissions::{AccessLevel, AccessPermissions};
use crate::kernel::principal::{InvalidOwner, Owner, Rejected};
use crate::kernel::settings::{EchoValue, SettingsReader};
use crate::kernel::token::AuthTokens;

/// The only algorithm. The header of a token can't choose another one.
const ALGORITHM: Algorithm = Algorithm::HS256;

/// Minimum length of a secret, in bytes: that of the hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The secrets of `JWT_SECRET`: one, or two during a rotation.
#[derive(Clone, Debug)]
pub struct JwtSecrets(Vec<SecretString>);

impl JwtSecrets {
    /// Parses a setting of one secret, or of two separated by a comma.
    ///
    /// # Errors
    /// Returns the expected format.
    pub fn parse(setting: &str) -> Result<Self, &'static str> {
        let secrets: Vec<&str> = setting.split(',').map(str::trim).collect();
        if secrets.len() > 2 || secrets.iter().any(|secret| secret.len() < MIN_SECRET_BYTES) {
            return Err("one secret of at least 32 bytes, or two separated by a comma");
        }
        Ok(Self(secrets.into_iter().map(SecretString::from).collect()))
    }

    /// The secrets, the one that signs first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.expose_secret().as_bytes())
    }
}

/// `JWT_SECRET` with `JWT_ISSUER` and `JWT_AUDIENCE`.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub secrets: JwtSecrets,
    /// The value that the claim `iss` must have. `None` accepts any.
    pub issuer: Option<String>,
    /// The value that the claim `aud` must contain. `None` accepts any.
    pub audience: Option<String>,
}

/// Reads `JWT_*`. `callers` are tokens whose bearers must not be able to sign.
pub fn read(
    reader: &mut SettingsReader<'_>,
    callers: [Option<&AuthTokens>; 2],
) -> Option<JwtSettings> {
    let secrets = reader.read("JWT_SECRET", EchoValue::Redacted, |text| {
        let secrets = JwtSecrets::parse(text)?;
        let is_token =
            |secret: &[u8]| callers.into_iter().flatten().any(|tokens| tokens.verify(secret));
        if secrets.iter().any(is_token) {
            Err("another secret than AUTH_TOKEN and OWNER_TOKEN, which callers know")
        } else {
            Ok(secrets)
        }
    });
    let issuer = reader.read("JWT_ISSUER", EchoValue::Yes, |text| Ok::<_, &str>(text.to_owned()));
    let audience =
        reader.read("JWT_AUDIENCE", EchoValue::Yes, |text| Ok::<_, &str>(text.to_owned()));
    let has_rule = issuer.is_some() || audience.is_some();
    if has_rule && !reader.is_set("JWT_SECRET") {
        let expected = "the secret of the tokens that JWT_ISSUER and JWT_AUDIENCE are checked in";
        reader.report_missing("JWT_SECRET", expected);
    }
    Some(JwtSettings { secrets: secrets?, issuer, audience })
}

/// The keys and rules for tokens that are signed with `JWT_SECRET`.
pub(super) struct SharedSecretTokens {
    keys: Vec<DecodingKey>,
    rules: ClaimRules,
}

impl SharedSecretTokens {
    pub fn new(settings: &JwtSettings) -> Self {
        let keys = settings.secrets.iter().map(DecodingKey::from_secret).collect();
        let audiences = settings.audience.clone().map(|audience| vec![audience]);
        Self { keys, rules: ClaimRules { issuer: settings.issuer.clone(), audiences } }
    }

    /// Returns the claims of a valid token, and its expiry.
    pub fn verify(
        &self,
        token: &[u8],
        now: Timestamp,
    ) -> Result<(TokenClaims, Timestamp), Rejected> {
        let verified =
            self.keys.iter().find_map(|key| TokenClaims::decode(token, key, ALGORITHM).ok());
        let claims = verified.ok_or(Rejected::Invalid)?;
        let expiry = claims.check(&self.rules, now)?;
        Ok((claims, expiry))
    }

    /// The permissions of a token: its scopes, or without the claim everything except administration.
    pub fn permissions(claims: &TokenClaims) -> AccessPermissions {
        let all = AccessPermissions::level(AccessLevel::ReadWrite);
        claims.scopes().map_or(all, AccessPermissions::scopes)
    }
}

/// The claims of a token for a trial.
#[derive(Clone, Debug)]
pub struct JwtRequest {
    /// The name of the owner.
    pub subject: String,
    pub role: Option<String>,
    /// `None` for everything except administration.
    pub scope: Option<String>,
    pub lifetime: Duration,
}

/// Why no token is made.
#[derive(Debug, Error)]
pub enum JwtRequestError {
    #[error(transparent)]
    Subject(#[from] InvalidOwner),
    #[error("the token can't be signed: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
struct SignedClaims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl JwtRequest {
    /// Returns a token that a server with these `settings` accepts, signed with the first secret.
    ///
    /// # Errors
    /// Returns an error if the subject is no name of an owner.
    pub fn sign(
        &self,
        settings: &JwtSettings,
        now: Timestamp,
    ) -> Result<SecretString, JwtRequestError> {
        ring_provider::install();
        Owner::named(&self.subject)?;
        let now = now.as_millis() / 1_000;
        let claims = SignedClaims {
            sub: &self.subject,
            iat: now,
            exp: now + self.lifetime.as_secs(),
            role: self.role.as_deref(),
            scope: self.scope.as_deref(),
            iss: settings.issuer.as_deref(),
            aud: settings.audience.as_deref(),
        };
        let secret = settings.secrets.iter().next().unwrap_or_default();
        let token = encode(&Header::new(ALGORITHM), &claims, &EncodingKey::from_secret(secret))?;
        Ok(token.into())
    }
}
