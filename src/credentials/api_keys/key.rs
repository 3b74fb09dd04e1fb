//! The form of a key, `rc_<id>_<secret>`: an [`ApiKeyId`] of 12 letters and digits, which is public, and a
//! secret of 43 letters and digits, which has 256 random bits.

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use rand::distr::{Alphanumeric, SampleString};
use rand::seq::IndexedRandom;
use secrecy::SecretString;
use thiserror::Error;

/// The characters of an id: lower case, so that it can be read aloud. There are 2^62 ids.
const ID_ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const ID_LENGTH: usize = 12;

/// 43 of 62 characters have 256.03 bits.
const SECRET_LENGTH: usize = 43;

/// The prefix of every key, so that scanners recognize a leaked one.
pub const API_KEY_PREFIX: &str = "rc_";

/// The public id of a key, which logs may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId([u8; ID_LENGTH]);

/// A text is no id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the id of a key has 12 lower-case letters and digits: they follow rc_ in the key")]
pub struct InvalidApiKeyId;

impl ApiKeyId {
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        Self(std::array::from_fn(|_| *ID_ALPHABET.choose(rng).expect("the alphabet is not empty")))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let id = bytes.try_into().ok()?;
        bytes.iter().all(|byte| ID_ALPHABET.contains(byte)).then_some(Self(id))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("an id is ASCII")
    }

    /// The id in a key. `None` for a text that can't be a key.
    #[must_use]
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let (id, secret) =
            key.strip_prefix(API_KEY_PREFIX.as_bytes())?.split_at_checked(ID_LENGTH)?;
        let secret = secret.strip_prefix(b"_")?;
        let is_secret =
            secret.len() == SECRET_LENGTH && secret.iter().all(u8::is_ascii_alphanumeric);
        if is_secret { Self::parse(id) } else { None }
    }
}

impl FromStr for ApiKeyId {
    type Err = InvalidApiKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidApiKeyId> {
        Self::parse(text.as_bytes()).ok_or(InvalidApiKeyId)
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Generates the key with this id. Its owner sees it once.
#[must_use]
pub(super) fn generate(id: ApiKeyId, rng: &mut impl Rng) -> SecretString {
    format!("{API_KEY_PREFIX}{id}_{}", Alphanumeric.sample_string(rng, SECRET_LENGTH)).into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn api_key_has_its_id_and_a_secret_of_256_bits() {
        let mut rng = seeded_rng();
        let id = ApiKeyId::random(&mut rng);
        let (key, other) = (generate(id, &mut rng), generate(id, &mut rng));
        assert_ne!(key.expose_secret(), other.expose_secret());
        assert_eq!(ApiKeyId::of_key(key.expose_secret().as_bytes()), Some(id));
        assert_eq!(id.as_str().parse(), Ok(id));
        let parts: Vec<_> = key.expose_secret().split('_').map(str::len).collect();
        assert_eq!(parts, [2, 12, 43]);
    }

    #[test]
    fn api_key_that_is_malformed_has_no_id() {
        let (id, secret) = ("0123456789ab", "a".repeat(43));
        assert!(ApiKeyId::of_key(format!("rc_{id}_{secret}").as_bytes()).is_some());
        for key in [
            String::new(),
            "rc_".to_owned(),
            format!("rc_{id}"),
            format!("rc_{id}_"),
            format!("RC_{id}_{secret}"),
            format!("rc_{id}-{secret}"),
            format!("rc_{id}_{secret}a"),
            format!("rc_{id}_{}", &secret[1..]),
            format!("rc_{id}_{}é", &secret[2..]),
            format!("rc_0123456789aB_{secret}"),
            format!("rc_0123456789_{secret}"),
            format!("{id}_{secret}"),
        ] {
            assert_eq!(ApiKeyId::of_key(key.as_bytes()), None, "{key}");
        }
        assert_eq!("0123456789a".parse::<ApiKeyId>(), Err(InvalidApiKeyId));
    }
}
