//! Who somebody is, without saying so: callers' ids as keyed hashes.
//!
//! A `puch_user_id` may be or contain a phone number. It is hashed at the edge, and only the hash
//! travels further, is stored or appears (shortened) in a log.
//!
//! **Invariant:** nothing below the service ever holds a raw id.

use std::fmt;
use std::ops::RangeInclusive;

use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::{Digest as _, Sha256};

use super::client_network::ClientNetwork;
use super::shards::ShardKey;

/// The first 128 bits of an HMAC-SHA-256: too wide to collide, useless without the key.
type Digest = [u8; 16];

/// A person, known by the keyed hash of the id their caller gave them.
///
/// `Debug` and `Display` show eight hex digits: enough to follow somebody through a log, not
/// enough to tell who it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Digest);

impl UserId {
    /// An identity from raw bytes, for tests, benchmarks and backends that read it back.
    #[must_use]
    pub const fn from_bytes(bytes: Digest) -> Self {
        Self(bytes)
    }

    /// Reads what [`UserId::code`] wrote.
    #[must_use]
    pub fn from_hex(code: &str) -> Option<Self> {
        decode_hex(code).map(Self)
    }

    /// All whose code begins with these digits; nothing where they are none.
    #[must_use]
    pub fn range_with_prefix(digits: &str) -> Option<RangeInclusive<Self>> {
        let filled = |with: &str| {
            let rest = 32_usize.checked_sub(digits.len())?;
            Self::from_hex(&(digits.to_owned() + &with.repeat(rest)))
        };
        Some(filled("0")?..=filled("f")?)
    }

    /// 32 hex digits, for a store: all of the hash, so not for a log.
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

/// A chat of two people: 128 random bits, made anew for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(Digest);

impl RoomId {
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = Digest::default();
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads what [`RoomId::code`] wrote.
    #[must_use]
    pub fn from_hex(code: &str) -> Option<Self> {
        decode_hex(code.trim()).map(Self)
    }

    /// 32 hex digits, for the two who are in the room.
    #[must_use]
    pub fn to_hex(self) -> String {
        encode_hex(&self.0)
    }
}

/// A room is named to the two in it and to nobody else.
impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomId(..)")
    }
}

/// A caller's `message_id`, hashed together with the person and the text it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Digest);

impl IdempotencyKey {
    /// The key of a step that comes before what this message asks for.
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

/// 32 hex digits that nobody can guess.
#[must_use]
pub fn random_hex(rng: &mut impl Rng) -> String {
    RoomId::random(rng).to_hex()
}

/// Where an id comes from. Each has people of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// `puch_user_id`s.
    Puch,
    /// Agents of the pen-pal toolset.
    PenPal,
    /// People who write to the operator's own WhatsApp number.
    WhatsApp,
}

impl Realm {
    /// Ends in a byte that none of the others has there, so that no id can cross over.
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Puch => b"puch\0",
            Self::PenPal => b"penpal\0",
            Self::WhatsApp => b"whatsapp\0",
        }
    }
}

/// Turns raw ids into [`UserId`]s and [`MessageKey`]s with a secret key.
#[derive(Clone)]
pub struct IdHasher(Hmac<Sha256>);

impl IdHasher {
    /// A hasher with a key of its own, so that its hashes mean nothing elsewhere.
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut key = [0; 64];
        rng.fill_bytes(&mut key);
        Self(Hmac::new(&key.into()))
    }

    /// A hasher that makes the same hashes wherever it is given the same `salt`.
    #[must_use]
    pub fn from_salt(salt: &[u8]) -> Self {
        // Keys of any length are defined: longer ones than a block are hashed first.
        let key = Sha256::digest(salt);
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(&key);
        Self(Hmac::new(&block.into()))
    }

    /// A name for `text` by which equal ones are known, in 32 hex digits.
    #[must_use]
    pub fn hash_text(&self, text: &str) -> String {
        encode_hex(&self.digest(b"text", &[text.as_bytes()]))
    }

    /// The person whom the way in called `realm` calls `raw`. People of two ways in are never the
    /// same, whatever ids they are called by.
    #[must_use]
    pub fn user_id(&self, realm: Realm, raw: &str) -> UserId {
        UserId(self.digest(b"user", &[realm.name(), raw.as_bytes()]))
    }

    /// What one person in `room` may know the other by, in 32 hex digits: means nothing elsewhere.
    #[must_use]
    pub fn room_alias(&self, room: RoomId, user: UserId) -> String {
        encode_hex(&self.digest(b"alias", &[&room.0, &user.0]))
    }

    /// A name for the item of this number that does not tell how many came before it, in 32 hex
    /// digits.
    #[must_use]
    pub fn item_id(&self, number: u64) -> String {
        encode_hex(&self.digest(b"item", &[&number.to_be_bytes()]))
    }

    /// The key of a message of `user`. The text is part of it: a caller who gives another text
    /// the same id does not mean a retry.
    #[must_use]
    pub fn idempotency_key(&self, user: UserId, raw: &str, text: &str) -> IdempotencyKey {
        // The length keeps the border between id and text where it is.
        let length = (raw.len() as u64).to_be_bytes();
        IdempotencyKey(
            self.digest(b"message", &[&user.0, &length, raw.as_bytes(), text.as_bytes()]),
        )
    }

    /// What a network is known by where people are counted. It is nobody of any [`Realm`].
    #[must_use]
    pub fn network_key(&self, origin: ClientNetwork) -> UserId {
        UserId(self.digest(b"origin", &[origin.hash_input().as_bytes()]))
    }

    /// The key of a notice to everybody, by the name that its operator has for it.
    #[must_use]
    pub fn broadcast_key(&self, name: &str) -> IdempotencyKey {
        IdempotencyKey(self.digest(b"notice", &[name.as_bytes()]))
    }

    fn digest(&self, kind: &[u8], parts: &[&[u8]]) -> Digest {
        let mut mac = self.0.clone();
        mac.update(kind);
        parts.iter().for_each(|part| mac.update(part));
        let full = mac.finalize().into_bytes();
        let mut digest = Digest::default();
        digest.copy_from_slice(&full[..16]);
        digest
    }
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_hex(code: &str) -> Option<Digest> {
    if code.len() != 32 || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(code, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::clock::seeded_rng;
    use super::*;

    #[test]
    fn user_id_is_stable_only_under_the_same_key() {
        let ours = IdHasher::random(&mut seeded_rng());
        let theirs = IdHasher::random(&mut seeded_rng());
        assert_eq!(ours.user_id(Realm::Puch, "alice"), ours.user_id(Realm::Puch, "alice"));
        assert_ne!(ours.user_id(Realm::Puch, "alice"), ours.user_id(Realm::Puch, "bob"));
        assert_ne!(ours.user_id(Realm::Puch, "alice"), theirs.user_id(Realm::Puch, "alice"));
    }

    #[test]
    fn user_id_differs_between_realms() {
        let ids = IdHasher::random(&mut seeded_rng());
        assert_ne!(ids.user_id(Realm::Puch, "alice"), ids.user_id(Realm::PenPal, "alice"));
    }

    #[test]
    fn room_id_round_trips_and_aliases_are_per_room() {
        let ids = IdHasher::random(&mut seeded_rng());
        let (one, two) = (RoomId::random(&mut seeded_rng()), RoomId::random(&mut seeded_rng()));
        assert_eq!(RoomId::from_hex(&one.to_hex()), Some(one));
        for broken in ["", "+1", &one.to_hex()[1..], "zz345678901234567890123456789012"] {
            assert_eq!(RoomId::from_hex(broken), None);
        }
        let alice = ids.user_id(Realm::PenPal, "alice");
        assert_ne!(ids.room_alias(one, alice), ids.room_alias(two, alice));
        assert!(!format!("{one:?}").contains(&one.to_hex()));
    }

    #[test]
    fn idempotency_key_is_per_user() {
        let ids = IdHasher::random(&mut seeded_rng());
        let (alice, bob) = (ids.user_id(Realm::Puch, "alice"), ids.user_id(Realm::Puch, "bob"));
        assert_ne!(ids.idempotency_key(alice, "1", "hi"), ids.idempotency_key(bob, "1", "hi"));
    }

    #[test]
    fn idempotency_key_covers_the_text() {
        let ids = IdHasher::random(&mut seeded_rng());
        let alice = ids.user_id(Realm::Puch, "alice");
        assert_eq!(ids.idempotency_key(alice, "1", "hi"), ids.idempotency_key(alice, "1", "hi"));
        assert_ne!(ids.idempotency_key(alice, "1", "hi"), ids.idempotency_key(alice, "1", "ho"));
        assert_ne!(ids.idempotency_key(alice, "1", "2hi"), ids.idempotency_key(alice, "12", "hi"));
    }

    #[test]
    fn user_id_debug_shows_eight_hex_digits() {
        let shown =
            IdHasher::random(&mut seeded_rng()).user_id(Realm::Puch, "919876543210").to_string();
        assert_eq!(shown.len(), 8);
        assert!(shown.chars().all(|c| c.is_ascii_hexdigit()));
    }
}
