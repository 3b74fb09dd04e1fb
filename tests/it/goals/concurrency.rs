//! Many writers at once.

use std::collections::HashSet;

use futures_util::future::join_all;
use random_connect::goals::item::ItemBody;
use random_connect::goals::item::id::ItemKind;
use random_connect::goals::journal::store::ListFilter;
use random_connect::goals::journal::write::GoalsWrite;

use super::backends::{create, goals_backends, owner, request, task, write};

/// Number of writers, and of writes of each.
const WRITERS: u32 = 20;
const WRITES: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goals_writers_at_once_lose_nothing_and_get_numbers_of_their_own() {
    for backend in goals_backends().await {
        let writer = |number: u32| {
            let store = std::sync::Arc::clone(&backend.store);
            tokio::spawn(async move {
                let mut revisions = Vec::new();
                for count in 0..WRITES {
                    let title = format!("task {count} of {number}");
                    let write =
                        write(number * WRITES + count, create([ItemBody::Task(task(&title))]));
                    let outcome =
                        store.perform(&owner("ann"), write).await.expect("the store is up");
                    revisions.push(outcome.expect("created").revision.expect("a number"));
                }
                revisions
            })
        };
        let revisions = join_all((0..WRITERS).map(writer)).await;
        let revisions: HashSet<u64> =
            revisions.into_iter().flat_map(|revisions| revisions.expect("no panic")).collect();
        let total = u64::from(WRITERS * WRITES);
        assert_eq!(revisions, (1..=total).collect(), "{}", backend.name);
        let all = ListFilter::all(ItemKind::Task);
        let page = backend.store.list(&owner("ann"), &all, None, 1).await.expect("a list");
        assert_eq!(page.total, total, "{}", backend.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goals_write_that_is_sent_many_times_at_once_is_executed_once() {
    for backend in goals_backends().await {
        let attempts = (0..WRITERS).map(|number| {
            let write = GoalsWrite {
                request: Some(request("one", "same")),
                ..write(number, create([ItemBody::Task(task("once"))]))
            };
            backend.perform(write)
        });
        let outcomes = join_all(attempts).await;
        let ids: HashSet<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("created").items[0].id().clone())
            .collect();
        assert_eq!(ids.len(), 1, "{}", backend.name);
        assert_eq!(backend.store.revision(&owner("ann")).await, Ok(1), "{}", backend.name);
    }
}
