//! Accounts whose balance belongs to a credit service, and the queue of its deductions.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::gateway::ledger::deduction::{DueTotals, ServiceAccount, ServiceCredit};
use random_connect::gateway::ledger::entry::EntryKind;
use random_connect::gateway::ledger::request::{Reservation, ReserveOutcome, SettleOutcome};

use super::backends::{
    LEASE, LedgerBackend, START, account, hold, ledger_backends, micros, node, reservation,
    reserved, settlement,
};

const SECOND: Duration = Duration::from_secs(1);

/// A reservation after the service has answered `balance`.
fn paid(number: u32, amount: i64, balance: i64, deducted_before: i64) -> Reservation {
    let service = Some(ServiceCredit {
        balance: micros(balance),
        deducted_before: micros(deducted_before),
        payer: vec![7, 0, 255],
    });
    Reservation { service, ..reservation(number, amount) }
}

/// The holds and amounts of the deductions that are taken `after` the start, for a second.
async fn taken(backend: &LedgerBackend, after: Duration, limit: usize) -> Vec<(u32, i64)> {
    let now = START + after;
    let taken = backend.store.take_deductions(now, now + SECOND, limit).await;
    let taken = taken.expect("the store is up");
    taken
        .iter()
        .map(|due| {
            assert_eq!((due.account, due.payer.as_slice()), (account(1), &[7, 0, 255][..]));
            let number = u128::from_be_bytes(*due.hold.as_bytes());
            (u32::try_from(number).expect("small"), due.amount.as_micros())
        })
        .collect()
}

async fn confirm(backend: &LedgerBackend, number: u32) -> bool {
    backend.store.confirm_deduction(hold(number)).await.expect("the store is up")
}

async fn service_account(backend: &LedgerBackend) -> ServiceAccount {
    backend.store.service_account(account(1)).await.expect("the store is up")
}

#[tokio::test]
async fn gateway_deduction_counts_once_whenever_the_service_was_asked() {
    for backend in ledger_backends().await {
        assert_eq!(service_account(&backend).await, ServiceAccount::default());
        assert_eq!(backend.reserve(paid(1, 30, 100, 0)).await, reserved(30, 100, 30));
        backend.settle(settlement(1, 20)).await;
        // Before the deduction, the service has the old balance.
        assert_eq!(backend.reserve(paid(2, 10, 100, 0)).await, reserved(10, 80, 10));
        let due = ServiceAccount { held: micros(10), due: micros(20), deducted: micros(0) };
        assert_eq!(service_account(&backend).await, due);
        assert!(confirm(&backend, 1).await);
        // Asked before the deduction, with the answer of before or after it, or of after only.
        assert_eq!(backend.reserve(paid(3, 10, 100, 0)).await, reserved(10, 80, 20));
        assert_eq!(backend.reserve(paid(4, 10, 80, 0)).await, reserved(10, 60, 30));
        assert_eq!(backend.reserve(paid(5, 10, 80, 20)).await, reserved(10, 80, 40));
        // A payment at the service.
        assert_eq!(backend.reserve(paid(6, 10, 180, 20)).await, reserved(10, 180, 50));
        let entries = backend.store.entries(account(1), None).await.expect("the store is up");
        let facts = entries.iter().map(|entry| (entry.kind, entry.amount.as_micros()));
        let service = EntryKind::Service;
        let expected = [
            (service, 100),
            (service, 20),
            (service, -20),
            (EntryKind::Charge, -20),
            (service, 100),
        ];
        assert_eq!(facts.collect::<Vec<_>>(), expected);
        assert_eq!(entries[0].number, 5);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_hold_is_refused_by_the_balance_of_the_service_and_changes_nothing() {
    for backend in ledger_backends().await {
        let outcome = backend.reserve(paid(1, 30, 29, 0)).await;
        let needed = |available| ReserveOutcome::Insufficient {
            needed: micros(30),
            available: micros(available),
        };
        assert_eq!(outcome, needed(29));
        assert_eq!(backend.amounts().await, (0, 0));
        backend.reserve(paid(2, 30, 100, 0)).await;
        // The credit went elsewhere, also what is held.
        assert_eq!(backend.reserve(paid(3, 30, 5, 0)).await, needed(0));
        assert_eq!(backend.amounts().await, (100, 30));
        // What is free covers a higher price, but no more than the service has said.
        let outcome = backend.settle(settlement(2, 500)).await;
        let SettleOutcome::Settled(settled) = outcome else { panic!("{outcome:?}") };
        assert_eq!((settled.charged, settled.uncollected), (micros(100), micros(400)));
        assert_eq!(backend.reserve(paid(4, 0, 100, 0)).await, reserved(0, 0, 0));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_deduction_is_taken_by_one_until_its_time_is_over() {
    for backend in ledger_backends().await {
        for number in 1..=5 {
            backend.reserve(paid(number, 10, 1_000, 0)).await;
        }
        backend.credit(super::backends::top_up("a", 10)).await;
        backend.reserve(reservation(6, 10)).await;
        for (number, charge) in [(1, 1), (2, 2), (3, 0), (6, 6)] {
            backend.settle(settlement(number, charge)).await;
        }
        let due = DueTotals { count: 2, amount: micros(3), oldest: Some(START + SECOND) };
        assert_eq!(backend.store.due_deductions().await, Ok(due));
        assert_eq!(taken(&backend, SECOND, 2).await, [(1, 1), (2, 2)]);
        assert_eq!(taken(&backend, SECOND, 9).await, [(3, 0)], "without a charge");
        assert_eq!(taken(&backend, SECOND, 9).await, []);
        assert!(confirm(&backend, 1).await && !confirm(&backend, 1).await);
        let later = START + 5 * SECOND;
        backend.store.postpone_deduction(hold(2), later).await.expect("the store is up");
        assert!(confirm(&backend, 3).await);
        assert_eq!(taken(&backend, 4 * SECOND, 9).await, []);
        assert_eq!(taken(&backend, 5 * SECOND, 9).await, [(2, 2)]);
        for open_or_unknown in [4, 6, 99] {
            assert!(!confirm(&backend, open_or_unknown).await, "{open_or_unknown}");
        }
        backend.settle(settlement(4, 4)).await;
        assert_eq!(taken(&backend, 5 * SECOND, 9).await, [(4, 4)], "the confirmation was no use");
        let amounts = service_account(&backend).await;
        assert_eq!((amounts.due, amounts.deducted), (micros(6), micros(1)));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_deductions_are_each_taken_and_confirmed_by_one_of_many() {
    for backend in ledger_backends().await {
        for number in 1..=40 {
            backend.reserve(paid(number, 10, 10_000, 0)).await;
            backend.settle(settlement(number, 3)).await;
        }
        let take = || async {
            let mut all = Vec::new();
            loop {
                let some = taken(&backend, SECOND, 3).await;
                if some.is_empty() {
                    return all;
                }
                all.extend(some);
            }
        };
        let mut all: Vec<_> =
            join_all((0..4).map(|_| take())).await.into_iter().flatten().collect();
        // What another one was taking may be left.
        all.extend(take().await);
        let different: HashSet<_> = all.iter().copied().collect();
        assert_eq!((all.len(), different.len()), (40, 40));
        let confirmed = join_all((0..80).map(|number| confirm(&backend, number / 2 + 1))).await;
        assert_eq!(confirmed.into_iter().filter(|is_confirmed| *is_confirmed).count(), 40);
        assert_eq!(service_account(&backend).await.deducted, micros(120));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_deduction_survives_recovery_and_deletion() {
    let retention = Duration::from_secs(2 * 24 * 60 * 60);
    for backend in ledger_backends().await {
        backend.reserve(Reservation { node: node(2), ..paid(1, 10, 100, 0) }).await;
        backend.store.checkpoint(vec![(hold(1), micros(4))]).await.expect("the store is up");
        let recovered = backend.store.recover(START + LEASE, 9).await.expect("the store is up");
        assert_eq!(recovered.len(), 1);
        let end = START + LEASE + retention + SECOND;
        backend.store.purge(end, retention).await.expect("the store is up");
        assert_eq!(taken(&backend, LEASE, 9).await, [(1, 4)]);
        assert!(confirm(&backend, 1).await);
        backend.store.purge(end, retention).await.expect("the store is up");
        let gone = SettleOutcome::Unknown;
        assert_eq!(backend.settle(settlement(1, 0)).await, gone);
        backend.assert_balanced().await;
    }
}

/// A service, and the questions and deductions that are on the way to it.
#[derive(Default)]
struct SimulatedService {
    balance: i64,
    deducted: HashSet<u32>,
    /// The sum that the ledger had deducted when each question was sent.
    asked: Vec<i64>,
    /// Answers, with the same.
    answered: Vec<(i64, i64)>,
    open: Vec<u32>,
    /// Deductions that the service has confirmed, and the ledger has not stored.
    unconfirmed: Vec<u32>,
}

fn pick<T>(rng: &mut StdRng, items: &mut Vec<T>) -> Option<T> {
    let index = rng.random_range(0..items.len().max(1));
    (index < items.len()).then(|| items.swap_remove(index))
}

/// Whatever the order of questions, answers, holds, charges, deductions and confirmations, the service always has
/// the credit that a deduction needs.
#[tokio::test]
async fn gateway_credit_of_a_service_is_never_overspent() {
    let (mut refused, mut charged) = (0, 0);
    for seed in 0..400 {
        let (backend, mut rng) = (LedgerBackend::memory(), StdRng::seed_from_u64(seed));
        let mut service = SimulatedService { balance: 100, ..SimulatedService::default() };
        let mut number = 0;
        for _ in 0..120 {
            match rng.random_range(0..6) {
                0 => service.asked.push(service_account(&backend).await.deducted.as_micros()),
                1 => {
                    if let Some(before) = pick(&mut rng, &mut service.asked) {
                        service.answered.push((service.balance, before));
                    }
                }
                2 => {
                    if let Some((balance, before)) = pick(&mut rng, &mut service.answered) {
                        number += 1;
                        let amount = rng.random_range(1..40);
                        match backend.reserve(paid(number, amount, balance, before)).await {
                            ReserveOutcome::Reserved { .. } => service.open.push(number),
                            _ => refused += 1,
                        }
                    }
                }
                3 => {
                    if let Some(number) = pick(&mut rng, &mut service.open) {
                        backend.settle(settlement(number, rng.random_range(0..50))).await;
                    }
                }
                4 => {
                    for (number, amount) in
                        taken(&backend, rng.random_range(1..9) * SECOND, 2).await
                    {
                        if service.deducted.insert(number) {
                            service.balance -= amount;
                            charged += amount;
                            assert!(service.balance >= 0, "seed {seed}");
                        }
                        service.unconfirmed.push(number);
                    }
                }
                _ => {
                    if let Some(number) = pick(&mut rng, &mut service.unconfirmed) {
                        confirm(&backend, number).await;
                    }
                }
            }
            backend.assert_balanced().await;
        }
    }
    assert!(refused > 1_000 && charged > 20_000, "{refused} refused, {charged} charged");
}
