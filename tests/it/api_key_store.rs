//! The contract of [`ApiKeyStore`] on every backend, and random operations that all must answer equally.

use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use random_connect::credentials::api_keys::key::ApiKeyId;
use random_connect::credentials::api_keys::record::{
    ApiKeyRecord, HashedApiKey, ROTATION_GRACE, RotationRefusal,
};
use random_connect::credentials::api_keys::store::{ApiKeyStore, CHANGES_LIMIT, KEY_LIST_LIMIT};
use random_connect::kernel::clock::Timestamp;

use crate::support::api_key_backends::{api_key_backends, key_request};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOUR: Duration = Duration::from_secs(60 * 60);
const STEPS: usize = 400;

fn hashed(rng: &mut StdRng) -> HashedApiKey {
    let mut hash = [0; 32];
    rng.fill_bytes(&mut hash);
    HashedApiKey { id: ApiKeyId::random(rng), hash }
}

fn key(rng: &mut StdRng, days: u64, now: Timestamp) -> ApiKeyRecord {
    ApiKeyRecord::new(hashed(rng), &key_request("ann", days), now)
}

async fn stored(store: &dyn ApiKeyStore, id: ApiKeyId) -> ApiKeyRecord {
    let keys = store.list(None).await.expect("the store is up");
    keys.into_iter().find(|key| key.id == id).expect("the key")
}

#[tokio::test]
async fn api_key_store_lists_pages_in_the_order_of_creation() {
    for backend in api_key_backends().await {
        let (store, mut rng) = (&backend.store, StdRng::seed_from_u64(1));
        let mut expected = Vec::new();
        for number in 0..u32::try_from(KEY_LIST_LIMIT).expect("small") + 20 {
            // Several in the same millisecond.
            let key = key(&mut rng, 30, START + Duration::from_millis(u64::from(number / 3)));
            store.insert(key.clone()).await.expect("the store is up");
            expected.push((key.created_at, key.id));
        }
        expected.sort_unstable();
        let first = store.list(None).await.expect("the store is up");
        assert_eq!(first.len(), KEY_LIST_LIMIT);
        let rest = store.list(first.last().map(|key| key.id)).await.expect("the store is up");
        let listed: Vec<_> =
            first.iter().chain(&rest).map(|key| (key.created_at, key.id)).collect();
        assert_eq!(listed, expected);
        let unknown = Some(ApiKeyId::random(&mut rng));
        assert!(store.list(unknown).await.expect("the store is up").is_empty());
    }
}

#[tokio::test]
async fn api_key_store_numbers_each_change() {
    for backend in api_key_backends().await {
        let (store, mut rng) = (&backend.store, StdRng::seed_from_u64(2));
        let changed = async |after| -> Vec<_> {
            let keys = store.changes(after).await.expect("the store is up");
            keys.iter().map(|key| (key.id, key.change)).collect()
        };
        assert!(changed(0).await.is_empty());
        let (first, second) = (key(&mut rng, 1, START), key(&mut rng, 2, START));
        store.insert(first.clone()).await.expect("the store is up");
        store.insert(second.clone()).await.expect("the store is up");
        assert_eq!(changed(0).await, [(first.id, 1), (second.id, 2)]);
        assert!(store.revoke(first.id, START).await.expect("the store is up"));
        assert_eq!(changed(2).await, [(first.id, 3)]);
        // These change nothing.
        assert!(store.revoke(first.id, START + HOUR).await.expect("the store is up"));
        assert!(!store.revoke(hashed(&mut rng).id, START).await.expect("the store is up"));
        store.record_uses(vec![(second.id, START)]).await.expect("the store is up");
        let refused = store.rotate(first.id, hashed(&mut rng), START).await;
        assert_eq!(refused.expect("the store is up"), Err(RotationRefusal::Inactive));
        assert_eq!(changed(3).await, []);
        assert_eq!(stored(&**store, first.id).await.revoked_at, Some(START));
        let successor = hashed(&mut rng);
        let rotated = store.rotate(second.id, successor, START).await.expect("the store is up");
        assert_eq!(rotated.expect("active").change, 5);
        assert_eq!(changed(3).await, [(second.id, 4), (successor.id, 5)]);
    }
}

#[tokio::test]
async fn api_key_store_reads_many_changes_in_steps() {
    for backend in api_key_backends().await {
        let (store, mut rng) = (&backend.store, StdRng::seed_from_u64(3));
        let keys: Vec<_> = (0..CHANGES_LIMIT + 5).map(|_| key(&mut rng, 1, START)).collect();
        for key in &keys {
            store.insert(key.clone()).await.expect("the store is up");
        }
        let first = store.changes(0).await.expect("the store is up");
        let last = first.last().expect("a key").change;
        let rest = store.changes(last).await.expect("the store is up");
        assert_eq!((first.len(), rest.len()), (CHANGES_LIMIT, 5));
    }
}

#[tokio::test]
async fn api_key_store_rotation_replaces_a_key_once() {
    for backend in api_key_backends().await {
        let (store, mut rng) = (&backend.store, StdRng::seed_from_u64(4));
        let old = key(&mut rng, 30, START);
        store.insert(old.clone()).await.expect("the store is up");
        let (now, successor) = (START + HOUR, hashed(&mut rng));
        let rotated = store.rotate(old.id, successor, now).await.expect("the store is up");
        let rotated = rotated.expect("the key is active");
        assert_eq!(rotated.expires_at, now + old.expires_at.since(old.created_at));
        assert_eq!((rotated.hash, rotated.owner), (successor.hash.to_vec(), old.owner.clone()));
        assert_eq!(rotated.policy, old.policy);
        let replaced = stored(&**store, old.id).await;
        assert_eq!(replaced.expires_at, now + ROTATION_GRACE);
        assert_eq!(replaced.replaced_by, Some(successor.id));
        let again = store.rotate(old.id, hashed(&mut rng), now).await.expect("the store is up");
        assert_eq!(again, Err(RotationRefusal::Replaced(successor.id)));
        let late = store.rotate(old.id, hashed(&mut rng), now + ROTATION_GRACE).await;
        assert_eq!(late.expect("the store is up"), Err(RotationRefusal::Inactive));
        let unknown = store.rotate(hashed(&mut rng).id, hashed(&mut rng), now).await;
        assert_eq!(unknown.expect("the store is up"), Err(RotationRefusal::NotFound));
        // A key that ends earlier does not live longer.
        let short = key(&mut rng, 1, START);
        store.insert(short.clone()).await.expect("the store is up");
        let rotated = store.rotate(short.id, hashed(&mut rng), START + HOUR).await;
        assert!(rotated.expect("the store is up").is_ok());
        assert_eq!(stored(&**store, short.id).await.expires_at, short.expires_at);
        assert_eq!(store.list(None).await.expect("the store is up").len(), 4);
    }
}

#[tokio::test]
async fn api_key_store_rotates_once_if_two_rotate_at_the_same_time() {
    for backend in api_key_backends().await {
        let (store, mut rng) = (&backend.store, StdRng::seed_from_u64(5));
        let old = key(&mut rng, 30, START);
        store.insert(old.clone()).await.expect("the store is up");
        let successors: Vec<_> = (0..8).map(|_| hashed(&mut rng)).collect();
        let rotations = successors.iter().map(|successor| store.rotate(old.id, *successor, START));
        let rotated = join_all(rotations).await.into_iter().map(|result| result.expect("up"));
        let rotated: Vec<_> = rotated.filter_map(Result::ok).collect();
        assert_eq!(rotated.len(), 1);
        let changes = store.changes(0).await.expect("the store is up");
        assert_eq!(changes.iter().map(|key| key.change).collect::<Vec<_>>(), [2, 3]);
    }
}

#[tokio::test]
async fn api_key_store_keeps_the_latest_use_and_deletes_expired_keys() {
    for backend in api_key_backends().await {
        let (store, mut rng) = (&backend.store, StdRng::seed_from_u64(6));
        let (short, long) = (key(&mut rng, 1, START), key(&mut rng, 2, START));
        store.insert(short.clone()).await.expect("the store is up");
        store.insert(long.clone()).await.expect("the store is up");
        let used = async |at| {
            store.record_uses(vec![(short.id, at), (long.id, START)]).await.expect("up");
            stored(&**store, short.id).await.last_used_at
        };
        assert_eq!(used(START + HOUR).await, Some(START + HOUR));
        assert_eq!(used(START).await, Some(START + HOUR));
        store.purge(short.expires_at).await.expect("the store is up");
        assert_eq!(store.list(None).await.expect("the store is up").len(), 2);
        store.purge(short.expires_at + HOUR).await.expect("the store is up");
        let left = store.list(None).await.expect("the store is up");
        assert_eq!(left.iter().map(|key| key.id).collect::<Vec<_>>(), [long.id]);
    }
}

/// An operation with its arguments.
#[derive(Clone, Debug)]
enum KeyStep {
    Insert(Box<ApiKeyRecord>),
    Rotate(ApiKeyId, [u8; 32], ApiKeyId),
    Revoke(ApiKeyId),
    Use(Vec<(ApiKeyId, Timestamp)>),
    Purge(Timestamp),
    Changes(u64),
    List(Option<ApiKeyId>),
}

fn step(rng: &mut StdRng, known: &mut Vec<ApiKeyId>, now: Timestamp) -> KeyStep {
    let new = hashed(rng);
    let index = rng.random_range(0..=known.len());
    let id = known.get(index).copied().unwrap_or(new.id);
    match rng.random_range(0..12) {
        0..3 => {
            known.push(new.id);
            let days = rng.random_range(1..30);
            KeyStep::Insert(Box::new(ApiKeyRecord::new(new, &key_request("ann", days), now)))
        }
        3..6 => {
            let successor = hashed(rng);
            known.push(successor.id);
            KeyStep::Rotate(id, successor.hash, successor.id)
        }
        6 => KeyStep::Revoke(id),
        7 => KeyStep::Use(vec![(id, now), (new.id, now)]),
        8 => KeyStep::Purge(Timestamp::from_millis(now.as_millis() - 20 * 24 * 3_600_000)),
        9 => KeyStep::Changes(rng.random_range(0..200)),
        _ => KeyStep::List(rng.random::<bool>().then_some(id)),
    }
}

/// The fields of a key, for comparison.
fn fields(key: &ApiKeyRecord) -> impl std::fmt::Debug + use<> {
    let times = (key.created_at, key.expires_at, key.revoked_at, key.last_used_at);
    let texts = (key.name.clone(), key.owner.clone(), key.policy.clone());
    (key.id, key.hash.clone(), texts, times, key.replaced_by, key.change)
}

async fn execute(store: &dyn ApiKeyStore, step: KeyStep, now: Timestamp) -> String {
    let shown = |keys: Vec<ApiKeyRecord>| {
        keys.iter().map(|key| format!("{:?}\n", fields(key))).collect::<String>()
    };
    let outcome = match step {
        KeyStep::Insert(key) => store.insert(*key).await.map(|()| String::new()),
        KeyStep::Rotate(old, hash, id) => {
            let rotated = store.rotate(old, HashedApiKey { id, hash }, now).await;
            rotated.map(|rotated| format!("{:?}", rotated.map(|key| format!("{:?}", fields(&key)))))
        }
        KeyStep::Revoke(id) => store.revoke(id, now).await.map(|known| known.to_string()),
        KeyStep::Use(uses) => store.record_uses(uses).await.map(|()| String::new()),
        KeyStep::Purge(before) => store.purge(before).await.map(|()| String::new()),
        KeyStep::Changes(after) => store.changes(after).await.map(shown),
        KeyStep::List(after) => store.list(after).await.map(shown),
    };
    outcome.expect("the store is up")
}

#[tokio::test]
async fn api_key_stores_have_equal_outcomes() {
    let backends = api_key_backends().await;
    let (model, others) = backends.split_first().expect("the store in memory");
    let (mut rng, mut known, mut now) = (StdRng::seed_from_u64(20), Vec::new(), START);
    for number in 0..STEPS {
        now = now + Duration::from_millis(rng.random_range(0..12 * 3_600_000));
        let step = step(&mut rng, &mut known, now);
        let expected = execute(&*model.store, step.clone(), now).await;
        for other in others {
            let outcome = execute(&*other.store, step.clone(), now).await;
            assert_eq!(outcome, expected, "step {number}: {step:?}");
        }
    }
    assert!(!model.store.changes(0).await.expect("the store is up").is_empty());
}
