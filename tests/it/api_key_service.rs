//! API keys in memory: what is accepted, for how long, and what an unavailable store means. The clock is
//! simulated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use random_connect::credentials::api_keys::key::ApiKeyId;
use random_connect::credentials::api_keys::record::{
    ApiKeyRecord, ApiKeyState, HashedApiKey, RotationRefusal,
};
use random_connect::credentials::api_keys::service::{
    ApiKeyError, ApiKeys, GeneratedApiKey, IssuedApiKey, MAX_AGE,
};
use random_connect::credentials::api_keys::store::ApiKeyStore;
use random_connect::kernel::clock::{Clock, ManualClock, Timestamp};
use random_connect::kernel::id::IdHasher;
use random_connect::kernel::principal::{CredentialVerifier, Principal, Rejected};
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use secrecy::ExposeSecret;

use crate::support::api_key_backends::{ApiKeyBackend, api_key_backends, key_request};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A store that counts reads and that a test can make fail.
struct FlakyStore {
    store: Arc<dyn ApiKeyStore>,
    is_down: AtomicBool,
    reads: AtomicUsize,
}

impl FlakyStore {
    fn check(&self) -> Result<(), StoreError> {
        let is_down = self.is_down.load(Ordering::SeqCst);
        if is_down { Err(StoreErrorKind::Connection.into()) } else { Ok(()) }
    }
}

#[async_trait]
impl ApiKeyStore for FlakyStore {
    async fn insert(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        self.check()?;
        self.store.insert(key).await
    }

    async fn changes(&self, after: u64) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.check()?;
        self.store.changes(after).await
    }

    async fn list(&self, after: Option<ApiKeyId>) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.store.list(after).await
    }

    async fn rotate(
        &self,
        id: ApiKeyId,
        successor: HashedApiKey,
        now: Timestamp,
    ) -> Result<Result<ApiKeyRecord, RotationRefusal>, StoreError> {
        self.store.rotate(id, successor, now).await
    }

    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        self.check()?;
        self.store.revoke(id, now).await
    }

    async fn record_uses(&self, uses: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError> {
        self.store.record_uses(uses).await
    }

    async fn purge(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        self.store.purge(expired_before).await
    }
}

/// Two instances on one store, with one clock.
struct Instances {
    clock: Arc<ManualClock>,
    store: Arc<FlakyStore>,
    first: Arc<ApiKeys>,
    second: Arc<ApiKeys>,
    _backend: ApiKeyBackend,
}

fn instances(backend: ApiKeyBackend) -> Instances {
    let clock = Arc::new(ManualClock::at(START));
    let store = Arc::clone(&backend.store);
    let store =
        Arc::new(FlakyStore { store, is_down: AtomicBool::default(), reads: AtomicUsize::new(0) });
    let instance = |seed| {
        let ids = IdHasher::from_salt(b"a salt of some length");
        let clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let store = Arc::clone(&store) as Arc<dyn ApiKeyStore>;
        Arc::new(ApiKeys::new(store, ids, clock, StdRng::seed_from_u64(seed)))
    };
    let (first, second) = (instance(1), instance(2));
    Instances { clock, store, first, second, _backend: backend }
}

async fn verify(keys: &ApiKeys, issued: &IssuedApiKey) -> Result<Arc<Principal>, Rejected> {
    keys.verify(issued.key.expose_secret().as_bytes()).await
}

async fn create(keys: &ApiKeys, owner: &str, days: u64) -> IssuedApiKey {
    keys.create(keys.generate(), &key_request(owner, days)).await.expect("the store is up")
}

#[tokio::test]
async fn api_key_of_another_instance_is_valid_at_once_and_never_after_its_end() {
    for backend in api_key_backends().await {
        let Instances { clock, first, second, .. } = &instances(backend);
        let issued = create(first, "ann", 3).await;
        let principal = verify(second, &issued).await.expect("valid");
        assert_eq!(
            principal.owner().map(|owner| owner.as_str().to_owned()).as_deref(),
            Some("ann")
        );
        assert_eq!(principal.validity().expires_at(), Some(issued.expires_at));
        clock.advance((72 * HOUR).saturating_sub(Duration::from_millis(1)));
        assert!(verify(first, &issued).await.is_ok() && verify(second, &issued).await.is_ok());
        clock.advance(Duration::from_millis(1));
        for keys in [first, second] {
            assert_eq!(verify(keys, &issued).await.err(), Some(Rejected::Expired));
            let rotated = keys.rotate(issued.id, keys.generate()).await;
            assert_eq!(rotated.err(), Some(ApiKeyError::Inactive));
        }
    }
}

#[tokio::test]
async fn api_key_that_is_wrong_unknown_or_revoked_is_invalid_after_one_read() {
    let Instances { store, first, second, .. } = &instances(ApiKeyBackend::memory());
    let (issued, revoked) = (create(first, "ann", 3).await, create(first, "ann", 3).await);
    first.revoke(revoked.id).await.expect("the store is up");
    assert!(verify(second, &issued).await.is_ok());
    let key = issued.key.expose_secret();
    let wrong = format!("{}{}", &key[..58], if key.ends_with('a') { "b" } else { "a" });
    let foreign = format!("rc_{}{}", revoked.id, &key[15..]);
    let unknown = format!("rc_{}{}", "0".repeat(12), &key[15..]);
    let revoked = revoked.key.expose_secret().to_owned();
    for token in [wrong, foreign, unknown, revoked] {
        let reads = store.reads.load(Ordering::SeqCst);
        let verified = second.verify(token.as_bytes()).await;
        assert_eq!(verified.err(), Some(Rejected::Invalid));
        assert_eq!(store.reads.load(Ordering::SeqCst), reads + 1);
    }
    let reads = store.reads.load(Ordering::SeqCst);
    for malformed in ["rc_", "rc_1_2", "rc_ä", &key[1..], &format!("{key}a")] {
        assert_eq!(second.verify(malformed.as_bytes()).await.err(), Some(Rejected::Invalid));
    }
    assert!(verify(second, &issued).await.is_ok());
    assert_eq!(store.reads.load(Ordering::SeqCst), reads, "neither of these reads the store");
}

#[tokio::test]
async fn api_key_reads_are_shared() {
    let Instances { store, first, .. } = &instances(ApiKeyBackend::memory());
    let tokens: Vec<String> =
        (0..200).map(|number| format!("rc_{number:012}_{}", "a".repeat(43))).collect();
    let verified = join_all(tokens.iter().map(|token| first.verify(token.as_bytes()))).await;
    assert!(verified.iter().all(|result| matches!(result, Err(Rejected::Invalid))));
    assert!(store.reads.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn api_key_revocation_ends_sessions_of_all_instances() {
    for backend in api_key_backends().await {
        let Instances { clock, first, second, .. } = &instances(backend);
        let issued = create(first, "ann", 3).await;
        let (here, there) = (verify(first, &issued).await, verify(second, &issued).await);
        let (here, there) = (here.expect("valid"), there.expect("valid"));
        first.revoke(issued.id).await.expect("the store is up");
        here.validity().ended().await;
        assert_eq!(verify(first, &issued).await.err(), Some(Rejected::Invalid));
        // Without the task that reads the changes, an instance is stale after five seconds.
        clock.advance(MAX_AGE + Duration::from_millis(1));
        assert_eq!(verify(second, &issued).await.err(), Some(Rejected::Invalid));
        there.validity().ended().await;
        assert_eq!(first.revoke(issued.id).await, Ok(()), "a second time is no error");
        let unknown =
            ApiKeyId::of_key(format!("rc_{}_{}", "0".repeat(12), "a".repeat(43)).as_bytes());
        assert_eq!(first.revoke(unknown.expect("an id")).await, Err(ApiKeyError::NotFound));
    }
}

#[tokio::test(start_paused = true)]
async fn api_key_changes_are_read_every_two_seconds() {
    let Instances { clock, first, second, .. } = &instances(ApiKeyBackend::memory());
    let task = tokio::spawn(Arc::clone(second).run());
    let (revoked, rotated) = (create(first, "ann", 3).await, create(first, "ben", 3).await);
    let sessions = [&revoked, &rotated].map(|issued| verify(second, issued));
    let [ann, ben] = sessions.map(|session| async { session.await.expect("valid") });
    let (ann, ben) = (ann.await, ben.await);
    first.revoke(revoked.id).await.expect("the store is up");
    // The paused clock of the runtime passes while nothing else happens.
    tokio::time::timeout(MAX_AGE, ann.validity().ended()).await.expect("within five seconds");
    first.rotate(rotated.id, first.generate()).await.expect("active");
    clock.advance((24 * HOUR).saturating_sub(Duration::from_millis(1)));
    let ended = tokio::time::timeout(MAX_AGE, ben.validity().ended()).await;
    assert!(ended.is_err(), "the old key lives for 24 hours");
    clock.advance(Duration::from_millis(1));
    tokio::time::timeout(MAX_AGE, ben.validity().ended()).await.expect("within five seconds");
    task.abort();
}

#[tokio::test]
async fn api_key_rotation_keeps_the_old_key_for_a_day() {
    for backend in api_key_backends().await {
        let Instances { clock, first, second, .. } = &instances(backend);
        let old = create(first, "ann", 30).await;
        clock.advance(HOUR);
        let new = second.rotate(old.id, second.generate()).await.expect("active");
        assert_eq!(new.expires_at, START + HOUR + 30 * 24 * HOUR);
        for keys in [first, second] {
            let (old, new) = (verify(keys, &old).await, verify(keys, &new).await);
            let (old, new) = (old.expect("valid"), new.expect("valid"));
            assert!(old.shares_sessions_with(&new), "it is the same user");
        }
        let again = first.rotate(old.id, first.generate()).await;
        assert_eq!(again.err(), Some(ApiKeyError::Replaced(new.id)));
        let listed = first.list(None).await.expect("the store is up").keys;
        let states: Vec<_> = listed.iter().map(|key| key.state(first.now())).collect();
        assert_eq!(states, [ApiKeyState::Replaced, ApiKeyState::Active]);
        clock.advance(24 * HOUR);
        for keys in [first, second] {
            assert_eq!(verify(keys, &old).await.err(), Some(Rejected::Expired));
            assert!(verify(keys, &new).await.is_ok());
        }
    }
}

#[tokio::test]
async fn api_key_is_refused_while_the_store_is_away_for_longer_than_a_revocation_takes() {
    let Instances { clock, store, first, second, .. } = &instances(ApiKeyBackend::memory());
    let (known, other) = (create(first, "ann", 3).await, create(first, "ben", 3).await);
    assert!(verify(second, &known).await.is_ok());
    let late = create(first, "cid", 3).await;
    store.is_down.store(true, Ordering::SeqCst);
    clock.advance(MAX_AGE);
    assert!(verify(second, &known).await.is_ok(), "it was read recently enough");
    assert!(verify(second, &other).await.is_ok());
    assert_eq!(verify(second, &late).await.err(), Some(Rejected::Unavailable));
    clock.advance(Duration::from_millis(1));
    assert_eq!(verify(second, &known).await.err(), Some(Rejected::Unavailable));
    let failed: Result<_, _> = second.create(second.generate(), &key_request("ann", 1)).await;
    assert!(matches!(failed.err(), Some(ApiKeyError::Unavailable(_))));
    store.is_down.store(false, Ordering::SeqCst);
    assert!(verify(second, &known).await.is_ok() && verify(second, &late).await.is_ok());
}

#[tokio::test]
async fn api_key_survives_a_clock_that_is_set_back() {
    let Instances { clock, first, .. } = &instances(ApiKeyBackend::memory());
    let issued = create(first, "ann", 3).await;
    clock.jump_to(START + 100 * HOUR);
    assert_eq!(verify(first, &issued).await.err(), Some(Rejected::Expired));
    clock.jump_to(START);
    assert!(verify(first, &issued).await.is_ok());
}

#[tokio::test]
async fn api_key_last_use_is_stored_later() {
    for backend in api_key_backends().await {
        let Instances { clock, first, .. } = &instances(backend);
        let issued = create(first, "ann", 3).await;
        clock.advance(HOUR);
        verify(first, &issued).await.expect("valid");
        let last_used = async || first.list(None).await.expect("up").keys[0].last_used_at;
        assert_eq!(last_used().await, None, "no call waits for it");
        first.close().await;
        assert_eq!(last_used().await, Some(START + HOUR));
    }
}

#[tokio::test]
async fn api_key_that_is_not_stored_is_invalid() {
    let Instances { first, .. } = &instances(ApiKeyBackend::memory());
    let generated: GeneratedApiKey = first.generate();
    let id = generated.id();
    drop(generated);
    assert_eq!(first.revoke(id).await, Err(ApiKeyError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn api_key_that_expired_long_ago_is_deleted_once_the_date_is_certain() {
    let Instances { clock, first, .. } = &instances(ApiKeyBackend::memory());
    let task = tokio::spawn(Arc::clone(first).run());
    create(first, "ann", 1).await;
    let left = async || first.list(None).await.expect("the store is up").keys.len();
    let pass = async |hours: u32| {
        for _ in 0..hours * 1_800 {
            clock.advance(Duration::from_secs(2));
            tokio::time::advance(Duration::from_secs(2)).await;
        }
    };
    pass(2).await;
    clock.jump_to(START + 92 * 24 * HOUR);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(left().await, 1, "a clock that jumps deletes nothing");
    pass(3).await;
    assert_eq!(left().await, 0);
    task.abort();
}
