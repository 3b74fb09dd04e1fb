//! Operations at the same time.

use std::time::Duration;

use futures_util::future::join_all;
use random_connect::gateway::ledger::entry::CreditOutcome;
use random_connect::gateway::ledger::ids::RequestKey;
use random_connect::gateway::ledger::request::{Reservation, ReserveOutcome, SettleOutcome};

use super::backends::{
    LEASE, START, account, changed, hold, ledger_backends, micros, reservation, settlement, top_up,
};

#[tokio::test]
async fn gateway_ledger_concurrent_reservations_never_overspend() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        let calls = (1..=200).map(|number| backend.reserve(reservation(number, 7)));
        let outcomes = join_all(calls).await;
        let placed: Vec<_> = (1..)
            .zip(&outcomes)
            .filter(|(_, outcome)| matches!(outcome, ReserveOutcome::Reserved { .. }))
            .map(|(number, _)| number)
            .collect();
        assert_eq!(placed.len(), 14, "all that the balance covers");
        let refused = ReserveOutcome::Insufficient { needed: micros(7), available: micros(2) };
        let refusals = outcomes.iter().filter(|outcome| **outcome == refused).count();
        assert_eq!(refusals, 186);
        let settled = join_all(placed.iter().map(|n| backend.settle(settlement(*n, 9)))).await;
        let collected = settled.iter().map(|outcome| match outcome {
            SettleOutcome::Settled(settled) => settled.charged.as_micros(),
            other => panic!("{other:?}"),
        });
        assert_eq!(collected.sum::<i64>(), 100);
        assert_eq!(backend.amounts().await, (0, 0));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_concurrent_requests_with_one_key_place_one_hold() {
    for backend in ledger_backends().await {
        let call = |number| {
            let key = RequestKey::of("one");
            let start_credits = micros(100);
            backend.reserve(Reservation { key, start_credits, ..reservation(number, 7) })
        };
        let outcomes = join_all((1..=32).map(call)).await;
        let is_placed =
            |outcome: &&ReserveOutcome| matches!(outcome, ReserveOutcome::Reserved { .. });
        assert_eq!(outcomes.iter().filter(is_placed).count(), 1);
        let running =
            |outcome: &&ReserveOutcome| matches!(outcome, ReserveOutcome::InProgress { .. });
        assert_eq!(outcomes.iter().filter(running).count(), 31);
        assert_eq!(backend.amounts().await, (100, 7));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_concurrent_settlements_charge_once() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        backend.reserve(reservation(1, 50)).await;
        let calls = (1..=32).map(|charge| backend.settle(settlement(1, charge)));
        let outcomes = join_all(calls).await;
        let first = |outcome: &&SettleOutcome| matches!(outcome, SettleOutcome::Settled(_));
        assert_eq!(outcomes.iter().filter(first).count(), 1);
        let charges: Vec<_> = outcomes
            .iter()
            .map(|outcome| match outcome {
                SettleOutcome::Settled(settled) | SettleOutcome::AlreadySettled(settled) => {
                    settled.charged.as_micros()
                }
                SettleOutcome::Unknown => panic!("an unknown hold"),
            })
            .collect();
        assert!(charges.iter().all(|charge| *charge == charges[0]), "{charges:?}");
        assert_eq!(backend.amounts().await, (100 - charges[0], 0));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_concurrent_credits_with_one_key_count_once() {
    for backend in ledger_backends().await {
        let outcomes = join_all((0..32).map(|_| backend.credit(top_up("a", 10)))).await;
        assert!(outcomes.iter().all(|outcome| *outcome == changed(10, 0)), "{outcomes:?}");
        let keys: Vec<_> = (0..32).map(|number| number.to_string()).collect();
        let outcomes = join_all(keys.iter().map(|key| backend.credit(top_up(key, -1)))).await;
        let made = |outcome: &&CreditOutcome| matches!(outcome, CreditOutcome::Changed { .. });
        assert_eq!(outcomes.iter().filter(made).count(), 10);
        assert_eq!(backend.amounts().await, (0, 0));
        backend.assert_balanced().await;
    }
}

/// Requests of several users, which others settle, renew and recover at the same time.
#[tokio::test]
async fn gateway_ledger_concurrent_operations_of_all_kinds_stay_balanced() {
    for backend in ledger_backends().await {
        let request = async |number: u32| {
            let user = account(u8::try_from(number % 4).expect("small"));
            let reservation = Reservation {
                account: user,
                start_credits: micros(400),
                least: micros(1),
                ..reservation(number, 20)
            };
            backend.reserve(reservation).await;
            let charges = vec![(hold(number), micros(5)), (hold(number / 2), micros(6))];
            backend.store.checkpoint(charges).await.expect("the store is up");
            backend.settle(settlement(number, i64::from(number % 30))).await;
        };
        let recover = async |_| {
            let now = START + LEASE + Duration::from_secs(1);
            backend.store.recover(now, 5).await.expect("the store is up");
        };
        let requests = join_all((1..=100).map(request));
        let recoveries = join_all((0..20).map(recover));
        futures_util::future::join(requests, recoveries).await;
        let open = backend.store.open_holds().await.expect("the store is up");
        assert_eq!(open.count, 0);
        backend.assert_balanced().await;
    }
}
