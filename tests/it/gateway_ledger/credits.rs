//! Changes of credit, entries and the audit.

use random_connect::gateway::ledger::entry::{
    ContraAccount, CreditChange, CreditKind, CreditOutcome, ENTRY_PAGE_LIMIT, EntryKind,
    LedgerEntry,
};
use random_connect::gateway::ledger::ids::RequestKey;
use random_connect::gateway::money::MicroCredits;

use super::backends::{
    START, account, changed, hold, ledger_backends, micros, reservation, settlement, top_up,
};

#[tokio::test]
async fn gateway_ledger_credit_is_idempotent_per_key() {
    for backend in ledger_backends().await {
        assert_eq!(backend.credit(top_up("a", 100)).await, changed(100, 0));
        assert_eq!(backend.credit(top_up("b", 7)).await, changed(107, 0));
        backend.reserve(reservation(1, 5)).await;
        assert_eq!(backend.credit(top_up("a", 100)).await, changed(107, 5));
        for other in
            [top_up("a", 101), CreditChange { kind: CreditKind::Refund, ..top_up("a", 100) }]
        {
            assert_eq!(backend.credit(other).await, CreditOutcome::KeyReused);
        }
        let other_user = CreditChange { account: account(2), ..top_up("a", 100) };
        assert_eq!(backend.credit(other_user).await, changed(100, 0));
        assert_eq!(backend.amounts().await, (107, 5));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_credit_stays_between_the_holds_and_the_maximum() {
    for backend in ledger_backends().await {
        let with_start =
            |key, amount| CreditChange { start_credits: micros(50), ..top_up(key, amount) };
        let below = |balance, held| CreditOutcome::BelowHeld {
            balance: micros(balance),
            held: micros(held),
        };
        assert_eq!(backend.credit(with_start("a", -51)).await, below(50, 0));
        assert_eq!(backend.amounts().await, (0, 0), "a refusal opens no account");
        assert_eq!(backend.credit(with_start("a", -20)).await, changed(30, 0));
        backend.reserve(reservation(1, 10)).await;
        assert_eq!(backend.credit(top_up("b", -21)).await, below(30, 10));
        assert_eq!(backend.credit(top_up("b", -20)).await, changed(10, 10));
        let most = MicroCredits::MAX.as_micros();
        for amount in [most - 9, most] {
            let refused = CreditOutcome::TooLarge { balance: micros(10) };
            assert_eq!(backend.credit(top_up("c", amount)).await, refused);
        }
        assert_eq!(backend.credit(top_up("c", most - 10)).await, changed(most, 10));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_entries_are_numbered_and_show_the_balance() {
    for backend in ledger_backends().await {
        backend.credit(CreditChange { start_credits: micros(5), ..top_up("a", 100) }).await;
        backend.reserve(reservation(1, 30)).await;
        backend.settle(settlement(1, 20)).await;
        let refund = CreditChange {
            kind: CreditKind::Refund,
            reason: None,
            operator: None,
            ..top_up("b", 20)
        };
        backend.credit(refund).await;
        let entry = |number, amount, balance, kind| LedgerEntry {
            number,
            amount: micros(amount),
            balance: micros(balance),
            kind,
            hold: None,
            reason: None,
            operator: None,
            at: START,
        };
        let expected = [
            entry(4, 20, 105, EntryKind::Refund),
            LedgerEntry {
                hold: Some(hold(1)),
                at: settlement(1, 20).now,
                ..entry(3, -20, 85, EntryKind::Charge)
            },
            LedgerEntry {
                reason: Some("paid".to_owned()),
                operator: Some("0a1b2c3d".to_owned()),
                ..entry(2, 100, 105, EntryKind::TopUp)
            },
            entry(1, 5, 5, EntryKind::Start),
        ];
        let entries = async |before| {
            backend.store.entries(account(1), before).await.expect("the store is up")
        };
        assert_eq!(entries(None).await, expected);
        assert_eq!(entries(Some(3)).await, expected[2..]);
        assert_eq!(entries(Some(1)).await, []);
        let audit = backend.store.audit().await.expect("the store is up");
        let contra = [
            (ContraAccount::Revenue, micros(0)),
            (ContraAccount::Payments, micros(-100)),
            (ContraAccount::Grants, micros(-5)),
        ];
        assert_eq!((audit.accounts, audit.balances), (1, micros(105)));
        assert_eq!(audit.contra, contra);
        assert!(audit.is_balanced());
    }
}

#[tokio::test]
async fn gateway_ledger_entries_come_in_pages() {
    for backend in ledger_backends().await {
        let count = u32::try_from(ENTRY_PAGE_LIMIT).expect("small") + 5;
        for number in 0..count {
            let key = RequestKey::of(&number.to_string());
            backend.credit(CreditChange { key, ..top_up("", 1) }).await;
        }
        let first = backend.store.entries(account(1), None).await.expect("the store is up");
        let last = first.last().expect("an entry").number;
        let rest = backend.store.entries(account(1), Some(last)).await.expect("the store is up");
        let numbers: Vec<_> = first.iter().chain(&rest).map(|entry| entry.number).collect();
        assert_eq!(numbers, (1..=u64::from(count)).rev().collect::<Vec<_>>());
        assert_eq!(first.len(), ENTRY_PAGE_LIMIT);
    }
}
