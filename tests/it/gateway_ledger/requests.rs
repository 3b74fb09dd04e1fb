//! Reservations and settlements.

use std::time::Duration;

use random_connect::gateway::ledger::ids::RequestKey;
use random_connect::gateway::ledger::request::{
    AnsweredRequest, KEY_TTL, Reservation, ReserveOutcome, SettleOutcome, Settlement,
};
use random_connect::gateway::ledger::usage::{GatewayUsageRow, UsageFilter};
use random_connect::gateway::money::MicroCredits;

use super::backends::{
    START, account, done, hold, ledger_backends, micros, reservation, reserved, settlement, top_up,
};

#[tokio::test]
async fn gateway_ledger_holds_what_is_asked_for_or_what_is_free() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        assert_eq!(backend.reserve(reservation(1, 60)).await, reserved(60, 100, 60));
        let shrunk = Reservation { least: micros(30), ..reservation(2, 60) };
        assert_eq!(backend.reserve(shrunk).await, reserved(40, 100, 100));
        let refused = backend.reserve(reservation(3, 1)).await;
        let available = MicroCredits::ZERO;
        assert_eq!(refused, ReserveOutcome::Insufficient { needed: micros(1), available });
        assert_eq!(backend.reserve(reservation(4, 0)).await, reserved(0, 100, 100));
        assert_eq!(backend.amounts().await, (100, 100));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_opens_an_account_with_its_first_request() {
    for backend in ledger_backends().await {
        let with_start = |number, amount| Reservation {
            start_credits: micros(50),
            ..reservation(number, amount)
        };
        let seen = backend.store.balance(account(1), micros(70)).await.expect("the store is up");
        assert_eq!(seen.balance, micros(70), "reading opens no account");
        let refused = backend.reserve(with_start(1, 51)).await;
        let available = micros(50);
        assert_eq!(refused, ReserveOutcome::Insufficient { needed: micros(51), available });
        assert_eq!(backend.amounts().await, (0, 0), "a refusal opens no account");
        assert_eq!(backend.reserve(with_start(2, 20)).await, reserved(20, 50, 20));
        assert_eq!(backend.reserve(with_start(3, 20)).await, reserved(20, 50, 40));
        let free = backend.reserve(reservation(4, 0)).await;
        assert_eq!(free, reserved(0, 50, 40));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_without_start_credits_opens_an_empty_account() {
    for backend in ledger_backends().await {
        assert_eq!(backend.reserve(reservation(1, 0)).await, reserved(0, 0, 0));
        let outcome = backend.settle(settlement(1, 5)).await;
        assert_eq!(outcome, SettleOutcome::Settled(done(0, 5, 0, 0)));
        let entries = backend.store.entries(account(1), None).await.expect("the store is up");
        assert_eq!(entries, []);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_charges_the_hold_and_what_is_free() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        for (number, amount) in [(1, 30), (2, 50), (3, 10)] {
            backend.reserve(reservation(number, amount)).await;
        }
        // Less than the hold, more than it, and more than the account can pay.
        let outcome = backend.settle(settlement(1, 20)).await;
        assert_eq!(outcome, SettleOutcome::Settled(done(20, 0, 80, 60)));
        let outcome = backend.settle(settlement(2, 65)).await;
        assert_eq!(outcome, SettleOutcome::Settled(done(65, 0, 15, 10)));
        let outcome = backend.settle(settlement(3, 40)).await;
        assert_eq!(outcome, SettleOutcome::Settled(done(15, 25, 0, 0)));
        let outcome = backend.settle(settlement(9, 40)).await;
        assert_eq!(outcome, SettleOutcome::Unknown);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_settles_a_hold_once() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        backend.reserve(reservation(1, 30)).await;
        backend.reserve(reservation(2, 7)).await;
        backend.settle(settlement(1, 20)).await;
        // A retry after a commit whose answer was lost, and a second settlement with another charge.
        for charge in [20, 30, 0] {
            let outcome = backend.settle(settlement(1, charge)).await;
            assert_eq!(outcome, SettleOutcome::AlreadySettled(done(20, 0, 80, 7)));
        }
        let entries = backend.store.entries(account(1), None).await.expect("the store is up");
        assert_eq!(entries.len(), 2);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_repeated_reservation_is_the_same_hold() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        for _ in 0..3 {
            assert_eq!(backend.reserve(reservation(1, 30)).await, reserved(30, 100, 30));
        }
        let again = Reservation { hold: hold(2), ..reservation(1, 30) };
        let outcome = backend.reserve(again).await;
        assert_eq!(outcome, ReserveOutcome::InProgress { hold: hold(1) });
        let other_body = Reservation { hold: hold(3), body_hash: [2; 32], ..reservation(1, 30) };
        assert_eq!(backend.reserve(other_body).await, ReserveOutcome::KeyReused);
        // The same key of another user.
        let other_user = Reservation { account: account(2), hold: hold(4), ..reservation(1, 0) };
        assert_eq!(backend.reserve(other_user).await, reserved(0, 0, 0));
        assert_eq!(backend.amounts().await, (100, 30));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_replays_a_result_for_a_day() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        backend.reserve(reservation(1, 30)).await;
        let Settlement { usage, now: at, result, .. } = settlement(1, 20);
        backend.settle(settlement(1, 20)).await;
        let usage = GatewayUsageRow {
            account: account(1),
            hold: hold(1),
            model: "small".to_owned(),
            usage,
            charged: micros(20),
            uncollected: MicroCredits::ZERO,
            at,
        };
        let answered = ReserveOutcome::Answered(Box::new(AnsweredRequest { usage, result }));
        let moment = Duration::from_millis(1);
        let last = at + KEY_TTL.saturating_sub(moment);
        let again = |now| Reservation { hold: hold(2), now, ..reservation(1, 30) };
        assert_eq!(backend.reserve(again(last)).await, answered);
        let other_body = Reservation { body_hash: [2; 32], ..again(last) };
        assert_eq!(backend.reserve(other_body).await, ReserveOutcome::KeyReused);
        backend.store.purge(last, KEY_TTL).await.expect("the store is up");
        assert_eq!(backend.reserve(again(last)).await, answered);
        // A day later the key is free, also before anything is deleted.
        assert_eq!(backend.reserve(again(at + KEY_TTL)).await, reserved(30, 80, 30));
        let rows = backend.store.usage(UsageFilter::default(), None, 9).await;
        assert_eq!(rows.expect("the store is up").rows.len(), 1);
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_purge_deletes_old_requests() {
    let retention = 30 * KEY_TTL;
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        backend.reserve(reservation(1, 30)).await;
        backend.reserve(reservation(2, 30)).await;
        backend.settle(settlement(1, 20)).await;
        let at = settlement(1, 20).now;
        let rows = async || {
            let page = backend.store.usage(UsageFilter::default(), None, 9).await;
            page.expect("the store is up").rows.len()
        };
        for (age, count) in
            [(KEY_TTL, 1), (retention.saturating_sub(Duration::from_millis(1)), 1), (retention, 0)]
        {
            let more = backend.store.purge(at + age, retention).await.expect("the store is up");
            assert_eq!((more, rows().await), (false, count));
        }
        assert_eq!(backend.settle(settlement(1, 20)).await, SettleOutcome::Unknown);
        assert_eq!(backend.amounts().await, (80, 30), "an open hold stays");
        let again = Reservation { hold: hold(3), ..reservation(1, 30) };
        assert_eq!(backend.reserve(again).await, reserved(30, 80, 60));
        backend.assert_balanced().await;
    }
}

#[tokio::test]
async fn gateway_ledger_releases_the_key_of_a_request_without_charge() {
    for backend in ledger_backends().await {
        backend.credit(top_up("a", 100)).await;
        let key = RequestKey::of("the same");
        for (number, charge) in [(1, 0), (2, 0), (3, 1)] {
            let outcome = backend.reserve(Reservation { key, ..reservation(number, 30) }).await;
            assert_eq!(outcome, reserved(30, 100, 30), "{number}");
            backend.settle(Settlement { releases_key: true, ..settlement(number, charge) }).await;
        }
        let outcome = backend.reserve(Reservation { key, ..reservation(4, 30) }).await;
        let ReserveOutcome::Answered(answered) = outcome else { panic!("{outcome:?}") };
        assert_eq!((answered.usage.hold, answered.usage.charged), (hold(3), micros(1)));
        assert!(answered.usage.at > START && answered.result.is_some());
        backend.assert_balanced().await;
    }
}
