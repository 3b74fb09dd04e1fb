//! [`Keyring`]: encrypts users' texts before they leave this process, so that a dump of a store
//! shows none of them.
//!
//! The cipher is XChaCha20-Poly1305 with a random nonce. A sealed text is the key id (the first
//! four bytes of the key's SHA-256), the nonce (24 bytes), and the ciphertext with its tag. Its
//! [`Place`] is the associated data: a sealed text that is copied to another place does not open there,
//! so that write access to a store shows no one the texts of others.
//!
//! This module does not read keys from settings and knows no store.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::Rng;
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use super::id::{RoomId, UserId};

const KEY_ID_LEN: usize = 4;
const NONCE_LEN: usize = 24;

/// The place of a sealed text: the kind of its field, and the users and the room that it belongs to.
#[derive(Clone, Debug)]
pub struct Place(SmallVec<[u8; 80]>);

impl Place {
    /// A place that `kind` alone identifies. Each kind always has the same parts, in the same order.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        let mut bytes = SmallVec::from_slice(kind.as_bytes());
        // Ends the kind, which contains no zero byte.
        bytes.push(0);
        Self(bytes)
    }

    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.0.extend_from_slice(user.as_bytes());
        self
    }

    #[must_use]
    pub fn room(mut self, room: RoomId) -> Self {
        self.0.extend_from_slice(room.as_bytes());
        self
    }
}

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

    /// Encrypts `text` for `place`. `None` without a key, or if `text` exceeds the cipher's maximum length.
    pub fn seal(&self, text: &[u8], place: &Place, rng: &mut impl Rng) -> Option<Vec<u8>> {
        let (key_id, cipher) = self.0.first()?;
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let sealed =
            cipher.encrypt(&XNonce::from(nonce), Payload { msg: text, aad: &place.0 }).ok()?;
        Some([key_id.as_slice(), &nonce, &sealed].concat())
    }

    /// Decrypts the sealed text of `place`. `None` if it is malformed, was altered, was sealed for
    /// another place, or no key matches.
    #[must_use]
    pub fn open(&self, sealed: &[u8], place: &Place) -> Option<Vec<u8>> {
        self.open_with(sealed, &place.0)
    }

    /// Decrypts a text that version 0.1.0 sealed, which knew no places.
    #[must_use]
    pub fn open_without_place(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_with(sealed, &[])
    }

    fn open_with(&self, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let (key_id, rest) = sealed.split_at_checked(KEY_ID_LEN)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>()?;
        let (_, cipher) = self.0.iter().find(|(id, _)| id == key_id)?;
        cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    fn place() -> Place {
        Place::new("text").user(UserId::from_bytes([1; 16]))
    }

    #[test]
    fn seal_opens_only_in_its_place() {
        let keyring = Keyring::new(&[[1; 32]]);
        let sealed = keyring.seal(b"hello", &place(), &mut seeded_rng()).expect("a key");
        let other = UserId::from_bytes([2; 16]);
        for moved in [
            Place::new("text"),
            Place::new("text").user(other),
            Place::new("name").user(UserId::from_bytes([1; 16])),
            place().user(other),
            place().room(RoomId::random(&mut seeded_rng())),
        ] {
            assert_eq!(keyring.open(&sealed, &moved), None, "{moved:?}");
        }
        assert_eq!(keyring.open_without_place(&sealed), None);
    }

    #[test]
    fn seal_round_trips_and_hides_the_plaintext() {
        let keyring = Keyring::new(&[[1; 32]]);
        let sealed =
            keyring.seal(b"hello", &place(), &mut seeded_rng()).expect("the keyring has a key");
        assert_eq!(keyring.open(&sealed, &place()).as_deref(), Some(b"hello".as_slice()));
        assert!(!sealed.windows(5).any(|part| part == b"hello"));
        assert_ne!(keyring.seal(b"hello", &place(), &mut seeded_rng()), Some(sealed));
    }

    #[test]
    fn seal_rotation_opens_with_both_keys_and_seals_with_the_first() {
        let (previous, rotating) = (Keyring::new(&[[1; 32]]), Keyring::new(&[[2; 32], [1; 32]]));
        let old =
            previous.seal(b"old", &place(), &mut seeded_rng()).expect("the keyring has a key");
        assert_eq!(rotating.open(&old, &place()).as_deref(), Some(b"old".as_slice()));
        let new =
            rotating.seal(b"new", &place(), &mut seeded_rng()).expect("the keyring has a key");
        assert_eq!(previous.open(&new, &place()), None);
    }

    #[test]
    fn seal_rejects_tampered_ciphertext() {
        let keyring = Keyring::new(&[[1; 32]]);
        let sealed =
            keyring.seal(b"hello", &place(), &mut seeded_rng()).expect("the keyring has a key");
        for index in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[index] ^= 1;
            assert_eq!(keyring.open(&tampered, &place()), None);
        }
        assert_eq!(keyring.open(b"", &place()), None);
    }
}
