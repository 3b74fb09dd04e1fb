//! The behaviour that every backend of the ledger must have, written once against the trait.
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

use crate::support::redis_server::RedisServer;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A fresh, empty ledger, and what it needs to live.
struct ModerationBackend {
    ledger: Arc<dyn ModerationStore>,
    _server: Option<RedisServer>,
    _folder: Option<TempDir>,
}

/// A folder that goes with what is in it.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ledger-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.db")
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One of each kind.
fn backends() -> Vec<ModerationBackend> {
    let server = RedisServer::start(&[]);
    let redis = RedisModerationStore::new(&server.url()).expect("an address");
    let folder = TempDir::new();
    let sql = SqlModerationStore::new(&folder.file());
    vec![
        ModerationBackend {
            ledger: Arc::new(MemoryModerationStore::default()),
            _server: None,
            _folder: None,
        },
        ModerationBackend { ledger: Arc::new(redis), _server: Some(server), _folder: None },
        ModerationBackend { ledger: Arc::new(sql), _server: None, _folder: Some(folder) },
    ]
}

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn report(reporter: u8, person: u8) -> Report {
    Report {
        reporter: user(reporter),
        reported: user(person),
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
        let ledger = &backend.ledger;
        for _ in 0..2 {
            ledger.block(user(1), user(2), START).await.expect("up");
        }
        ledger.block(user(3), user(1), START).await.expect("up");
        let apart = async |n| {
            let mut apart: Vec<_> =
                ledger.record(user(n)).await.expect("up").blocked.into_iter().collect();
            apart.sort_unstable();
            apart
        };
        assert_eq!(apart(1).await, [user(2), user(3)]);
        assert_eq!([apart(2).await, apart(3).await], [[user(1)], [user(1)]]);
        assert!(apart(4).await.is_empty());
    }
}

#[tokio::test]
async fn report_is_unique_per_reporter_and_person() {
    for backend in backends() {
        let ledger = &backend.ledger;
        assert!(ledger.report(report(1, 9)).await.expect("up"));
        assert!(!ledger.report(report(1, 9)).await.expect("up"));
        assert!(ledger.report(report(2, 9)).await.expect("up"));
        assert!(ledger.report(report(1, 8)).await.expect("up"));
        let reports = ledger.record(user(9)).await.expect("up").reports;
        let plain = |reporter| Report { evidence: None, ..report(reporter, 9) };
        assert_eq!(reports, [plain(1), plain(2)]);
        assert_eq!(ledger.dismissed_count(user(1)).await.expect("up"), 0);
    }
}

#[tokio::test]
async fn report_evidence_expires_before_the_report() {
    for backend in backends() {
        let ledger = &backend.ledger;
        ledger.report(report(1, 9)).await.expect("up");
        assert_eq!(ledger.open_reports().await.expect("up"), [report(1, 9)]);
        let moment = Duration::from_millis(1);
        for (at, evidence, left) in [
            (EVIDENCE_TTL.saturating_sub(moment), true, 1),
            (EVIDENCE_TTL, false, 1),
            (RECORD_TTL.saturating_sub(moment), false, 1),
            (RECORD_TTL, false, 0),
        ] {
            ledger.purge(START + at).await.expect("up");
            let open = ledger.open_reports().await.expect("up");
            assert_eq!(ledger.record(user(9)).await.expect("up").reports.len(), left);
            assert_eq!(open.len(), left);
            assert_eq!(open.iter().any(|report| report.evidence.is_some()), evidence);
        }
    }
}

#[tokio::test]
async fn report_verdict_closes_it_and_can_be_changed() {
    for backend in backends() {
        let ledger = &backend.ledger;
        ledger.report(report(1, 9)).await.expect("up");
        let later = Report { at: START + Duration::from_secs(1), ..report(1, 8) };
        ledger.report(later.clone()).await.expect("up");
        assert_eq!(ledger.open_reports().await.expect("up"), [report(1, 9), later.clone()]);
        let resolve = |verdict| ledger.resolve(user(9), user(1), verdict);
        assert!(resolve(Verdict::Dismissed).await.expect("up"));
        assert_eq!(ledger.open_reports().await.expect("up"), [later]);
        assert_eq!(ledger.dismissed_count(user(1)).await.expect("up"), 1);
        let reports = ledger.record(user(9)).await.expect("up").reports;
        assert_eq!(reports[0].verdict, Some(Verdict::Dismissed));
        assert!(resolve(Verdict::Upheld).await.expect("up"));
        assert_eq!(ledger.dismissed_count(user(1)).await.expect("up"), 0);
        let none = ledger.resolve(user(1), user(9), Verdict::Upheld).await.expect("up");
        assert!(!none, "there is no such report");
    }
}

#[tokio::test]
async fn report_concurrent_verdicts_last_one_wins() {
    for backend in backends() {
        let ledger = &backend.ledger;
        ledger.report(report(1, 9)).await.expect("up");
        for _ in 0..50 {
            let resolve = |verdict| ledger.resolve(user(9), user(1), verdict);
            let (one, other) = tokio::join!(resolve(Verdict::Dismissed), resolve(Verdict::Upheld));
            assert!(one.expect("up") && other.expect("up"));
            let verdict = ledger.record(user(9)).await.expect("up").reports[0].verdict;
            let dismissed = ledger.dismissed_count(user(1)).await.expect("up");
            assert_eq!(dismissed == 1, verdict == Some(Verdict::Dismissed));
        }
        ledger.check().await.expect("up");
    }
}

#[tokio::test]
async fn ban_lasts_until_lifted() {
    for backend in backends() {
        let ledger = &backend.ledger;
        let entry = async || ledger.record(user(9)).await.expect("up");
        ledger.ban(user(9), START).await.expect("up");
        assert_eq!((entry().await.banned_at, entry().await.pardoned_at), (Some(START), None));
        let later = START + Duration::from_secs(60);
        ledger.unban(user(9), later).await.expect("up");
        assert_eq!((entry().await.banned_at, entry().await.pardoned_at), (None, Some(later)));
    }
}

#[tokio::test]
async fn find_by_prefix_returns_matching_users() {
    for backend in backends() {
        let ledger = &backend.ledger;
        ledger.block(user(0x1a), user(0x1b), START).await.expect("up");
        ledger.report(report(1, 0x2c)).await.expect("up");
        ledger.ban(user(0xff), START).await.expect("up");
        let find = async |prefix| ledger.find_by_prefix(prefix).await.expect("up");
        assert_eq!(find("1").await, [user(0x1a), user(0x1b)]);
        assert_eq!(find("1b1b1b1b").await, [user(0x1b)]);
        assert_eq!([find("2c").await, find("ffff").await], [[user(0x2c)], [user(0xff)]]);
        assert!(find("0").await.is_empty(), "of whoever only reports nothing is kept");
    }
}

#[tokio::test]
async fn notice_acceptance_is_permanent() {
    for backend in backends() {
        let ledger = &backend.ledger;
        let consent = async || ledger.record(user(1)).await.expect("up").notice;
        assert_eq!(consent().await, None);
        for (said, kept) in [
            (NoticeState::Shown, NoticeState::Shown),
            (NoticeState::Accepted, NoticeState::Accepted),
            (NoticeState::Shown, NoticeState::Accepted),
        ] {
            ledger.record_notice(user(1), said, START).await.expect("up");
            assert_eq!(consent().await, Some(kept));
        }
        assert_eq!(ledger.record(user(2)).await.expect("up").notice, None);
    }
}

#[tokio::test]
async fn rating_newest_per_rater_wins() {
    for backend in backends() {
        let ledger = &backend.ledger;
        let rating = |secs, good| Rating { at: START + Duration::from_secs(secs), good };
        for (rater, one) in [(1, rating(0, true)), (2, rating(1, true)), (1, rating(2, false))] {
            ledger.rate(user(rater), user(9), one).await.expect("up");
        }
        let mut ratings = ledger.record(user(9)).await.expect("up").ratings;
        ratings.sort_unstable_by_key(|rating| rating.at);
        assert_eq!(ratings, [rating(1, true), rating(2, false)]);
        assert!(ledger.record(user(1)).await.expect("up").ratings.is_empty());
    }
}

#[tokio::test]
async fn audit_log_is_append_only() {
    for backend in backends() {
        let ledger = &backend.ledger;
        let note = |n: usize| AuditEntry { at: START, action: format!("ban {n}") };
        for n in 0..=LIST_LIMIT {
            ledger.append_audit(note(n)).await.expect("up");
        }
        ledger.purge(START + RECORD_TTL * 2).await.expect("up");
        let logged = ledger.audit_log().await.expect("up");
        assert_eq!(logged, (1..=LIST_LIMIT).map(note).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn moderation_store_sqlite_survives_a_restart() {
    let folder = TempDir::new();
    SqlModerationStore::new(&folder.file()).block(user(1), user(2), START).await.expect("up");
    let entry = SqlModerationStore::new(&folder.file()).record(user(2)).await.expect("up");
    assert!(entry.blocked.contains(&user(1)));
    let nowhere = folder.file().join("below a file");
    assert!(SqlModerationStore::new(&nowhere).record(user(1)).await.is_err());
    assert!(SqlModerationStore::new(&nowhere).check().await.is_err());
}
