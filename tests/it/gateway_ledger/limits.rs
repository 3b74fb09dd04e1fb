//! Limits of an account on its requests and tokens in a minute, and its concurrent requests.

use std::time::Duration;

use futures_util::future::join_all;
use random_connect::gateway::ledger::ids::RequestKey;
use random_connect::gateway::ledger::limits::{
    AccountLimitStates, AccountLimits, LimitKind, LimitState, ReservedTokens,
};
use random_connect::gateway::ledger::request::{Reservation, ReserveOutcome, Settlement};
use random_connect::kernel::model::ModelUsage;

use super::backends::{
    LEASE, LedgerBackend, START, account, ledger_backends, micros, reservation, settlement, top_up,
};

const LIMITS: AccountLimits =
    AccountLimits { requests_per_minute: 7, tokens_per_minute: 1_000, concurrent: 1_000 };
const MINUTE: Duration = Duration::from_secs(60);

/// A free reservation of `tokens`, `after` the start.
fn limited(number: u32, limits: AccountLimits, tokens: u64, after: Duration) -> Reservation {
    let now = START + after;
    Reservation { limits: Some(limits), tokens, now, ..reservation(number, 0) }
}

/// A settlement of a request that had reserved `reserved` tokens and used `used`.
fn settled(number: u32, reserved: u64, used: u64) -> Settlement {
    let mut settlement = settlement(number, 0);
    settlement.usage.tokens = ModelUsage { cache_read_tokens: Some(used), ..ModelUsage::default() };
    let per_minute = LIMITS.tokens_per_minute;
    settlement.reserved_tokens = Some(ReservedTokens { per_minute, reserved });
    settlement
}

fn states(outcome: &ReserveOutcome) -> AccountLimitStates {
    match outcome {
        ReserveOutcome::Reserved { limits: Some(limits), .. } => *limits,
        other => panic!("{other:?}"),
    }
}

/// The limit that refuses a request, and the time until it does not.
fn refusal(outcome: &ReserveOutcome) -> Option<(LimitKind, Duration)> {
    match outcome {
        ReserveOutcome::Limited(refused) => Some((refused.kind, refused.retry_after)),
        _ => None,
    }
}

fn is_placed(outcome: &ReserveOutcome) -> bool {
    matches!(outcome, ReserveOutcome::Reserved { .. })
}

async fn remaining_tokens(backend: &LedgerBackend, number: u32, after: Duration) -> u64 {
    let limits = AccountLimits { requests_per_minute: 1_000, ..LIMITS };
    states(&backend.reserve(limited(number, limits, 0, after)).await).tokens.remaining
}

#[tokio::test]
async fn gateway_ledger_admits_exactly_the_requests_of_a_minute_at_the_same_time() {
    for backend in ledger_backends().await {
        let call = |number| backend.reserve(limited(number, LIMITS, 1, Duration::ZERO));
        let outcomes = join_all((1..=100).map(call)).await;
        assert_eq!(outcomes.iter().filter(|outcome| is_placed(outcome)).count(), 7);
        let refused = Some((LimitKind::Requests, Duration::from_millis(8_572)));
        assert_eq!(outcomes.iter().filter(|outcome| refusal(outcome) == refused).count(), 93);
        let early = limited(101, LIMITS, 1, Duration::from_millis(8_571));
        assert!(!is_placed(&backend.reserve(early).await));
        let due = limited(102, LIMITS, 1, Duration::from_millis(8_572));
        assert!(is_placed(&backend.reserve(due).await));
        let another = Reservation { account: account(2), ..limited(103, LIMITS, 1, MINUTE) };
        assert_eq!(states(&backend.reserve(another).await).requests.remaining, 6);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_admits_exactly_the_tokens_of_a_minute_at_the_same_time() {
    for backend in ledger_backends().await {
        let limits = AccountLimits { requests_per_minute: 500, ..LIMITS };
        let call = |number| backend.reserve(limited(number, limits, 90, Duration::ZERO));
        let outcomes = join_all((1..=100).map(call)).await;
        assert_eq!(outcomes.iter().filter(|outcome| is_placed(outcome)).count(), 11);
        let retry_after = Duration::from_millis(4_800);
        let refused = Some((LimitKind::Tokens, retry_after));
        assert_eq!(outcomes.iter().filter(|outcome| refusal(outcome) == refused).count(), 89);
        assert!(is_placed(&backend.reserve(limited(101, limits, 10, Duration::ZERO)).await));
        assert!(is_placed(&backend.reserve(limited(102, limits, 80, retry_after)).await));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_admits_exactly_the_requests_that_may_run_at_once() {
    let limits = AccountLimits { concurrent: 3, requests_per_minute: 500, ..LIMITS };
    let refused = Some((LimitKind::Concurrent, Duration::from_secs(1)));
    for backend in ledger_backends().await {
        let call = |number| backend.reserve(limited(number, limits, 1, Duration::ZERO));
        let outcomes = join_all((1..=50).map(call)).await;
        let placed: Vec<_> =
            (1..).zip(&outcomes).filter(|(_, o)| is_placed(o)).map(|(number, _)| number).collect();
        assert_eq!(placed.len(), 3);
        assert_eq!(outcomes.iter().filter(|outcome| refusal(outcome) == refused).count(), 47);
        assert_eq!(refusal(&call(51).await), refused);
        for _ in 0..2 {
            backend.settle(settlement(placed[0], 0)).await;
        }
        assert!(is_placed(&call(52).await));
        assert_eq!(refusal(&call(53).await), refused, "a repeated settlement frees nothing");
        // The holds of a node that has ended.
        backend.store.recover(START + LEASE, 9).await.expect("the store is up");
        assert!(is_placed(&call(54).await));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_returns_the_tokens_that_a_request_did_not_use() {
    for backend in ledger_backends().await {
        let limits = AccountLimits { requests_per_minute: 500, ..LIMITS };
        let state = states(&backend.reserve(limited(1, limits, 900, Duration::ZERO)).await);
        let reset = Duration::from_secs(54);
        assert_eq!(state.tokens, LimitState { limit: 1_000, remaining: 100, reset });
        for _ in 0..2 {
            backend.settle(settled(1, 900, 250)).await;
        }
        assert_eq!(remaining_tokens(&backend, 2, Duration::ZERO).await, 750);
        // More than it had reserved, and nothing.
        assert!(is_placed(&backend.reserve(limited(3, limits, 100, Duration::ZERO)).await));
        backend.settle(settled(3, 100, 500)).await;
        assert_eq!(remaining_tokens(&backend, 4, Duration::ZERO).await, 250);
        assert!(is_placed(&backend.reserve(limited(5, limits, 200, Duration::ZERO)).await));
        backend.settle(settled(5, 200, 0)).await;
        assert_eq!(remaining_tokens(&backend, 6, Duration::ZERO).await, 250);
        // What was free before cannot be more than the limit.
        assert!(is_placed(&backend.reserve(limited(7, limits, 200, MINUTE)).await));
        backend.settle(settled(7, 900, 0)).await;
        assert_eq!(remaining_tokens(&backend, 8, MINUTE).await, 1_000);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_counts_no_request_that_it_refuses_or_repeats() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        let limited = |number| Reservation { limits: Some(LIMITS), ..reservation(number, 60) };
        let expect = async |number, requests| {
            let free = Reservation { ask: micros(0), least: micros(0), ..limited(number) };
            let state = states(&backend.reserve(free).await);
            assert_eq!(state.requests.remaining, requests, "{number}");
        };
        let first = backend.reserve(limited(1)).await;
        assert_eq!(states(&first).requests.remaining, 6);
        // The same call again, another with its key, another body, and too little credit.
        assert_eq!(backend.reserve(limited(1)).await, first);
        let key = RequestKey::of("1");
        backend.reserve(Reservation { key, ..limited(2) }).await;
        backend.reserve(Reservation { key, body_hash: [9; 32], ..limited(3) }).await;
        let outcome = backend.reserve(limited(4)).await;
        assert!(matches!(outcome, ReserveOutcome::Insufficient { .. }), "{outcome:?}");
        expect(5, 5).await;
        backend.settle(settlement(1, 1)).await;
        let outcome = backend.reserve(Reservation { key, ..limited(6) }).await;
        assert!(matches!(outcome, ReserveOutcome::Answered(_)), "{outcome:?}");
        expect(7, 4).await;
        // Without limits, nothing is counted, and nothing is refused.
        for number in 10..30 {
            assert!(is_placed(&backend.reserve(reservation(number, 0)).await));
        }
        expect(8, 3).await;
        let strict = AccountLimits { requests_per_minute: 1, ..LIMITS };
        let outcome = backend.reserve(Reservation { limits: Some(strict), ..limited(9) }).await;
        assert!(matches!(outcome, ReserveOutcome::Limited(_)), "{outcome:?}");
        assert_eq!(backend.amounts().await, (99, 0), "a refusal holds nothing");
        expect(30, 2).await;
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_request_with_more_tokens_than_a_minute_has_takes_all() {
    for backend in ledger_backends().await {
        let limits = AccountLimits { requests_per_minute: 500, ..LIMITS };
        assert!(is_placed(&backend.reserve(limited(1, limits, u64::MAX, Duration::ZERO)).await));
        let outcome = backend.reserve(limited(2, limits, u64::MAX, Duration::ZERO)).await;
        assert_eq!(refusal(&outcome), Some((LimitKind::Tokens, MINUTE)));
        let ReserveOutcome::Limited(refused) = outcome else { panic!("{outcome:?}") };
        let used_up = LimitState { limit: 1_000, remaining: 0, reset: MINUTE };
        assert_eq!(refused.states.map(|states| states.tokens), Some(used_up));
        let state = states(&backend.reserve(limited(3, limits, u64::MAX, MINUTE)).await);
        assert_eq!(state.tokens, LimitState { limit: 1_000, remaining: 0, reset: MINUTE });
        backend.assert_balanced().await;
    }
}
