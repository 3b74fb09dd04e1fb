//! Holds whose node has ended, and calls whose answer was lost.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use random_connect::gateway::ledger::request::{
    Reservation, ReserveOutcome, SettleOutcome, SettledRequest,
};
use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::ledger::store_sqlite::SqliteGatewayLedger;
use random_connect::gateway::ledger::usage::{GatewayUsage, UsageFilter, UsageStatus};
use random_connect::gateway::migrations::MIGRATIONS;
use random_connect::gateway::money::MicroCredits;

use super::backends::{
    LEASE, LedgerBackend, START, account, done, hold, ledger_backends, micros, node, reservation,
    reserved, settlement, top_up,
};

use crate::support::temp_database::TempDatabase;

async fn recovered(backend: &LedgerBackend, after: Duration, limit: usize) -> Vec<(u32, i64)> {
    let recovered = backend.store.recover(START + after, limit).await.expect("the store is up");
    let number = |bytes: &[u8; 16]| u128::from_be_bytes(*bytes).try_into().expect("small");
    let charge = |settled: SettledRequest| settled.charged.as_micros();
    recovered.iter().map(|r| (number(r.hold.as_bytes()), charge(r.settled))).collect()
}

#[tokio::test]
async fn gateway_ledger_recovers_a_hold_with_its_checkpoint_after_the_lease() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        for number in [1, 2, 3] {
            backend.reserve(reservation(number, 20)).await;
        }
        backend.settle(settlement(3, 5)).await;
        let charges = [(1, 9), (1, 8), (3, 7), (9, 7)];
        let charges = charges.map(|(number, charge)| (hold(number), micros(charge)));
        for charge in charges {
            backend.store.checkpoint(vec![charge]).await.expect("the store is up");
        }
        let moment = Duration::from_millis(1);
        assert_eq!(recovered(&backend, LEASE.saturating_sub(moment), 9).await, []);
        assert_eq!(recovered(&backend, LEASE, 9).await, [(1, 8), (2, 0)]);
        assert_eq!(recovered(&backend, LEASE, 9).await, []);
        assert_eq!(backend.amounts().await, (87, 0));
        // The node was only slow: its settlement comes too late.
        let late = backend.settle(settlement(1, 20)).await;
        let settled = SettledRequest { status: UsageStatus::Recovered, ..done(8, 0, 87, 0) };
        assert_eq!(late, SettleOutcome::AlreadySettled(settled));
        let page = backend.store.usage(UsageFilter::default(), None, 9).await;
        let row = page.expect("the store is up").rows.remove(1);
        assert_eq!(row.usage, GatewayUsage::recovered("openai".to_owned(), 60_000));
        assert_eq!((row.charged, row.at, row.hold), (micros(8), START + LEASE, hold(1)));
        // What was charged is not repeated; what was not runs again.
        let again = |number| Reservation { hold: hold(number + 10), ..reservation(number, 20) };
        let outcome = backend.reserve(again(1)).await;
        let ReserveOutcome::Answered(answered) = outcome else { panic!("{outcome:?}") };
        assert_eq!((answered.usage.hold, answered.result), (hold(1), None));
        assert_eq!(backend.reserve(again(2)).await, reserved(20, 87, 20));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_renewal_extends_the_leases_of_a_node() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        backend.reserve(reservation(1, 10)).await;
        backend.reserve(Reservation { node: node(2), ..reservation(2, 10) }).await;
        for until in [3 * LEASE, 2 * LEASE] {
            backend.store.renew(node(1), START + until).await.expect("the store is up");
        }
        // A hold of the future has its lease, although that of the node is shorter.
        let late = Reservation { lease_until: START + 5 * LEASE, ..reservation(3, 10) };
        backend.reserve(late).await;
        assert_eq!(recovered(&backend, 2 * LEASE, 9).await, [(2, 0)]);
        assert_eq!(recovered(&backend, 3 * LEASE, 9).await, [(1, 0)]);
        assert_eq!(recovered(&backend, 4 * LEASE, 9).await, []);
        assert_eq!(backend.amounts().await, (100, 10));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_recovery_is_limited_and_settles_each_hold_once() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 1_000)).await;
        let charges: Vec<_> = (1..=40).map(|number| (hold(number), micros(3))).collect();
        for number in 1..=40 {
            backend.reserve(reservation(number, 10)).await;
        }
        backend.store.checkpoint(charges).await.expect("the store is up");
        assert_eq!(recovered(&backend, LEASE, 2).await, [(1, 3), (2, 3)]);
        let all = join_all((0..4).map(|_| recovered(&backend, LEASE, 100))).await;
        let mut all: Vec<_> = all.into_iter().flatten().map(|(number, _)| number).collect();
        // A hold that another recovery had locked may be left.
        all.extend(recovered(&backend, LEASE, 100).await.into_iter().map(|(number, _)| number));
        all.sort_unstable();
        assert_eq!(all, (3..=40).collect::<Vec<_>>());
        assert_eq!(backend.amounts().await, (880, 0));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_calls_that_are_dropped_can_be_repeated() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 1_000)).await;
        for number in 1..=20 {
            // The call is sent, and its answer is lost: whether it takes effect is unknown.
            let lost = backend.store.reserve(reservation(number, 10));
            lost.now_or_never();
            let outcome = backend.reserve(reservation(number, 10)).await;
            let ReserveOutcome::Reserved { amount, held, .. } = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!((amount, held), (micros(10), micros(10)));
            backend.store.settle(settlement(number, 4)).now_or_never();
            let outcome = backend.settle(settlement(number, 4)).await;
            let (SettleOutcome::Settled(settled) | SettleOutcome::AlreadySettled(settled)) =
                outcome
            else {
                panic!("{outcome:?}")
            };
            let balance = 1_000 - 4 * i64::from(number);
            assert_eq!(settled, done(4, 0, balance, 0));
        }
        let amounts = backend.store.balance(account(1), MicroCredits::ZERO).await;
        assert_eq!(amounts.expect("the store is up").balance, micros(920));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_in_sqlite_ends_the_leases_of_processes_that_have_ended() {
    let folder = TempDatabase::new();
    let database = folder.sqlite().await;
    database.migrate(&MIGRATIONS).await.expect("tables");
    let alone = SqliteGatewayLedger::new(database);
    let beside = SqliteGatewayLedger::new(folder.sqlite().await);
    alone.credit(top_up("a", 100)).await.expect("the store is up");
    alone.reserve(reservation(1, 20)).await.expect("the store is up");
    let moment = START + Duration::from_millis(1);
    let recovered = async || {
        let recovered = alone.recover(moment, 9).await.expect("the store is up");
        recovered.iter().map(|recovered| recovered.hold).collect::<Vec<_>>()
    };
    beside.end_leases(moment).await.expect("the store is up");
    assert_eq!(recovered().await, [], "the other process may live");
    alone.end_leases(START).await.expect("the store is up");
    assert_eq!(recovered().await, [], "the hold is of this process");
    alone.renew(node(1), START + LEASE).await.expect("the store is up");
    alone.end_leases(moment).await.expect("the store is up");
    assert_eq!(recovered().await, [hold(1)]);
}
