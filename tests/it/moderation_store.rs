//! The contract of [`ModerationStore`]: behavior that every backend must have, written once against
//! the trait. `moderation_operator_store.rs` has the part of operators.
//!
//! To run it on a new backend, add it to [`moderation_backends`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call};
use random_connect::connect::lobby::steps::sweep_all;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::keyring::Keyring;
use random_connect::moderation::history::{FULL_WEIGHT, UserHistory};
use random_connect::moderation::migrations::MIGRATIONS;
use random_connect::moderation::rating::Rating;
use random_connect::moderation::report::EVIDENCE_TTL;
use random_connect::moderation::service::ModerationService;
use random_connect::moderation::store::{ModerationStore, NoticeState, RECORD_TTL};
use random_connect::moderation::store_memory::MemoryModerationStore;
use random_connect::moderation::store_sqlite::SqliteModerationStore;

use crate::support::moderation_backends::{
    START, history, listed, moderation_backends, report, test_user,
};
use crate::support::temp_database::TempDatabase;

#[tokio::test]
async fn block_applies_to_both_and_no_one_else() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        for _ in 0..2 {
            store.block(test_user(1), test_user(2), START).await.expect("the store is up");
        }
        store.block(test_user(3), test_user(1), START).await.expect("the store is up");
        let blocked = async |n| {
            let mut blocked: Vec<_> = store
                .record(test_user(n))
                .await
                .expect("the store is up")
                .blocked
                .into_iter()
                .collect();
            blocked.sort_unstable();
            blocked
        };
        assert_eq!(blocked(1).await, [test_user(2), test_user(3)]);
        assert_eq!([blocked(2).await, blocked(3).await], [[test_user(1)], [test_user(1)]]);
        assert!(blocked(4).await.is_empty());
    }
}

#[tokio::test]
async fn report_is_unique_per_reporter_and_person() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        assert!(store.report(report(1, 9)).await.expect("the store is up"));
        assert!(!store.report(report(1, 9)).await.expect("the store is up"));
        assert!(store.report(report(2, 9)).await.expect("the store is up"));
        assert!(store.report(report(1, 8)).await.expect("the store is up"));
        let reports = store.record(test_user(9)).await.expect("the store is up").reports;
        assert_eq!(reports, [listed(report(1, 9)), listed(report(2, 9))]);
        let made = [history(store, 1).await.reports, history(store, 2).await.reports];
        assert_eq!((made, history(store, 9).await), ([2, 1], UserHistory::default()));
    }
}

#[tokio::test]
async fn report_repeated_concurrently_counts_once() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let reports = (0..16).map(|_| store.report(report(1, 9)));
        let added = join_all(reports).await.into_iter().filter(|added| *added == Ok(true)).count();
        assert_eq!((added, history(store, 1).await.reports), (1, 1));
    }
}

#[tokio::test]
async fn report_evidence_expires_before_the_report() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        store.report(report(1, 9)).await.expect("the store is up");
        assert_eq!(store.open_reports(0).await.expect("the store is up"), [listed(report(1, 9))]);
        let moment = Duration::from_millis(1);
        for (age, has_evidence, count) in [
            (EVIDENCE_TTL.saturating_sub(moment), true, 1),
            (EVIDENCE_TTL, false, 1),
            (RECORD_TTL.saturating_sub(moment), false, 1),
            (RECORD_TTL, false, 0),
        ] {
            store.purge(START + age).await.expect("the store is up");
            let open = store.open_reports(0).await.expect("the store is up");
            let evidence = store.evidence(&[report(1, 9).key(), report(2, 9).key()]).await;
            let stored = has_evidence.then(|| vec![0, 255, 7]);
            assert_eq!(evidence.expect("the store is up"), [stored, None]);
            assert_eq!(
                store.record(test_user(9)).await.expect("the store is up").reports.len(),
                count
            );
            assert_eq!(open.len(), count);
        }
    }
}

#[tokio::test]
async fn history_counts_chats_without_partners() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        assert_eq!(history(store, 1).await, UserHistory::default());
        for (partner, secs) in [(2, 0), (3, 60), (2, 120)] {
            let now = START + Duration::from_secs(secs);
            store.count_chat(test_user(1), test_user(partner), now).await.expect("the store is up");
        }
        let expected = |secs, chats| UserHistory {
            first_chat_at: Some(START + Duration::from_secs(secs)),
            chats,
            ..UserHistory::default()
        };
        assert_eq!(history(store, 1).await, expected(0, 3));
        assert_eq!(
            [history(store, 2).await, history(store, 3).await],
            [expected(0, 2), expected(60, 1)]
        );
    }
}

#[tokio::test]
async fn history_expires_a_year_after_its_last_change() {
    for backend in
        moderation_backends().await.into_iter().filter(|backend| backend.server.is_none())
    {
        let store = &backend.store;
        store.count_chat(test_user(1), test_user(2), START).await.expect("the store is up");
        let later = START + Duration::from_secs(60);
        store.count_chat(test_user(1), test_user(3), later).await.expect("the store is up");
        store.purge(START + RECORD_TTL).await.expect("the store is up");
        assert_eq!([history(store, 1).await.chats, history(store, 2).await.chats], [2, 0]);
    }
}

#[tokio::test]
async fn notice_acceptance_is_permanent() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let notice = async || store.record(test_user(1)).await.expect("the store is up").notice;
        assert_eq!(notice().await, None);
        for (recorded, stored) in [
            (NoticeState::Shown, NoticeState::Shown),
            (NoticeState::Accepted, NoticeState::Accepted),
            (NoticeState::Shown, NoticeState::Accepted),
        ] {
            store.record_notice(test_user(1), recorded, START).await.expect("the store is up");
            assert_eq!(notice().await, Some(stored));
        }
        assert_eq!(store.record(test_user(2)).await.expect("the store is up").notice, None);
    }
}

#[tokio::test]
async fn rating_newest_per_rater_wins() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let rating = |secs, good| {
            let weight = if good { FULL_WEIGHT } else { 0 };
            Rating { at: START + Duration::from_secs(secs), good, weight }
        };
        for (rater, vote) in [(1, rating(0, true)), (2, rating(1, true)), (1, rating(2, false))] {
            store.rate(test_user(rater), test_user(9), vote).await.expect("the store is up");
        }
        let mut ratings = store.record(test_user(9)).await.expect("the store is up").ratings;
        ratings.sort_unstable_by_key(|rating| rating.at);
        assert_eq!(ratings, [rating(1, true), rating(2, false)]);
        assert!(store.record(test_user(1)).await.expect("the store is up").ratings.is_empty());
    }
}

#[tokio::test]
async fn forget_deletes_notice_ratings_and_chats_but_no_block_or_report() {
    for backend in moderation_backends().await {
        let store = &backend.store;
        let [ann, ben, cat] = [1, 2, 3].map(test_user);
        let rating = Rating { at: START, good: false, weight: FULL_WEIGHT };
        for (rater, rated) in [(ann, ben), (ben, ann), (cat, ann), (cat, ben)] {
            store.rate(rater, rated, rating).await.expect("the store is up");
        }
        store.record_notice(ann, NoticeState::Accepted, START).await.expect("the store is up");
        store.count_chat(ann, ben, START).await.expect("the store is up");
        store.block(ann, ben, START).await.expect("the store is up");
        for (reporter, reported) in [(2, 1), (1, 3)] {
            store.report(report(reporter, reported)).await.expect("the store is up");
        }
        for _ in 0..2 {
            store.forget(ann).await.expect("the store is up");
            let record = store.record(ann).await.expect("the store is up");
            assert_eq!((record.notice, record.ratings.len()), (None, 0));
            assert_eq!(record.history, UserHistory { reports: 1, ..UserHistory::default() });
            assert!(record.blocked.contains(&ben) && record.reports.len() == 1);
            let partner = store.record(ben).await.expect("the store is up");
            assert_eq!((partner.ratings, partner.history.chats), (vec![rating], 1));
        }
    }
}

#[tokio::test]
async fn moderation_store_sqlite_survives_a_restart() {
    let database = TempDatabase::new();
    let store = database.moderation_store().await;
    store.block(test_user(1), test_user(2), START).await.expect("the store is up");
    drop(store);
    let record = database.moderation_store().await.record(test_user(2)).await;
    assert!(record.expect("the store is up").blocked.contains(&test_user(1)));
}

#[tokio::test]
async fn moderation_store_sqlite_fails_once_it_is_closed() {
    let database = TempDatabase::new();
    let opened = database.sqlite().await;
    opened.migrate(&MIGRATIONS).await.expect("tables");
    let store = SqliteModerationStore::new(opened.clone());
    store.check().await.expect("the store is up");
    opened.close().await;
    assert!(store.check().await.is_err() && store.record(test_user(1)).await.is_err());
    assert!(store.block(test_user(1), test_user(2), START).await.is_err());
}

#[tokio::test]
async fn notice_state_in_memory_ends_with_the_user() {
    let store = Arc::new(MemoryModerationStore::default());
    let (keyring, rng) = (Keyring::new(&[[7; 32]]), seeded_rng());
    let moderation = ModerationService::new(Arc::clone(&store) as _, keyring, None, rng);
    let idle = Duration::from_secs(10 * 24 * 60 * 60);
    let lobby = MemoryLobby::new(idle, seeded_rng());
    for (user, now) in [(1, START), (2, START + Duration::from_secs(1))] {
        let call = Call::new(test_user(user), now);
        lobby.perform(call, Action::GetStatus).await.expect("memory works");
        let notice = NoticeState::Accepted;
        store.record_notice(test_user(user), notice, now).await.expect("the store is up");
    }
    let later = START + idle;
    store.purge(later).await.expect("the store is up");
    let evicted = sweep_all(&lobby, later, |users| moderation.on_eviction(users)).await;
    assert_eq!(evicted, Ok(1));
    let notice = async |user| store.record(test_user(user)).await.expect("the store is up").notice;
    assert_eq!([notice(1).await, notice(2).await], [None, Some(NoticeState::Accepted)]);
}
