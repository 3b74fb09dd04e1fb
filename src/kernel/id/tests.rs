//! Tests of the ids.

use super::*;
use crate::kernel::clock::seeded_rng;
use crate::kernel::shards::Shards;

#[test]
fn user_id_is_stable_only_under_the_same_key() {
    let ids = IdHasher::random(&mut seeded_rng());
    let other_ids = IdHasher::random(&mut seeded_rng());
    assert_eq!(ids.user_id(Realm::Puch, "alice"), ids.user_id(Realm::Puch, "alice"));
    assert_ne!(ids.user_id(Realm::Puch, "alice"), ids.user_id(Realm::Puch, "bob"));
    assert_ne!(ids.user_id(Realm::Puch, "alice"), other_ids.user_id(Realm::Puch, "alice"));
}

#[test]
fn user_id_differs_between_realms() {
    let ids = IdHasher::random(&mut seeded_rng());
    assert_ne!(ids.user_id(Realm::Puch, "alice"), ids.user_id(Realm::PenPal, "alice"));
}

#[test]
fn room_id_round_trips_and_aliases_are_per_room() {
    let ids = IdHasher::random(&mut seeded_rng());
    let (room, other_room) = (RoomId::random(&mut seeded_rng()), RoomId::random(&mut seeded_rng()));
    assert_eq!(RoomId::from_hex(&room.to_hex()), Some(room));
    for malformed in ["", "+1", &room.to_hex()[1..], "zz345678901234567890123456789012"] {
        assert_eq!(RoomId::from_hex(malformed), None);
    }
    let alice = ids.user_id(Realm::PenPal, "alice");
    assert_ne!(ids.room_alias(room, alice), ids.room_alias(other_room, alice));
    assert!(!format!("{room:?}").contains(&room.to_hex()));
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
fn typed_text_key_is_keyed_and_differs_between_texts() {
    let ids = IdHasher::random(&mut seeded_rng());
    assert_eq!(ids.typed_text_key("9876543210"), ids.typed_text_key("9876543210"));
    assert_ne!(ids.typed_text_key("9876543210"), ids.typed_text_key("9876543211"));
    let other_ids = IdHasher::random(&mut seeded_rng());
    assert_ne!(ids.typed_text_key("9876543210"), other_ids.typed_text_key("9876543210"));
}

#[test]
fn user_id_debug_shows_eight_hex_digits() {
    let shown =
        IdHasher::random(&mut seeded_rng()).user_id(Realm::Puch, "919876543210").to_string();
    assert_eq!(shown.len(), 8);
    assert!(shown.chars().all(|c| c.is_ascii_hexdigit()));
}

/// Returns `true` if 20,000 ids are spread evenly: a shard holds 78 on average, with a standard
/// deviation of 9.
fn is_uniform<K: ShardKey>(ids: impl Iterator<Item = K>) -> bool {
    let mut shards = Shards::new(Vec::new);
    for id in ids.take(20_000) {
        shards.shard_for_mut(id).push(id);
        assert!(shards.shard_for(id).contains(&id));
    }
    shards.iter().all(|shard| shard.len() > 20)
}

#[test]
fn shard_index_is_uniform_and_stable_for_every_id_type() {
    let (ids, mut rng) = (IdHasher::random(&mut seeded_rng()), seeded_rng());
    let user = |number: u32| ids.user_id(Realm::Puch, &number.to_string());
    assert!(is_uniform((0..).map(user)));
    assert!(is_uniform((0..).map(|number| ids.idempotency_key(user(number), "1", ""))));
    assert!(is_uniform(std::iter::repeat_with(|| RoomId::random(&mut rng))));
}

#[test]
fn credential_hash_is_keyed_and_equals_no_id() {
    let (ids, other_ids) =
        (IdHasher::random(&mut seeded_rng()), IdHasher::random(&mut seeded_rng()));
    let hash = ids.credential_hash(b"rc_a_b");
    assert_eq!(hash, ids.credential_hash(b"rc_a_b"));
    assert_ne!(hash, ids.credential_hash(b"rc_a_c"));
    assert_ne!(hash, other_ids.credential_hash(b"rc_a_b"));
    assert_ne!(encode_hex(&hash)[..8], ids.token_fingerprint(b"rc_a_b"));
    assert_ne!(encode_hex(&hash[..16]), ids.hash_text("rc_a_b"));
    assert_eq!(
        encode_hex(&IdHasher::from_salt(b"a salt of some length").credential_hash(b"rc_a_b")),
        "92651543a0d7e1e3500c8bd6dc0d3ae0ecbf5a6b93429192660a733b004354dd",
        "stored hashes must match for as long as the keys live"
    );
}
