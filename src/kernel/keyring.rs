//! Seals what people write before it leaves this process, so that a dump of the store shows none of it.
//!
//! XChaCha20-Poly1305 with a random nonce: a sealed text is the first four bytes of the key's SHA-256,
//! the nonce (24 bytes), and the text with its tag.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::Rng;
use sha2::{Digest, Sha256};

const KEY_ID_LEN: usize = 4;
const NONCE_LEN: usize = 24;

/// A secret of 32 bytes.
pub type SealKey = [u8; 32];

/// Seals with the first of its keys, opens with any.
pub struct Keyring(Vec<(Vec<u8>, XChaCha20Poly1305)>);

impl Keyring {
    /// `keys` are the one in use and, while rotating, the one before.
    #[must_use]
    pub fn new(keys: &[SealKey]) -> Self {
        let named = |key: &SealKey| {
            (Sha256::digest(key)[..KEY_ID_LEN].to_vec(), XChaCha20Poly1305::new(&(*key).into()))
        };
        Self(keys.iter().map(named).collect())
    }

    /// Nothing without a key, or if there is more to seal than memory.
    pub fn seal(&self, text: &[u8], rng: &mut impl Rng) -> Option<Vec<u8>> {
        let (name, cipher) = self.0.first()?;
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let sealed = cipher.encrypt(&XNonce::from(nonce), text).ok()?;
        Some([name.as_slice(), &nonce, &sealed].concat())
    }

    /// What was sealed; nothing if it was not, by none of the keys, or was changed since.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = sealed.split_at_checked(KEY_ID_LEN)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (_, cipher) = self.0.iter().find(|(known, _)| known == name)?;
        cipher.decrypt(&XNonce::from(*nonce), text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::seeded_rng;
    use super::*;

    #[test]
    fn seal_round_trips_and_hides_the_plaintext() {
        let seal = Keyring::new(&[[1; 32]]);
        let sealed = seal.seal(b"hello", &mut seeded_rng()).expect("sealed");
        assert_eq!(seal.open(&sealed).as_deref(), Some(b"hello".as_slice()));
        assert!(!sealed.windows(5).any(|part| part == b"hello"));
        assert_ne!(seal.seal(b"hello", &mut seeded_rng()), Some(sealed));
    }

    #[test]
    fn seal_rotation_opens_with_both_keys_and_seals_with_the_first() {
        let (before, both) = (Keyring::new(&[[1; 32]]), Keyring::new(&[[2; 32], [1; 32]]));
        let old = before.seal(b"old", &mut seeded_rng()).expect("sealed");
        assert_eq!(both.open(&old).as_deref(), Some(b"old".as_slice()));
        let new = both.seal(b"new", &mut seeded_rng()).expect("sealed");
        assert_eq!(before.open(&new), None);
    }

    #[test]
    fn seal_rejects_tampered_ciphertext() {
        let seal = Keyring::new(&[[1; 32]]);
        let sealed = seal.seal(b"hello", &mut seeded_rng()).expect("sealed");
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert_eq!(seal.open(&broken), None);
        }
        assert_eq!(seal.open(b""), None);
    }
}
