//! [`UserId`] and the other ids: keyed hashes of the ids that callers pass.
//!
//! A `puch_user_id` may be or contain a phone number. The transports and services hash it. Only the
//! hash is passed on and stored; a log contains its first eight hex digits.
//!
//! **Invariant:** nothing below the service holds a raw id.
//!
//! To add a source of ids, add a variant to [`Realm`]. The strings that are hashed never change,
//! because stored ids would no longer match.

use std::fmt;
use std::hash::Hasher;
use std::ops::RangeInclusive;

use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::{Digest as _, Sha256};
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::client_network::ClientNetwork;
use super::shards::ShardKey;

/// 128 bits of a keyed hash: too many to collide, and meaningless without the key.
type Digest = [u8; 16];

/// A user: the keyed hash of the id that the caller passed.
///
/// `Debug` and `Display` show eight hex digits: enough to follow a user through a log, too few to
/// identify a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Digest);

impl UserId {
    /// Creates an id from raw bytes, for tests, benchmarks and backends that read it back.
    #[must_use]
    pub const fn from_bytes(bytes: Digest) -> Self {
        Self(bytes)
    }

    /// Parses the output of [`UserId::to_hex`]. `None` unless `hex` is 32 hex digits.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        decode_hex(hex).map(Self)
    }

    /// The range of ids whose hex form starts with `prefix`. `None` unless `prefix` is at most 32
    /// hex digits.
    #[must_use]
    pub fn range_with_prefix(prefix: &str) -> Option<RangeInclusive<Self>> {
        let padded_with = |digit: &str| {
            let missing = 32_usize.checked_sub(prefix.len())?;
            Self::from_hex(&(prefix.to_owned() + &digit.repeat(missing)))
        };
        Some(padded_with("0")?..=padded_with("f")?)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The whole hash as 32 hex digits. For stores, not for logs.
    #[must_use]
    pub fn to_hex(self) -> String {
        encode_hex(&self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({self})")
    }
}

/// The id of a chat: 128 random bits, generated for each chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(Digest);

impl RoomId {
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = Digest::default();
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Parses the output of [`RoomId::to_hex`], ignoring surrounding whitespace. `None` unless the
    /// rest is 32 hex digits.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        decode_hex(hex.trim()).map(Self)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 32 hex digits, for the two users in the room.
    #[must_use]
    pub fn to_hex(self) -> String {
        encode_hex(&self.0)
    }
}

/// Shows no digits, because only the two users in a room may know its id.
impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomId(..)")
    }
}

/// The keyed hash of a caller's `message_id`, its user and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Digest);

impl IdempotencyKey {
    /// Derives the key of the lookup that precedes this message's action, so that a retry repeats
    /// both steps under the same keys.
    #[must_use]
    pub fn for_lookup(self) -> Self {
        Self(self.0.map(|byte| !byte))
    }

    /// 32 hex digits, for a store.
    #[must_use]
    pub fn to_hex(self) -> String {
        encode_hex(&self.0)
    }
}

impl ShardKey for UserId {
    fn shard_index(self) -> u8 {
        self.0[15]
    }
}

impl ShardKey for RoomId {
    fn shard_index(self) -> u8 {
        self.0[15]
    }
}

impl ShardKey for IdempotencyKey {
    fn shard_index(self) -> u8 {
        self.0[15]
    }
}

/// Generates 32 hex digits that cannot be guessed: 128 random bits.
#[must_use]
pub fn random_hex(rng: &mut impl Rng) -> String {
    RoomId::random(rng).to_hex()
}

/// The namespace of a raw id. Ids of different realms are always different users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// `puch_user_id`s.
    Puch,
    /// Agents of the pen-pal toolset.
    PenPal,
    /// Users who write to the operator's WhatsApp number.
    WhatsApp,
    /// Owners of credentials, who are users of the chat themselves.
    Owner,
}

impl Realm {
    /// Hash prefix of the realm. Ends in a zero byte, which no other name contains at that
    /// position, so that no id can belong to two realms.
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Puch => b"puch\0",
            Self::PenPal => b"penpal\0",
            Self::WhatsApp => b"whatsapp\0",
            Self::Owner => b"owner\0",
        }
    }
}

/// Hashes raw ids into [`UserId`]s and [`IdempotencyKey`]s with a secret key.
#[derive(Clone)]
pub struct IdHasher {
    mac: Hmac<Sha256>,
    /// Hashes messages with their ids. HMAC would cost a call over HTTP 6 % more.
    messages: SipHasher24,
    /// Hashes texts that every message has. HMAC would cost a message a fifth more.
    texts: SipHasher13,
}

impl IdHasher {
    /// Creates a hasher with a random key. Its hashes match those of no other hasher.
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut key = [0; 64];
        rng.fill_bytes(&mut key);
        Self::with_key(&key)
    }

    /// Creates a hasher that returns the same hashes in every process with the same `salt`.
    #[must_use]
    pub fn from_salt(salt: &[u8]) -> Self {
        // HMAC accepts keys of any length, because it hashes those longer than a block first. The
        // salt is always hashed and padded with zeros to one block.
        let key = Sha256::digest(salt);
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(&key);
        Self::with_key(&block)
    }

    fn with_key(key: &[u8; 64]) -> Self {
        let mac = Hmac::new(key.into());
        let messages = SipHasher24::new_with_key(&digest(&mac, b"message", &[]));
        let texts = SipHasher13::new_with_key(&digest(&mac, b"typed", &[]));
        Self { mac, messages, texts }
    }

    /// Hashes `text` to 32 hex digits. Equal texts have equal hashes.
    #[must_use]
    pub fn hash_text(&self, text: &str) -> String {
        encode_hex(&self.digest(b"text", &[text.as_bytes()]))
    }

    /// The proof that this server issued a cursor of `list` behind the item `key`: 32 hex digits.
    #[must_use]
    pub fn cursor_proof(&self, list: &str, key: &str) -> String {
        encode_hex(&self.digest(b"cursor", &[list.as_bytes(), key.as_bytes()]))
    }

    /// The user with the raw id `raw` in `realm`. Equal raw ids of two realms are two users.
    #[must_use]
    pub fn user_id(&self, realm: Realm, raw: &str) -> UserId {
        UserId(self.digest(b"user", &[realm.name(), raw.as_bytes()]))
    }

    /// The alias under which `user` is known to the partner in `room`: 32 hex digits that differ in
    /// every other room.
    #[must_use]
    pub fn room_alias(&self, room: RoomId, user: UserId) -> String {
        encode_hex(&self.digest(b"alias", &[&room.0, &user.0]))
    }

    /// An opaque name of the item with sequence number `seq`, in 32 hex digits. It does not reveal
    /// the number of earlier items.
    #[must_use]
    pub fn item_id(&self, seq: u64) -> String {
        encode_hex(&self.digest(b"item", &[&seq.to_be_bytes()]))
    }

    /// The idempotency key of a message of `user`. It covers the text, because a second text under
    /// the same id is not a retry.
    #[must_use]
    pub fn idempotency_key(&self, user: UserId, raw: &str, text: &str) -> IdempotencyKey {
        let mut message = self.messages;
        message.write(&user.0);
        // The length fixes the boundary between id and text.
        message.write(&(raw.len() as u64).to_be_bytes());
        message.write(raw.as_bytes());
        message.write(text.as_bytes());
        IdempotencyKey(message.finish128().as_bytes())
    }

    /// The rate-limit key of a text as it was typed: 64 bits, so that two texts hardly ever share a
    /// limit.
    #[must_use]
    pub fn typed_text_key(&self, text: &str) -> u64 {
        self.texts.hash(text.as_bytes())
    }

    /// The rate-limit key of a network. It equals no user of any [`Realm`].
    #[must_use]
    pub fn network_key(&self, network: ClientNetwork) -> UserId {
        UserId(self.digest(b"origin", &[network.hash_input().as_bytes()]))
    }

    /// Eight hex digits that tell an operator's tokens apart and reveal nothing of them.
    #[must_use]
    pub fn token_fingerprint(&self, token: &[u8]) -> String {
        encode_hex(&self.digest(b"token", &[token]))[..8].to_owned()
    }

    /// The stored form of a secret credential: 256 bits that reveal nothing of it. It equals no id.
    #[must_use]
    pub fn credential_hash(&self, credential: &[u8]) -> [u8; 32] {
        full_digest(&self.mac, b"credential", &[credential])
    }

    /// The key of a broadcast, from the name that the operator gave it.
    #[must_use]
    pub fn broadcast_key(&self, name: &str) -> IdempotencyKey {
        IdempotencyKey(self.digest(b"notice", &[name.as_bytes()]))
    }

    fn digest(&self, domain: &[u8], parts: &[&[u8]]) -> Digest {
        digest(&self.mac, domain, parts)
    }
}

fn digest(mac: &Hmac<Sha256>, domain: &[u8], parts: &[&[u8]]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&full_digest(mac, domain, parts)[..16]);
    digest
}

fn full_digest(mac: &Hmac<Sha256>, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = mac.clone();
    mac.update(domain);
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_hex(hex: &str) -> Option<Digest> {
    // `from_str_radix` alone would accept a sign.
    if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(hex, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests;
