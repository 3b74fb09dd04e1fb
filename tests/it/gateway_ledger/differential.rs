//! Plays random operations on a ledger of each kind, demands equal outcomes, and checks the invariants after each.

use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::gateway::ledger::deduction::ServiceCredit;
use random_connect::gateway::ledger::entry::{CreditChange, CreditKind};
use random_connect::gateway::ledger::ids::{HoldId, NodeId, RequestKey};
use random_connect::gateway::ledger::limits::{AccountLimits, ReservedTokens};
use random_connect::gateway::ledger::request::{
    KEY_TTL, Reservation, ReserveOutcome, SettleOutcome, Settlement,
};
use random_connect::gateway::ledger::usage::{UsageFilter, UsageOrder, UsageSource, UsageStatus};
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;

use super::backends::{
    LEASE, LedgerBackend, START, account, hold, ledger_backends, micros, node, reservation,
    settlement, top_up,
};

const STEPS: u32 = 400;
const USERS: u8 = 3;
const RETENTION: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// An operation with its arguments.
#[derive(Clone, Debug)]
enum Step {
    Reserve(Reservation),
    Settle(Settlement),
    Checkpoint(Vec<(HoldId, MicroCredits)>),
    Renew(NodeId, Timestamp),
    Recover(Timestamp, usize),
    Credit(CreditChange),
    Purge(Timestamp),
    Take(Timestamp, usize),
    Confirm(HoldId),
    Postpone(HoldId, Timestamp),
}

/// Limits that often refuse.
fn limits(rng: &mut StdRng) -> Option<AccountLimits> {
    rng.random::<bool>().then(|| AccountLimits {
        requests_per_minute: rng.random_range(1..4),
        tokens_per_minute: [7, 1_000, 60_001][rng.random_range(0..3)],
        concurrent: rng.random_range(1..5),
    })
}

/// Any answer of a credit service, also one that is late.
fn service(rng: &mut StdRng) -> Option<ServiceCredit> {
    (rng.random_range(0..3) == 0).then(|| ServiceCredit {
        balance: micros(rng.random_range(0..200)),
        deducted_before: micros(rng.random_range(0..60)),
        payer: vec![rng.random()],
    })
}

fn amount(rng: &mut StdRng) -> MicroCredits {
    micros(rng.random_range(-1..60))
}

fn step(rng: &mut StdRng, number: u32, now: Timestamp) -> Step {
    let user = account(rng.random_range(1..=USERS));
    let start_credits = micros(rng.random_range(0..2) * 50);
    // Most often one of the last holds.
    let known = hold(number.saturating_sub(rng.random_range(0..20)));
    let key = RequestKey::of(&rng.random_range(0..12).to_string());
    match rng.random_range(0..23) {
        0..8 => Step::Reserve(Reservation {
            hold: hold(number),
            account: user,
            key,
            body_hash: [u8::from(rng.random_range(0..8) == 0); 32],
            ask: amount(rng),
            least: micros(rng.random_range(0..20)),
            start_credits,
            service: service(rng),
            limits: limits(rng),
            tokens: rng.random_range(0..2_000),
            node: node(rng.random_range(0..2)),
            lease_until: now + LEASE,
            now,
            ..reservation(number, 0)
        }),
        8..14 => {
            let mut settlement = Settlement {
                hold: known,
                charge: amount(rng),
                result: rng.random::<bool>().then(|| vec![rng.random(), 255]),
                releases_key: rng.random(),
                now,
                ..settlement(number, 0)
            };
            settlement.reserved_tokens = rng.random::<bool>().then(|| ReservedTokens {
                per_minute: [7, 1_000, 60_001][rng.random_range(0..3)],
                reserved: rng.random_range(0..2_000),
            });
            settlement.usage.tokens.cache_read_tokens = rng.random::<bool>().then_some(7);
            settlement.usage.finish = rng.random::<bool>().then(|| "length".to_owned());
            settlement.usage.status =
                [UsageStatus::Cancelled, UsageStatus::Failed][rng.random_range(0..2)];
            settlement.usage.source = UsageSource::Estimated;
            Step::Settle(settlement)
        }
        14 => Step::Checkpoint(vec![(known, amount(rng)), (hold(number), amount(rng))]),
        15 => Step::Renew(node(rng.random_range(0..2)), now + 3 * LEASE),
        16 => Step::Recover(now, rng.random_range(1..4)),
        17..19 => {
            let kinds = [CreditKind::TopUp, CreditKind::Adjustment, CreditKind::Refund];
            Step::Credit(CreditChange {
                account: user,
                amount: micros(rng.random_range(-60..200)),
                kind: kinds[rng.random_range(0..3)],
                key,
                start_credits,
                now,
                ..top_up("", 0)
            })
        }
        19 => Step::Purge(now),
        20 => Step::Take(now, rng.random_range(1..4)),
        21 => Step::Confirm(known),
        _ => Step::Postpone(known, now + LEASE),
    }
}

/// Plays a step. Returns its outcome, and that of a reservation or settlement as itself.
async fn play(backend: &LedgerBackend, step: Step) -> (String, Option<(HoldId, SettleOutcome)>) {
    let store = &backend.store;
    let outcome = match step {
        Step::Reserve(reservation) => {
            let outcome = backend.reserve(reservation).await;
            if let ReserveOutcome::Reserved { amount, balance, held, .. } = outcome {
                assert!(MicroCredits::ZERO <= amount && amount <= held && held <= balance);
            }
            format!("{outcome:?}")
        }
        Step::Settle(settlement) => {
            let (hold, outcome) = (settlement.hold, backend.settle(settlement).await);
            return (format!("{outcome:?}"), Some((hold, outcome)));
        }
        Step::Checkpoint(charges) => format!("{:?}", store.checkpoint(charges).await),
        Step::Renew(node, until) => format!("{:?}", store.renew(node, until).await),
        Step::Recover(now, limit) => format!("{:?}", store.recover(now, limit).await),
        Step::Credit(change) => format!("{:?}", backend.credit(change).await),
        Step::Purge(now) => format!("{:?}", store.purge(now, RETENTION).await),
        Step::Take(now, limit) => {
            format!("{:?}", store.take_deductions(now, now + LEASE, limit).await)
        }
        Step::Confirm(hold) => format!("{:?}", store.confirm_deduction(hold).await),
        Step::Postpone(hold, until) => format!("{:?}", store.postpone_deduction(hold, until).await),
    };
    (outcome, None)
}

/// Everything that can be read.
async fn contents(backend: &LedgerBackend) -> String {
    let store = &backend.store;
    let mut users = Vec::new();
    for user in (1..=USERS).map(account) {
        let newest = UsageFilter {
            account: Some(user),
            order: UsageOrder::NewestFirst,
            ..UsageFilter::default()
        };
        users.push((
            store.balance(user, micros(3)).await,
            store.entries(user, None).await,
            store.usage(newest, None, 5).await,
            store.service_account(user).await,
        ));
    }
    let usage = store.usage(UsageFilter::default(), None, 1_000).await;
    let totals = (store.open_holds().await, store.due_deductions().await);
    format!("{users:#?} {usage:#?} {totals:#?} {:#?}", store.audit().await)
}

/// Counts the charges of each key, and demands that there is at most one in [`KEY_TTL`].
#[derive(Default)]
struct ChargedKeys {
    keys: HashMap<HoldId, (UserId, RequestKey)>,
    charged: HashMap<(UserId, RequestKey), Timestamp>,
}

impl ChargedKeys {
    fn settled(&mut self, hold: HoldId, outcome: SettleOutcome, now: Timestamp) {
        let SettleOutcome::Settled(settled) = outcome else { return };
        if settled.charged > MicroCredits::ZERO {
            let key = self.keys[&hold];
            let earlier = self.charged.insert(key, now);
            assert!(earlier.is_none_or(|at| now >= at + KEY_TTL), "charged twice: {hold:?}");
        }
    }
}

async fn play_all(backends: &[LedgerBackend], seed: u64) {
    let (mut rng, mut now) = (StdRng::seed_from_u64(seed), START);
    let mut charged = ChargedKeys::default();
    for number in 1..=STEPS {
        // Most often within a minute, so that the limits refuse.
        let most = [20_000, 2_400_000][usize::from(rng.random_range(0..4) == 0)];
        now = now + Duration::from_millis(rng.random_range(0..most));
        let step = step(&mut rng, number, now);
        if let Step::Reserve(reservation) = &step {
            charged.keys.insert(reservation.hold, (reservation.account, reservation.key));
        }
        let mut expected = None;
        for backend in backends {
            let (outcome, settled) = play(backend, step.clone()).await;
            backend.assert_balanced().await;
            if expected.is_none()
                && let Some((hold, outcome)) = settled
            {
                charged.settled(hold, outcome, now);
            }
            let expected = expected.get_or_insert_with(|| outcome.clone());
            assert_eq!(&outcome, expected, "seed {seed}, step {number}: {step:?}");
        }
        if number % 20 == 0 {
            let expected = contents(&backends[0]).await;
            for backend in &backends[1..] {
                assert_eq!(contents(backend).await, expected, "seed {seed}, step {number}");
            }
        }
    }
}

#[tokio::test]
async fn gateway_ledger_backends_agree_on_random_operations() {
    for seed in 0..3 {
        play_all(&ledger_backends().await, seed).await;
    }
}

/// The invariants on many sequences, in memory.
#[tokio::test]
async fn gateway_ledger_invariants_hold_after_random_operations() {
    for seed in 1_000..1_200 {
        play_all(&[LedgerBackend::memory()], seed).await;
    }
}
