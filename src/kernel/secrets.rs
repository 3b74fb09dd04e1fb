//! [`SecretFingerprints`]: shows whether a store was written with the secrets that are configured now.
//!
//! With another `ID_SALT` every user is a new user, so that no ban applies; with another `INBOX_KEY`
//! no stored text can be read. Neither fails by itself. A store therefore keeps the fingerprints,
//! and a start with other secrets is refused.
//!
//! This module is pure; stores read and write the fields. A fingerprint never changes its form,
//! because stored ones would no longer match.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;

use super::keyring::SealKey;

/// Separates the fingerprints of a rotated key in a field.
const SEPARATOR: char = ',';

/// Keyed hashes of the secrets. They reveal nothing that the store's other contents do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretFingerprints {
    /// Of `ID_SALT`: 32 hex digits.
    pub id_salt: String,
    /// Of `INBOX_KEY`: 32 hex digits, or twice that with a comma between during a rotation.
    pub inbox_key: String,
}

/// The secret that differs from the one that the store was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretMismatch {
    #[error(
        "it was written with another ID_SALT, so that none of its bans and blocks would apply; set ID_SALT to the earlier value"
    )]
    IdSalt,
    #[error(
        "it was written with another INBOX_KEY, so that its encrypted texts can't be read; set INBOX_KEY to the earlier key, or to replace it, to both: INBOX_KEY=new,old"
    )]
    InboxKey,
}

impl SecretFingerprints {
    #[must_use]
    pub fn new(id_salt: &[u8], inbox_keys: &[SealKey]) -> Self {
        let keys: Vec<_> = inbox_keys.iter().map(|key| fingerprint(key, b"INBOX_KEY")).collect();
        Self {
            id_salt: fingerprint(id_salt, b"ID_SALT"),
            inbox_key: keys.join(&SEPARATOR.to_string()),
        }
    }

    /// Checks the configured secrets against those of the store, which they then replace.
    ///
    /// A rotation of `INBOX_KEY` goes through a list with both keys, so one common key suffices.
    ///
    /// # Errors
    /// Returns the secret that must be corrected.
    pub fn check(&self, stored: &Self) -> Result<(), SecretMismatch> {
        if self.id_salt != stored.id_salt {
            return Err(SecretMismatch::IdSalt);
        }
        let is_stored = |key: &str| stored.inbox_key.split(SEPARATOR).any(|stored| stored == key);
        if self.inbox_key.split(SEPARATOR).any(is_stored) {
            Ok(())
        } else {
            Err(SecretMismatch::InboxKey)
        }
    }
}

/// The first 128 bits of an HMAC under the secret, as hex digits.
fn fingerprint(secret: &[u8], name: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC accepts a key of any length");
    mac.update(b"random-connect fingerprint of ");
    mac.update(name);
    mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: SealKey = [1; 32];
    const NEW: SealKey = [2; 32];

    fn secrets(salt: &str, keys: &[SealKey]) -> SecretFingerprints {
        SecretFingerprints::new(salt.as_bytes(), keys)
    }

    #[test]
    fn fingerprint_accepts_a_rotation_in_steps() {
        let steps: [&[SealKey]; 4] = [&[OLD], &[OLD, NEW], &[NEW, OLD], &[NEW]];
        for pair in steps.windows(2) {
            let [before, after] = [pair[0], pair[1]].map(|keys| secrets("salt", keys));
            assert_eq!(after.check(&before), Ok(()));
            // During a rolling restart, an instance with the earlier list may start last.
            assert_eq!(before.check(&after), Ok(()));
        }
        assert_eq!(
            secrets("salt", &[NEW]).check(&secrets("salt", &[OLD])),
            Err(SecretMismatch::InboxKey)
        );
    }

    #[test]
    fn fingerprint_names_the_secret_that_differs() {
        let stored = secrets("salt", &[OLD]);
        assert_eq!(secrets("other", &[OLD]).check(&stored), Err(SecretMismatch::IdSalt));
        assert_eq!(secrets("other", &[NEW]).check(&stored), Err(SecretMismatch::IdSalt));
        let empty = SecretFingerprints { inbox_key: String::new(), ..stored.clone() };
        assert_eq!(stored.check(&empty), Err(SecretMismatch::InboxKey));
    }

    #[test]
    fn fingerprint_never_changes_its_form() {
        let secrets = secrets("a salt of some length", &[OLD, NEW]);
        assert_eq!(secrets.id_salt, "1e38863ee26e5485c864134acfe38be9");
        assert_eq!(
            secrets.inbox_key,
            "0f8a52ff6b829716af3b0138749762d9,8535dbd51a16a52f0f7e0a52d2aefa64"
        );
    }
}
