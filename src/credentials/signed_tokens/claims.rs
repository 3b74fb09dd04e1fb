//! [`TokenClaims`]: the claims of a token, and [`ClaimRules`], which they must satisfy.
//!
//! The dates are compared with the server's clock. An expiry has no tolerance; other dates may be
//! [`CLOCK_TOLERANCE`] ahead, because the clock of the server that signs may be.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use crate::kernel::clock::Timestamp;
use crate::kernel::permissions::Scopes;
use crate::kernel::principal::{PrincipalRole, Rejected};

/// Maximum time that a token is valid for, also of API keys. A later expiry is most often one in
/// milliseconds, which would be in the year 50,000.
pub const MAX_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Difference of the clocks that is no error.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// The types that a token may name: any JWT, or an access token (RFC 9068, section 2.1).
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// The claims that the server reads. A claim that occurs twice is an error.
#[derive(Deserialize)]
pub(super) struct TokenClaims {
    pub sub: String,
    exp: Number,
    nbf: Option<Number>,
    iat: Option<Number>,
    auth_time: Option<Number>,
    iss: Option<String>,
    aud: Option<TextOrList>,
    /// Any other type than a text is the role of an unknown name.
    role: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<TextOrList>,
    /// The name of `scope` at some providers.
    #[serde(default, deserialize_with = "present")]
    scp: Option<TextOrList>,
}

/// A claim that is a text or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrList {
    Text(String),
    List(Vec<String>),
}

impl TextOrList {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(texts) => texts,
        };
        texts.iter().map(String::as_str)
    }
}

/// Reads a claim that must not be `null`: a token with `"scope": null` is not one without scopes.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TextOrList>, D::Error> {
    TextOrList::deserialize(deserializer).map(Some)
}

/// The values that claims must have.
#[derive(Clone, Debug, Default)]
pub(super) struct ClaimRules {
    /// `None` accepts any issuer.
    pub issuer: Option<String>,
    /// One of these must be an audience of the token. `None` accepts any audience.
    pub audiences: Option<Vec<String>>,
}

impl TokenClaims {
    /// Returns the claims of `token`, if `key` verifies its signature by `algorithm`.
    ///
    /// # Errors
    /// Returns [`Rejected::Invalid`] for every other token.
    pub fn decode(token: &[u8], key: &DecodingKey, algorithm: Algorithm) -> Result<Self, Rejected> {
        let mut validation = Validation::new(algorithm);
        // `check` compares with the clock of the server, and with the rules.
        (validation.validate_exp, validation.validate_aud) = (false, false);
        let decoded = decode::<Self>(token, key, &validation).map_err(|_| Rejected::Invalid)?;
        // RFC 7515, section 4.1.11: a token with an extension that is not understood is invalid.
        let is_understood = decoded.header.crit.is_none();
        // RFC 8725, section 3.11: the tokens of other protocols have other types.
        let is_access_token = decoded.header.typ.is_none_or(|name| {
            let name = name.to_ascii_lowercase();
            TYPES.contains(&name.strip_prefix("application/").unwrap_or(&name))
        });
        if is_understood && is_access_token { Ok(decoded.claims) } else { Err(Rejected::Invalid) }
    }

    /// Checks dates, issuer and audience. Returns the expiry.
    ///
    /// # Errors
    /// Returns [`Rejected::Expired`] for a token that was valid, else [`Rejected::Invalid`].
    pub fn check(&self, rules: &ClaimRules, now: Timestamp) -> Result<Timestamp, Rejected> {
        let has_issuer =
            rules.issuer.as_ref().is_none_or(|issuer| self.iss.as_ref() == Some(issuer));
        let has_audience = rules.audiences.as_ref().is_none_or(|accepted| {
            let given = self.aud.iter().flat_map(TextOrList::iter);
            given.into_iter().any(|audience| accepted.iter().any(|own| own == audience))
        });
        let starts = [&self.nbf, &self.iat, &self.auth_time].into_iter().flatten();
        let has_begun =
            starts.map(date).all(|start| start.is_some_and(|start| start <= now + CLOCK_TOLERANCE));
        let expiry = date(&self.exp).ok_or(Rejected::Invalid)?;
        if !(has_issuer && has_audience && has_begun) {
            return Err(Rejected::Invalid);
        }
        if expiry > now + MAX_LIFETIME + CLOCK_TOLERANCE {
            return Err(Rejected::Invalid);
        }
        if expiry <= now { Err(Rejected::Expired) } else { Ok(expiry) }
    }

    /// The role. The lowest if the claim is missing or names no role.
    pub fn role(&self) -> PrincipalRole {
        let role = self.role.as_ref().and_then(Value::as_str);
        role.map_or_else(PrincipalRole::default, PrincipalRole::from_claim)
    }

    /// The scopes. `None` for a token without the claim.
    pub fn scopes(&self) -> Option<Scopes> {
        let scopes = self.scope.as_ref().or(self.scp.as_ref())?;
        Some(Scopes::parse(&scopes.iter().collect::<Vec<_>>().join(" ")))
    }
}

/// The time of a `NumericDate` (RFC 7519, section 2): seconds since 1970, possibly with a fraction.
/// `None` if it is negative or too large.
fn date(seconds: &Number) -> Option<Timestamp> {
    let since_1970 = Duration::try_from_secs_f64(seconds.as_f64()?).ok()?;
    Some(Timestamp::default() + since_1970)
}
