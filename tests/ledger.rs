//! The behaviour that every backend of the ledger must have, written once against the trait.
//!
//! To run it on a new backend, add it to [`backends`].

use std::sync::Arc;

use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::safety::ledger::{EVIDENCE_FOR, Ledger, REMEMBERED_FOR, Report, Topic};
use random_connect::safety::store_memory::MemoryLedger;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// One of each kind, fresh and empty.
fn backends() -> Vec<Arc<dyn Ledger>> {
    vec![Arc::new(MemoryLedger::default())]
}

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn report(reporter: u8, person: u8) -> Report {
    Report {
        reporter: user(reporter),
        person: user(person),
        at: START,
        topic: Topic::Scam,
        weight: 60,
        verdict: None,
        evidence: Some(vec![0, 255, 7]),
    }
}

#[tokio::test]
async fn a_block_keeps_both_apart_and_nobody_else() {
    for ledger in backends() {
        for _ in 0..2 {
            ledger.block(user(1), user(2), START).await.expect("up");
        }
        ledger.block(user(3), user(1), START).await.expect("up");
        let apart = async |n| {
            let mut apart: Vec<_> =
                ledger.entry(user(n)).await.expect("up").apart.into_iter().collect();
            apart.sort_unstable();
            apart
        };
        assert_eq!(apart(1).await, [user(2), user(3)]);
        assert_eq!([apart(2).await, apart(3).await], [[user(1)], [user(1)]]);
        assert!(apart(4).await.is_empty());
    }
}

#[tokio::test]
async fn one_reporter_has_one_report_of_each_person() {
    for ledger in backends() {
        assert!(ledger.report(report(1, 9)).await.expect("up"));
        assert!(!ledger.report(report(1, 9)).await.expect("up"));
        assert!(ledger.report(report(2, 9)).await.expect("up"));
        assert!(ledger.report(report(1, 8)).await.expect("up"));
        let reports = ledger.entry(user(9)).await.expect("up").reports;
        let plain = |reporter| Report { evidence: None, ..report(reporter, 9) };
        assert_eq!(reports, [plain(1), plain(2)]);
        assert_eq!(ledger.dismissed(user(1)).await.expect("up"), 0);
    }
}

#[tokio::test]
async fn a_report_is_forgotten_after_a_year() {
    for ledger in backends() {
        ledger.report(report(1, 9)).await.expect("up");
        for (at, left) in [(EVIDENCE_FOR, 1), (REMEMBERED_FOR, 0)] {
            ledger.purge(START + at).await.expect("up");
            assert_eq!(ledger.entry(user(9)).await.expect("up").reports.len(), left);
        }
    }
}
