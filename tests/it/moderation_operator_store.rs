//! The contract of [`OperatorStore`]: decisions, bans, lists and the audit log, on every backend.

use std::time::Duration;

use random_connect::kernel::id::UserId;
use random_connect::moderation::report::{Report, ReportKey, Verdict};
use random_connect::moderation::store::{
    AuditEntry, Ban, LIST_LIMIT, RECORD_TTL, Resolution, SCAN_LIMIT,
};

use crate::support::moderation_backends::{
    START, decision, history, listed, moderation_backends, report, test_user,
};

#[tokio::test]
async fn report_is_decided_once() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        store.report(report(1, 9)).await.expect("the store is up");
        let later = Report { at: START + Duration::from_secs(1), ..report(1, 8) };
        store.report(later.clone()).await.expect("the store is up");
        let open = async |skip| store.open_reports(skip).await.expect("the store is up");
        assert_eq!(open(0).await, [listed(report(1, 9)), listed(later.clone())]);
        assert_eq!(open(1).await, [listed(later.clone())]);
        let resolve = async |decision| {
            store.resolve(report(1, 9).key(), decision).await.expect("the store is up")
        };
        let first = decision(Verdict::Dismissed, 5);
        assert_eq!(resolve(first.clone()).await, Resolution::Resolved);
        assert_eq!(open(0).await, [listed(later)]);
        assert_eq!(history(store, 1).await.dismissed, 1);
        assert_eq!(
            resolve(decision(Verdict::Upheld, 6)).await,
            Resolution::AlreadyDecided(first.clone())
        );
        let reports = store.record(test_user(9)).await.expect("the store is up").reports;
        assert_eq!(reports, [Report { decision: Some(first), ..listed(report(1, 9)) }]);
        assert_eq!(history(store, 1).await.dismissed, 1);
        let key = ReportKey { reported: test_user(1), reporter: test_user(9) };
        let resolved = store.resolve(key, decision(Verdict::Upheld, 7)).await;
        assert_eq!(resolved.expect("the store is up"), Resolution::NotFound);
    }
}

#[tokio::test]
async fn report_concurrent_verdicts_first_one_wins() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        for reporter in 1..=50 {
            store.report(report(reporter, 99)).await.expect("the store is up");
            let resolve = |verdict| store.resolve(report(reporter, 99).key(), decision(verdict, 1));
            let (first, second) =
                tokio::join!(resolve(Verdict::Dismissed), resolve(Verdict::Upheld));
            let (first, second) =
                (first.expect("the store is up"), second.expect("the store is up"));
            let resolved = [&first, &second].map(|result| *result == Resolution::Resolved);
            assert!(resolved[0] != resolved[1], "{first:?} {second:?}");
            assert_eq!(history(store, reporter).await.dismissed == 1, resolved[0]);
        }
        store.check().await.expect("the store is up");
    }
}

#[tokio::test]
async fn open_reports_are_read_in_pages() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let key = |number: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            UserId::from_bytes(bytes)
        };
        for number in 0..=SCAN_LIMIT {
            let report = Report { reporter: key(number), evidence: None, ..report(0, 9) };
            store.report(report).await.expect("the store is up");
        }
        let page = async |skip| store.open_reports(skip).await.expect("the store is up");
        assert_eq!(page(0).await.len(), SCAN_LIMIT);
        let rest: Vec<_> = page(SCAN_LIMIT).await.iter().map(|report| report.reporter).collect();
        assert_eq!(rest, [key(SCAN_LIMIT)]);
        assert!(page(SCAN_LIMIT + 1).await.is_empty());
    }
}

#[tokio::test]
async fn ban_lasts_until_lifted_or_ended() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let record = async || store.record(test_user(9)).await.expect("the store is up");
        let later = START + Duration::from_secs(60);
        let limited = Ban { at: START, until: Some(later), reason: Some(vec![0, 255]) };
        let unlimited = Ban { at: later, until: None, reason: None };
        for ban in [limited, unlimited] {
            store.ban(test_user(9), ban.clone()).await.expect("the store is up");
            assert_eq!((record().await.ban, record().await.pardoned_at), (Some(ban), None));
        }
        store.unban(test_user(9), later).await.expect("the store is up");
        assert_eq!((record().await.ban, record().await.pardoned_at), (None, Some(later)));
    }
}

#[tokio::test]
async fn accused_users_have_a_ban_or_a_report() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        store.block(test_user(1), test_user(2), START).await.expect("the store is up");
        store.report(report(1, 5)).await.expect("the store is up");
        let ban = Ban { at: START, until: None, reason: None };
        for user in [3, 7] {
            store.ban(test_user(user), ban.clone()).await.expect("the store is up");
        }
        store.unban(test_user(7), START).await.expect("the store is up");
        let accused = async |after| store.accused_users(after).await.expect("the store is up");
        assert_eq!(accused(None).await, [test_user(3), test_user(5)]);
        assert_eq!(accused(Some(test_user(3))).await, [test_user(5)]);
        assert!(accused(Some(test_user(5))).await.is_empty());
    }
}

#[tokio::test]
async fn find_by_prefix_returns_matching_users() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        store.block(test_user(0x1a), test_user(0x1b), START).await.expect("the store is up");
        store.report(report(1, 0x2c)).await.expect("the store is up");
        let ban = Ban { at: START, until: None, reason: None };
        store.ban(test_user(0xff), ban).await.expect("the store is up");
        let find = async |prefix| store.find_by_prefix(prefix).await.expect("the store is up");
        assert_eq!(find("1").await, [test_user(0x1a), test_user(0x1b)]);
        assert_eq!(find("1b1b1b1b").await, [test_user(0x1b)]);
        assert_eq!([find("2c").await, find("ffff").await], [[test_user(0x2c)], [test_user(0xff)]]);
        assert!(find("0").await.is_empty(), "a user that only reports has no record");
    }
}

#[tokio::test]
async fn audit_log_is_append_only() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let entry = |n: usize| AuditEntry {
            at: START,
            by: "0a1b2c3d".to_owned(),
            action: format!("ban {n}"),
        };
        for n in 0..=LIST_LIMIT {
            store.append_audit(entry(n)).await.expect("the store is up");
        }
        store.purge(START + RECORD_TTL * 2).await.expect("the store is up");
        let entries = store.audit_log().await.expect("the store is up");
        assert_eq!(entries, (1..=LIST_LIMIT).map(entry).collect::<Vec<_>>());
    }
}
