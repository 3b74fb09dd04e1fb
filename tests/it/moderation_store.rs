//! The contract of [`ModerationStore`]: behavior that every backend must have, written once against
//! the trait.
//!
//! To run it on a new backend, add it to [`backends`].

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::moderation::rating::Rating;
use random_connect::moderation::report::{EVIDENCE_TTL, Report, ReportTopic, Verdict};
use random_connect::moderation::store::{
    AuditEntry, LIST_LIMIT, ModerationStore, NoticeState, RECORD_TTL,
};
use random_connect::moderation::store_memory::MemoryModerationStore;
use random_connect::moderation::store_redis::RedisModerationStore;
use random_connect::moderation::store_sql::SqlModerationStore;

use crate::support::backends::memory_only;
use crate::support::redis_server::RedisServer;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A new, empty store, with the server or folder that it needs.
struct ModerationBackend {
    store: Arc<dyn ModerationStore>,
    _server: Option<RedisServer>,
    _folder: Option<TempDir>,
}

/// A temporary folder. Dropping it removes the folder.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("moderation-store-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    /// The path of the database.
    fn file(&self) -> PathBuf {
        self.0.join("state.db")
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Creates one store of each kind.
fn backends() -> Vec<ModerationBackend> {
    let memory = ModerationBackend {
        store: Arc::new(MemoryModerationStore::default()),
        _server: None,
        _folder: None,
    };
    if memory_only() {
        return vec![memory];
    }
    let server = RedisServer::start(&[]);
    let redis = RedisModerationStore::new(&server.url()).expect("a valid URL");
    let folder = TempDir::new();
    let sql = SqlModerationStore::new(&folder.file());
    vec![
        memory,
        ModerationBackend { store: Arc::new(redis), _server: Some(server), _folder: None },
        ModerationBackend { store: Arc::new(sql), _server: None, _folder: Some(folder) },
    ]
}

/// Returns the id of test user `n`.
fn test_user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// Returns an open report, filed at [`START`].
fn report(reporter: u8, reported: u8) -> Report {
    Report {
        reporter: test_user(reporter),
        reported: test_user(reported),
        at: START,
        topic: ReportTopic::Scam,
        weight: 60,
        verdict: None,
        evidence: Some(vec![0, 255, 7]),
    }
}

#[tokio::test]
async fn block_applies_to_both_and_no_one_else() {
    for backend in backends() {
        let store = &backend.store;
        for _ in 0..2 {
            store.block(test_user(1), test_user(2), START).await.expect("the store is up");
        }
        store.block(test_user(3), test_user(1), START).await.expect("the store is up");
        let blocked = async |n| {
            let mut blocked: Vec<_> = store
                .record(test_user(n))
                .await
                .expect("the store is up")
                .blocked
                .into_iter()
                .collect();
            blocked.sort_unstable();
            blocked
        };
        assert_eq!(blocked(1).await, [test_user(2), test_user(3)]);
        assert_eq!([blocked(2).await, blocked(3).await], [[test_user(1)], [test_user(1)]]);
        assert!(blocked(4).await.is_empty());
    }
}

#[tokio::test]
async fn report_is_unique_per_reporter_and_person() {
    for backend in backends() {
        let store = &backend.store;
        assert!(store.report(report(1, 9)).await.expect("the store is up"));
        assert!(!store.report(report(1, 9)).await.expect("the store is up"));
        assert!(store.report(report(2, 9)).await.expect("the store is up"));
        assert!(store.report(report(1, 8)).await.expect("the store is up"));
        let reports = store.record(test_user(9)).await.expect("the store is up").reports;
        let without_evidence = |reporter| Report { evidence: None, ..report(reporter, 9) };
        assert_eq!(reports, [without_evidence(1), without_evidence(2)]);
        assert_eq!(store.dismissed_count(test_user(1)).await.expect("the store is up"), 0);
    }
}

#[tokio::test]
async fn report_evidence_expires_before_the_report() {
    for backend in backends() {
        let store = &backend.store;
        store.report(report(1, 9)).await.expect("the store is up");
        assert_eq!(store.open_reports().await.expect("the store is up"), [report(1, 9)]);
        let moment = Duration::from_millis(1);
        for (age, has_evidence, count) in [
            (EVIDENCE_TTL.saturating_sub(moment), true, 1),
            (EVIDENCE_TTL, false, 1),
            (RECORD_TTL.saturating_sub(moment), false, 1),
            (RECORD_TTL, false, 0),
        ] {
            store.purge(START + age).await.expect("the store is up");
            let open = store.open_reports().await.expect("the store is up");
            assert_eq!(
                store.record(test_user(9)).await.expect("the store is up").reports.len(),
                count
            );
            assert_eq!(open.len(), count);
            assert_eq!(open.iter().any(|report| report.evidence.is_some()), has_evidence);
        }
    }
}

#[tokio::test]
async fn report_verdict_closes_it_and_can_be_changed() {
    for backend in backends() {
        let store = &backend.store;
        store.report(report(1, 9)).await.expect("the store is up");
        let later = Report { at: START + Duration::from_secs(1), ..report(1, 8) };
        store.report(later.clone()).await.expect("the store is up");
        assert_eq!(
            store.open_reports().await.expect("the store is up"),
            [report(1, 9), later.clone()]
        );
        let resolve = |verdict| store.resolve(test_user(9), test_user(1), verdict);
        assert!(resolve(Verdict::Dismissed).await.expect("the store is up"));
        assert_eq!(store.open_reports().await.expect("the store is up"), [later]);
        assert_eq!(store.dismissed_count(test_user(1)).await.expect("the store is up"), 1);
        let reports = store.record(test_user(9)).await.expect("the store is up").reports;
        assert_eq!(reports[0].verdict, Some(Verdict::Dismissed));
        assert!(resolve(Verdict::Upheld).await.expect("the store is up"));
        assert_eq!(store.dismissed_count(test_user(1)).await.expect("the store is up"), 0);
        let resolved = store
            .resolve(test_user(1), test_user(9), Verdict::Upheld)
            .await
            .expect("the store is up");
        assert!(!resolved, "there is no such report");
    }
}

#[tokio::test]
async fn report_concurrent_verdicts_last_one_wins() {
    for backend in backends() {
        let store = &backend.store;
        store.report(report(1, 9)).await.expect("the store is up");
        for _ in 0..50 {
            let resolve = |verdict| store.resolve(test_user(9), test_user(1), verdict);
            let (first, second) =
                tokio::join!(resolve(Verdict::Dismissed), resolve(Verdict::Upheld));
            assert!(first.expect("the store is up") && second.expect("the store is up"));
            let verdict =
                store.record(test_user(9)).await.expect("the store is up").reports[0].verdict;
            let dismissed = store.dismissed_count(test_user(1)).await.expect("the store is up");
            assert_eq!(dismissed == 1, verdict == Some(Verdict::Dismissed));
        }
        store.check().await.expect("the store is up");
    }
}

#[tokio::test]
async fn ban_lasts_until_lifted() {
    for backend in backends() {
        let store = &backend.store;
        let record = async || store.record(test_user(9)).await.expect("the store is up");
        store.ban(test_user(9), START).await.expect("the store is up");
        assert_eq!((record().await.banned_at, record().await.pardoned_at), (Some(START), None));
        let later = START + Duration::from_secs(60);
        store.unban(test_user(9), later).await.expect("the store is up");
        assert_eq!((record().await.banned_at, record().await.pardoned_at), (None, Some(later)));
    }
}

#[tokio::test]
async fn find_by_prefix_returns_matching_users() {
    for backend in backends() {
        let store = &backend.store;
        store.block(test_user(0x1a), test_user(0x1b), START).await.expect("the store is up");
        store.report(report(1, 0x2c)).await.expect("the store is up");
        store.ban(test_user(0xff), START).await.expect("the store is up");
        let find = async |prefix| store.find_by_prefix(prefix).await.expect("the store is up");
        assert_eq!(find("1").await, [test_user(0x1a), test_user(0x1b)]);
        assert_eq!(find("1b1b1b1b").await, [test_user(0x1b)]);
        assert_eq!([find("2c").await, find("ffff").await], [[test_user(0x2c)], [test_user(0xff)]]);
        assert!(find("0").await.is_empty(), "a user that only reports has no record");
    }
}

#[tokio::test]
async fn notice_acceptance_is_permanent() {
    for backend in backends() {
        let store = &backend.store;
        let notice = async || store.record(test_user(1)).await.expect("the store is up").notice;
        assert_eq!(notice().await, None);
        for (recorded, stored) in [
            (NoticeState::Shown, NoticeState::Shown),
            (NoticeState::Accepted, NoticeState::Accepted),
            (NoticeState::Shown, NoticeState::Accepted),
        ] {
            store.record_notice(test_user(1), recorded, START).await.expect("the store is up");
            assert_eq!(notice().await, Some(stored));
        }
        assert_eq!(store.record(test_user(2)).await.expect("the store is up").notice, None);
    }
}

#[tokio::test]
async fn rating_newest_per_rater_wins() {
    for backend in backends() {
        let store = &backend.store;
        let rating = |secs, good| Rating { at: START + Duration::from_secs(secs), good };
        for (rater, vote) in [(1, rating(0, true)), (2, rating(1, true)), (1, rating(2, false))] {
            store.rate(test_user(rater), test_user(9), vote).await.expect("the store is up");
        }
        let mut ratings = store.record(test_user(9)).await.expect("the store is up").ratings;
        ratings.sort_unstable_by_key(|rating| rating.at);
        assert_eq!(ratings, [rating(1, true), rating(2, false)]);
        assert!(store.record(test_user(1)).await.expect("the store is up").ratings.is_empty());
    }
}

#[tokio::test]
async fn audit_log_is_append_only() {
    for backend in backends() {
        let store = &backend.store;
        let entry = |n: usize| AuditEntry { at: START, action: format!("ban {n}") };
        for n in 0..=LIST_LIMIT {
            store.append_audit(entry(n)).await.expect("the store is up");
        }
        store.purge(START + RECORD_TTL * 2).await.expect("the store is up");
        let entries = store.audit_log().await.expect("the store is up");
        assert_eq!(entries, (1..=LIST_LIMIT).map(entry).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn moderation_store_sqlite_survives_a_restart() {
    let folder = TempDir::new();
    SqlModerationStore::new(&folder.file())
        .block(test_user(1), test_user(2), START)
        .await
        .expect("the store is up");
    let record = SqlModerationStore::new(&folder.file())
        .record(test_user(2))
        .await
        .expect("the store is up");
    assert!(record.blocked.contains(&test_user(1)));
    let invalid = folder.file().join("below a file");
    assert!(SqlModerationStore::new(&invalid).record(test_user(1)).await.is_err());
    assert!(SqlModerationStore::new(&invalid).check().await.is_err());
}
