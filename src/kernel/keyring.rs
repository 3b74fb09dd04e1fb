//! [`Keyring`]: encrypts users' texts before they leave this process, so that a dump of a store
//! shows none of them.
//!
//! The cipher is XChaCha20-Poly1305 with a random nonce. A sealed text is the key id (the first
//! four bytes of the key's SHA-256), the nonce (24 bytes), and the ciphertext with its tag.
//!
//! This module does not read keys from settings and knows no store.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::Rng;
use sha2::{Digest, Sha256};

const KEY_ID_LEN: usize = 4;
const NONCE_LEN: usize = 24;

/// A secret key of 32 bytes.
pub type SealKey = [u8; 32];

/// Encryption keys with their ids. The first key seals; every key opens.
pub struct Keyring(Vec<(Vec<u8>, XChaCha20Poly1305)>);

impl Keyring {
    /// `keys` are the current key and, during a rotation, the previous one.
    #[must_use]
    pub fn new(keys: &[SealKey]) -> Self {
        let with_id = |key: &SealKey| {
            (Sha256::digest(key)[..KEY_ID_LEN].to_vec(), XChaCha20Poly1305::new(&(*key).into()))
        };
        Self(keys.iter().map(with_id).collect())
    }

    /// Encrypts `text`. `None` without a key, or if `text` exceeds the cipher's maximum length.
    pub fn seal(&self, text: &[u8], rng: &mut impl Rng) -> Option<Vec<u8>> {
        let (key_id, cipher) = self.0.first()?;
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let sealed = cipher.encrypt(&XNonce::from(nonce), text).ok()?;
        Some([key_id.as_slice(), &nonce, &sealed].concat())
    }

    /// Decrypts a sealed text. `None` if it is malformed, was altered, or no key matches.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (key_id, rest) = sealed.split_at_checked(KEY_ID_LEN)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (_, cipher) = self.0.iter().find(|(id, _)| id == key_id)?;
        cipher.decrypt(&XNonce::from(*nonce), ciphertext).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn seal_round_trips_and_hides_the_plaintext() {
        let keyring = Keyring::new(&[[1; 32]]);
        let sealed = keyring.seal(b"hello", &mut seeded_rng()).expect("the keyring has a key");
        assert_eq!(keyring.open(&sealed).as_deref(), Some(b"hello".as_slice()));
        assert!(!sealed.windows(5).any(|part| part == b"hello"));
        assert_ne!(keyring.seal(b"hello", &mut seeded_rng()), Some(sealed));
    }

    #[test]
    fn seal_rotation_opens_with_both_keys_and_seals_with_the_first() {
        let (previous, rotating) = (Keyring::new(&[[1; 32]]), Keyring::new(&[[2; 32], [1; 32]]));
        let old = previous.seal(b"old", &mut seeded_rng()).expect("the keyring has a key");
        assert_eq!(rotating.open(&old).as_deref(), Some(b"old".as_slice()));
        let new = rotating.seal(b"new", &mut seeded_rng()).expect("the keyring has a key");
        assert_eq!(previous.open(&new), None);
    }

    #[test]
    fn seal_rejects_tampered_ciphertext() {
        let keyring = Keyring::new(&[[1; 32]]);
        let sealed = keyring.seal(b"hello", &mut seeded_rng()).expect("the keyring has a key");
        for index in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[index] ^= 1;
            assert_eq!(keyring.open(&tampered), None);
        }
        assert_eq!(keyring.open(b""), None);
    }
}
