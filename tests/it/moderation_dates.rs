//! Moderation data that a clock ahead has written, once the clock is right again.

use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::reaper::Purger;
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::keyring::Keyring;
use random_connect::moderation::history::{FULL_WEIGHT, UserHistory};
use random_connect::moderation::penalty::Suspension;
use random_connect::moderation::rating::Rating;
use random_connect::moderation::report::{Decision, EVIDENCE_TTL, Report, Verdict};
use random_connect::moderation::service::ModerationService;
use random_connect::moderation::store::{Ban, NoticeState, RECORD_TTL};

use crate::support::moderation_backends::{
    ModerationBackend, decision, moderation_backends, report, test_user,
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The stores that take the date from the machine.
async fn backends() -> impl Iterator<Item = ModerationBackend> {
    moderation_backends().await.into_iter().filter(|backend| backend.server.is_none())
}

fn service(backend: &ModerationBackend) -> Arc<ModerationService> {
    let store = Arc::clone(&backend.store);
    Arc::new(ModerationService::new(store, Keyring::new(&[[7; 32]]), None, seeded_rng()))
}

/// An upheld report, a ban of two hours, ratings, a notice and chats, all dated `at`, and two users
/// that were pardoned then or only reported.
async fn write_data(backend: &ModerationBackend, at: Timestamp) {
    let store = &backend.store;
    for (reporter, reported) in [(1, 9), (2, 8), (3, 7)] {
        let report = Report { at, ..report(reporter, reported) };
        assert!(store.report(report).await.expect("the store is up"));
    }
    let upheld = Decision { at, ..decision(Verdict::Upheld, 0) };
    store.resolve(report(1, 9).key(), upheld).await.expect("the store is up");
    let ban = Ban { at, until: Some(at + 2 * HOUR), reason: Some(vec![1]) };
    store.ban(test_user(9), ban).await.expect("the store is up");
    store.unban(test_user(8), at).await.expect("the store is up");
    let rating = Rating { at, good: false, weight: FULL_WEIGHT };
    store.rate(test_user(1), test_user(9), rating).await.expect("the store is up");
    store.record_notice(test_user(9), NoticeState::Accepted, at).await.expect("the store is up");
    store.count_chat(test_user(9), test_user(8), at).await.expect("the store is up");
}

#[tokio::test]
async fn dates_later_than_now_are_corrected_in_every_store() {
    for backend in backends().await {
        write_data(&backend, NOW + 20 * YEAR).await;
        let store = &backend.store;
        store.correct_dates(NOW).await.expect("the store is up");
        let record = store.record(test_user(9)).await.expect("the store is up");
        let decided = record.reports[0].decision.as_ref().expect("a decision");
        assert_eq!([record.reports[0].at, decided.at, record.ratings[0].at], [NOW; 3]);
        let until = Some(NOW + 2 * HOUR);
        assert_eq!(record.ban, Some(Ban { at: NOW, until, reason: Some(vec![1]) }));
        let first_chat_at = Some(NOW);
        assert_eq!(record.history, UserHistory { first_chat_at, chats: 1, ..Default::default() });
        let pardoned = store.record(test_user(8)).await.expect("the store is up").pardoned_at;
        assert_eq!(pardoned, Some(NOW));
        // What has the right date now expires in time.
        store.purge(NOW + EVIDENCE_TTL).await.expect("the store is up");
        let evidence = store.evidence(&[report(1, 9).key()]).await.expect("the store is up");
        assert_eq!(evidence, [None]);
        store.purge(NOW + RECORD_TTL).await.expect("the store is up");
        let record = store.record(test_user(9)).await.expect("the store is up");
        assert_eq!((record.reports.len(), record.ratings.len()), (0, 0));
        assert_eq!(record.history.chats, 0);
    }
}

#[tokio::test]
async fn dates_that_are_plausible_stay() {
    for backend in backends().await {
        write_data(&backend, NOW).await;
        let store = &backend.store;
        let before = store.record(test_user(9)).await.expect("the store is up");
        for now in [NOW + YEAR, NOW, NOW.shifted(-1_000)] {
            store.correct_dates(now).await.expect("the store is up");
            assert_eq!(store.record(test_user(9)).await.expect("the store is up").ban, before.ban);
            let reports = store.record(test_user(9)).await.expect("the store is up").reports;
            assert_eq!(reports, before.reports);
        }
    }
}

#[tokio::test]
async fn suspension_by_a_clock_ahead_lasts_no_longer_than_its_length() {
    for backend in backends().await {
        let service = service(&backend);
        write_data(&backend, NOW + 20 * YEAR).await;
        let end = async |user, now| {
            let permissions = service.permissions(test_user(user), now).await;
            permissions.expect("the store is up").suspension
        };
        let until = |time: Duration| Some(Suspension::Until(NOW + time));
        assert_eq!(end(9, NOW).await, until(2 * HOUR), "the ban");
        assert_eq!(end(7, NOW).await, until(Duration::from_secs(60)), "the report");
        let mut purger = Purger::new(Arc::clone(&service));
        for elapsed in [Duration::ZERO, HOUR] {
            purger.run(NOW + elapsed, elapsed).await;
        }
        assert_eq!(end(7, NOW + HOUR + Duration::from_secs(60)).await, None);
        assert_eq!(end(9, NOW + 2 * HOUR).await, until(3 * HOUR));
        assert_eq!(end(9, NOW + 3 * HOUR).await, None);
    }
}

/// An hour of right time, a jump that does not hold, and the return.
#[tokio::test]
async fn clock_that_jumps_neither_deletes_nor_prolongs() {
    for backend in backends().await {
        let service = service(&backend);
        let store = &backend.store;
        let mut purger = Purger::new(Arc::clone(&service));
        for elapsed in [Duration::ZERO, HOUR] {
            purger.run(NOW + elapsed, elapsed).await;
        }
        write_data(&backend, NOW + HOUR).await;
        let before = store.record(test_user(9)).await.expect("the store is up");
        let minute = Duration::from_secs(60);
        // 1970 is a clock that was not set, however long it holds.
        let jumps = [NOW + 20 * YEAR, NOW.shifted(-30_000_000_000), Timestamp::default()];
        for (jumped, elapsed) in jumps.into_iter().zip([1, 2, 3].map(|n| HOUR + n * minute)) {
            purger.run(jumped, elapsed).await;
            assert_eq!(store.record(test_user(9)).await, Ok(before.clone()), "{jumped:?}");
        }
        for hours in 2..9 {
            purger.run(Timestamp::default() + hours * HOUR, hours * HOUR).await;
        }
        assert_eq!(store.record(test_user(9)).await, Ok(before.clone()));
        // Another hour of right time, with a report of the wrong one.
        store.report(Report { at: NOW + YEAR, ..report(4, 9) }).await.expect("the store is up");
        for hours in 9..=10 {
            purger.run(NOW + hours * HOUR, hours * HOUR).await;
        }
        let record = store.record(test_user(9)).await.expect("the store is up");
        let dates: Vec<_> = record.reports.iter().map(|report| report.at).collect();
        assert_eq!((dates, record.ban), (vec![NOW + HOUR, NOW + 10 * HOUR], before.ban));
    }
}
