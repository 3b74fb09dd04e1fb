//! Tasks that repeat: only a completion moves them.

use jiff::civil::date;
use random_connect::goals::item::ItemBody;
use random_connect::goals::item::id::ItemKind;
use random_connect::goals::item::task::{DueDate, Task};
use random_connect::goals::item::words::TaskStatus;
use random_connect::goals::journal::action::{GoalsAction, ItemUpdate, TaskCompletion};
use random_connect::goals::journal::patch::{ItemPatch, TaskPatch};
use random_connect::goals::journal::store::ListFilter;
use random_connect::goals::service::dates::due;
use random_connect::kernel::clock::Timestamp;

use super::backends::{GoalsBackend, START, complete, goals_backends, owner, task, write, zoned};

/// A task that repeats as the phrase says, on Friday, January 15, 2027.
fn repeating(phrase: &str) -> Task {
    let meaning = due("due_date", phrase, &zoned(START)).expect("a date");
    Task { due: Some(meaning.due), series: meaning.series, ..task("water the plants") }
}

async fn pending(backend: &GoalsBackend, id: &random_connect::goals::item::id::ItemId) -> Task {
    backend.item(id).await.task().expect("a task").clone()
}

#[tokio::test]
async fn goals_completion_of_a_repeating_task_moves_it_to_its_next_date() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(repeating("every monday"))).await;
        for (seconds, day) in [(2, 25), (3, 32)] {
            let outcome = backend.perform(write(seconds, complete(&item.id, START))).await;
            assert_eq!(outcome.expect("completed").items.len(), 2);
            let task = pending(&backend, &item.id).await;
            let next = date(2027, 1, 1).saturating_add(jiff::ToSpan::days(day - 1));
            assert_eq!(task.due, Some(DueDate::day(next)), "{}", backend.name);
            assert_eq!(task.status, TaskStatus::Todo);
        }
        let completions = ListFilter::all(ItemKind::Completion);
        let page = backend.store.list(&owner("ann"), &completions, None, 5).await.expect("a list");
        assert_eq!(page.total, 2);
    }
}

#[tokio::test]
async fn goals_occurrence_that_is_named_is_completed_at_most_once() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(repeating("every monday"))).await;
        let named = |day| {
            GoalsAction::Complete(TaskCompletion {
                task: item.id.clone().into(),
                occurrence: Some(date(2027, 1, day)),
                spent_minutes: None,
                at: zoned(START),
            })
        };
        backend.perform(write(2, named(18))).await.expect("completed");
        let again = backend.perform(write(3, named(18))).await;
        assert!(again.is_err(), "{}: {again:?}", backend.name);
        assert!(backend.perform(write(4, named(19))).await.is_err(), "no Monday");
        assert_eq!(pending(&backend, &item.id).await.due, Some(DueDate::day(date(2027, 1, 25))));
    }
}

#[tokio::test]
async fn goals_new_due_date_does_not_end_the_repetition() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(repeating("every monday"))).await;
        let moved =
            TaskPatch { due: Some(Some(DueDate::day(date(2027, 1, 20)))), ..TaskPatch::default() };
        let update = ItemUpdate {
            item: item.id.clone().into(),
            patch: ItemPatch::Task(Box::new(moved)),
            now: zoned(START),
        };
        backend.perform(write(2, GoalsAction::Update(vec![update]))).await.expect("moved");
        backend.perform(write(3, complete(&item.id, START))).await.expect("completed");
        let task = pending(&backend, &item.id).await;
        assert_eq!(task.due, Some(DueDate::day(date(2027, 1, 25))), "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_completion_after_missed_dates_goes_on_after_today_and_counts_them() {
    let three_weeks = Timestamp::from_millis(START.as_millis() + 21 * 24 * 3_600_000);
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(repeating("every monday"))).await;
        let done = backend.perform(write(2, complete(&item.id, three_weeks))).await;
        let done = done.expect("completed").items;
        let completion = done.iter().find_map(|change| match &change.after.body {
            ItemBody::Completion(completion) => Some(completion.clone()),
            _ => None,
        });
        let completion = completion.expect("a completion");
        // January 18 and 25 are missed, February 1 is done on February 5.
        assert_eq!((completion.missed, completion.on_time), (2, Some(false)));
        assert_eq!(completion.occurrence, Some(date(2027, 2, 1)), "{}", backend.name);
        assert_eq!(pending(&backend, &item.id).await.due, Some(DueDate::day(date(2027, 2, 8))));
    }
}

#[tokio::test]
async fn goals_repetition_with_an_end_completes_its_task() {
    for backend in goals_backends().await {
        let task = repeating("every monday for 2 times");
        let item = backend.create(1, ItemBody::Task(task)).await;
        backend.perform(write(2, complete(&item.id, START))).await.expect("completed");
        assert_eq!(pending(&backend, &item.id).await.status, TaskStatus::Todo);
        backend.perform(write(3, complete(&item.id, START))).await.expect("completed");
        let task = pending(&backend, &item.id).await;
        assert_eq!((task.status, task.completed_at), (TaskStatus::Completed, Some(START)));
        assert!(backend.perform(write(4, complete(&item.id, START))).await.is_err());
    }
}
