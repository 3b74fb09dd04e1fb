//! [`AuthTokens`]: bearer tokens, generated from 256 random bits, compared in constant time, and
//! redacted in `Debug` output.

use constant_time_eq::constant_time_eq;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

/// Random bytes of a generated token: 256 bits, written as 64 hex digits.
const TOKEN_BYTES: usize = 32;

/// Length below which the server warns about a token, in characters.
const MIN_STRONG_CHARS: usize = 16;

/// The tokens of a setting: one, or two during a rotation. Also the tokens of several settings.
#[derive(Clone, Debug)]
pub struct AuthTokens(Vec<SecretString>);

impl AuthTokens {
    /// Parses a setting of one token, or of two separated by a comma.
    ///
    /// # Errors
    /// Returns the expected format if `setting` has no token, more than two, or a character that is
    /// invalid in a header.
    pub fn parse(setting: &str) -> Result<Self, &'static str> {
        let tokens: Vec<&str> = setting.split(',').map(str::trim).collect();
        let is_valid =
            |token: &&str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if tokens.len() > 2 || !tokens.iter().all(is_valid) {
            return Err("one token, or two separated by a comma, of visible ASCII characters");
        }
        Ok(Self(tokens.into_iter().map(SecretString::from).collect()))
    }

    /// Generates a single token.
    #[must_use]
    pub fn generate(rng: &mut impl Rng) -> Self {
        Self(vec![generate(rng)])
    }

    /// These tokens and those of `others`, where both are accepted.
    #[must_use]
    pub fn and(mut self, others: Option<&Self>) -> Self {
        self.0.extend(others.into_iter().flat_map(|others| others.0.iter().cloned()));
        self
    }

    /// The token to give to new callers.
    #[must_use]
    pub fn current(&self) -> &str {
        self.0.first().map_or("", |token| token.expose_secret())
    }

    /// Returns `true` if one of the tokens is short enough to be guessed.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.0.iter().any(|token| is_weak(token.expose_secret()))
    }

    /// Returns `true` if both have a token in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|token| other.verify(token.expose_secret().as_bytes()))
    }

    /// Returns `true` if `candidate` is one of the tokens.
    ///
    /// The duration depends on the candidate's length, not on the number of correct characters.
    #[must_use]
    pub fn verify(&self, candidate: &[u8]) -> bool {
        let matches =
            |token: &SecretString| constant_time_eq(token.expose_secret().as_bytes(), candidate);
        // A fold compares every token; `any` would stop at the first match.
        self.0.iter().fold(false, |found, token| found | matches(token))
    }
}

/// Returns `true` if a secret is short enough to be guessed.
#[must_use]
pub fn is_weak(secret: &str) -> bool {
    secret.len() < MIN_STRONG_CHARS
}

/// Generates a token of 256 random bits, as 64 hex digits.
#[must_use]
pub fn generate(rng: &mut impl Rng) -> SecretString {
    let mut bytes = [0; TOKEN_BYTES];
    rng.fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn auth_token_rotation_accepts_exactly_both_tokens() {
        let tokens = AuthTokens::parse("old-one, new-one").expect("the setting is two tokens");
        for valid in ["old-one", "new-one"] {
            assert!(tokens.verify(valid.as_bytes()));
        }
        for invalid in ["", "old", "old-on", "old-onee", "new-one,old-one", "OLD-ONE"] {
            assert!(!tokens.verify(invalid.as_bytes()), "{invalid}");
        }
    }

    #[test]
    fn auth_token_setting_must_hold_one_or_two_tokens() {
        for setting in ["", ",", "a,", "a,b,c", "with space", "naïve"] {
            assert!(AuthTokens::parse(setting).is_err(), "{setting}");
        }
    }

    #[test]
    fn auth_token_debug_is_redacted() {
        let tokens = AuthTokens::generate(&mut seeded_rng());
        assert!(!format!("{tokens:?}").contains(tokens.current()));
        assert_eq!(tokens.current().len(), 64);
    }
}
