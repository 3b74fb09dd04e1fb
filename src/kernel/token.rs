//! Bearer tokens: made strong, compared in constant time, never shown.

use constant_time_eq::constant_time_eq;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

/// Bytes of randomness in a generated token: 256 bits, written as 64 hex digits.
const TOKEN_BYTES: usize = 32;

/// Fewer characters than these are worth a warning.
const MIN_STRONG_CHARS: usize = 16;

/// The tokens that open the server: one, or two while an old one is being rotated out.
///
/// `Debug` shows none of them.
#[derive(Clone, Debug)]
pub struct AuthTokens(Vec<SecretString>);

impl AuthTokens {
    /// Tokens from the text of a setting: one, or two separated by a comma.
    ///
    /// # Errors
    /// When there is none, there are more than two, or one holds a character that a header can't.
    pub fn parse(setting: &str) -> Result<Self, &'static str> {
        let tokens: Vec<&str> = setting.split(',').map(str::trim).collect();
        let usable =
            |token: &&str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if tokens.len() > 2 || !tokens.iter().all(usable) {
            return Err("one token, or two separated by a comma, of visible ASCII characters");
        }
        Ok(Self(tokens.into_iter().map(SecretString::from).collect()))
    }

    /// A single token, freshly made.
    #[must_use]
    pub fn generate(rng: &mut impl Rng) -> Self {
        Self(vec![generate(rng)])
    }

    /// The token to hand to a new caller.
    #[must_use]
    pub fn current(&self) -> &str {
        self.0.first().map_or("", |token| token.expose_secret())
    }

    /// Whether one of the tokens is short enough to be guessed.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.0.iter().any(|token| token.expose_secret().len() < MIN_STRONG_CHARS)
    }

    /// Whether `candidate` is one of the tokens.
    ///
    /// The time taken depends on the candidate's length, not on how much of it is right.
    #[must_use]
    pub fn verify(&self, candidate: &[u8]) -> bool {
        let is =
            |token: &SecretString| constant_time_eq(token.expose_secret().as_bytes(), candidate);
        self.0.iter().fold(false, |any, token| any | is(token))
    }
}

/// A token of 256 random bits as 64 hex digits.
#[must_use]
pub fn generate(rng: &mut impl Rng) -> SecretString {
    let mut bytes = [0; TOKEN_BYTES];
    rng.fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::super::clock::seeded_rng;
    use super::*;

    #[test]
    fn auth_token_rotation_accepts_exactly_both_tokens() {
        let tokens = AuthTokens::parse("old-one, new-one").expect("two tokens");
        for good in ["old-one", "new-one"] {
            assert!(tokens.verify(good.as_bytes()));
        }
        for bad in ["", "old", "old-on", "old-onee", "new-one,old-one", "OLD-ONE"] {
            assert!(!tokens.verify(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn auth_token_setting_must_hold_one_or_two_tokens() {
        for bad in ["", ",", "a,", "a,b,c", "with space", "naïve"] {
            assert!(AuthTokens::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn auth_token_debug_is_redacted() {
        let tokens = AuthTokens::generate(&mut seeded_rng());
        assert!(!format!("{tokens:?}").contains(tokens.current()));
        assert_eq!(tokens.current().len(), 64);
    }
}
