//! The check of all stores behind `/health`, `/ready` and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use random_connect::kernel::clock::ManualClock;
use random_connect::kernel::health::{HealthCheck, StoreHealth};
use random_connect::kernel::store::StoreErrorKind;
use tokio::task::yield_now;

#[tokio::test]
async fn store_check_runs_once_per_second_and_names_what_is_down() {
    let (calls, clock) = (Arc::new(AtomicUsize::new(0)), Arc::new(ManualClock::default()));
    let counted = Arc::clone(&calls);
    let failing = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            yield_now().await;
            Err(StoreErrorKind::Connection.into())
        }
    };
    let checks = vec![
        HealthCheck::new("moderation", || async { Ok(()) }),
        HealthCheck::new("lobby", failing),
    ];
    let health = StoreHealth::new(checks, Arc::clone(&clock) as _);
    let (first, second) = tokio::join!(health.check(), health.check());
    assert_eq!(first, second);
    assert!(!first.all_up());
    assert_eq!(first.down().collect::<Vec<_>>(), ["lobby"]);
    clock.advance(Duration::from_millis(999));
    health.check().await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_millis(1));
    health.check().await;
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}
