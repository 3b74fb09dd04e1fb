//! Lists, counts, the log and deletions.

use std::time::Duration;

use jiff::civil::date;
use random_connect::goals::item::ItemBody;
use random_connect::goals::item::id::ItemKind;
use random_connect::goals::item::task::Task;
use random_connect::goals::item::words::{Priority, TaskStatus};
use random_connect::goals::journal::action::{GoalsAction, ItemDeletion};
use random_connect::goals::journal::store::{GoalsAges, ListFilter, StateCount};

use super::backends::{START, complete, create, due, goals_backends, owner, task, write};

#[tokio::test]
async fn goals_pages_of_a_list_have_each_item_once_in_the_order_of_due_dates_and_priorities() {
    for backend in goals_backends().await {
        let urgent = Task { priority: Priority::Urgent, ..due("urgent", 20) };
        let bodies = [task("whenever"), due("later", 25), due("soon", 20), urgent];
        let action = create(bodies.map(ItemBody::Task));
        backend.perform(write(1, action)).await.expect("created");
        let all = ListFilter::all(ItemKind::Task);
        let (mut titles, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = backend.store.list(&owner("ann"), &all, after.as_deref(), 3).await;
            let page = page.expect("a list");
            assert_eq!(page.total, 4, "{}", backend.name);
            titles.extend(page.items.iter().map(|item| item.task().expect("a task").title.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(titles, ["urgent", "soon", "later", "whenever"], "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_list_has_exactly_the_items_of_its_filter() {
    for backend in goals_backends().await {
        let goal = backend.create(1, ItemBody::Goal(super::backends::goal("sail"))).await;
        let labels = vec!["at_home".to_owned(), "50%".to_owned()];
        let all = [
            Task { goal: Some(goal.id.clone()), ..due("of the goal", 18) },
            Task { labels, ..due("labeled", 19) },
            due("other", 20),
            task("without a date"),
        ];
        let created = backend.perform(write(2, create(all.map(ItemBody::Task)))).await;
        let ids: Vec<_> =
            created.expect("created").items.iter().map(|change| change.id().clone()).collect();
        backend.perform(write(3, complete(&ids[2], START))).await.expect("completed");
        let tasks = ListFilter::all(ItemKind::Task);
        let open = vec![TaskStatus::Todo as u8, TaskStatus::InProgress as u8];
        let label = |label: &str| ListFilter { label: Some(label.to_owned()), ..tasks.clone() };
        for (filter, expected) in [
            (ListFilter { goal: Some(goal.id.clone()), ..tasks.clone() }, vec!["of the goal"]),
            (
                ListFilter { states: open, ..tasks.clone() },
                vec!["of the goal", "labeled", "without a date"],
            ),
            (
                ListFilter { from: Some(date(2027, 1, 19)), ..tasks.clone() },
                vec!["labeled", "other"],
            ),
            (ListFilter { to: Some(date(2027, 1, 18)), ..tasks.clone() }, vec!["of the goal"]),
            (label("50%"), vec!["labeled"]),
            (label("At_Home"), vec!["labeled"]),
            (label("atxhome"), vec![]),
            (label("5"), vec![]),
            (ListFilter { in_bin: true, ..tasks.clone() }, vec![]),
        ] {
            let page = backend.store.list(&owner("ann"), &filter, None, 10).await.expect("a list");
            let titles: Vec<_> =
                page.items.iter().map(|item| item.task().expect("a task").title.as_str()).collect();
            assert_eq!(titles, expected, "{}: {filter:?}", backend.name);
            assert_eq!(page.total, expected.len() as u64, "{}: {filter:?}", backend.name);
        }
    }
}

#[tokio::test]
async fn goals_counts_follow_every_write() {
    for backend in goals_backends().await {
        let created = backend
            .perform(write(1, create(["a", "b", "c"].map(|t| ItemBody::Task(task(t))))))
            .await;
        let ids: Vec<_> =
            created.expect("created").items.iter().map(|change| change.id().clone()).collect();
        backend.perform(write(2, complete(&ids[0], START))).await.expect("completed");
        let deletion = ItemDeletion { items: vec![ids[1].clone().into()], with_tasks: false };
        backend.perform(write(3, GoalsAction::Delete(deletion))).await.expect("deleted");
        let mut counts = backend.store.counts(&owner("ann")).await.expect("counts");
        counts.sort_by_key(|count| (count.kind, count.state));
        let count = |kind, state: u8| StateCount { kind, state, count: 1 };
        let expected = [
            count(ItemKind::Task, TaskStatus::Todo as u8),
            count(ItemKind::Task, TaskStatus::Completed as u8),
            count(ItemKind::Completion, 0),
        ];
        assert_eq!(counts, expected, "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_search_finds_word_forms_and_takes_operators_as_words() {
    for backend in goals_backends().await {
        let texts = ["Plan the hiking trip", "Buy milk OR bread", "Call \"Ann\" (again)"];
        let action = create(texts.map(|title| ItemBody::Task(task(title))));
        backend.perform(write(1, action)).await.expect("created");
        for (words, expected) in [
            (vec!["trip"], "Plan the hiking trip"),
            (vec!["milk", "or"], "Buy milk OR bread"),
            (vec!["ann", "\"", "(", "NEAR("], "Call \"Ann\" (again)"),
        ] {
            let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
            let found = backend.store.search(&owner("ann"), ItemKind::Task, &words, 5).await;
            let found = found.expect("an answer");
            let first = found.first().expect("a match").item.task().expect("a task").title.as_str();
            assert_eq!(first, expected, "{}: {words:?}", backend.name);
        }
    }
}

#[tokio::test]
async fn goals_log_has_the_changes_of_an_item_the_last_one_first() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(task("a"))).await;
        backend.create(2, ItemBody::Task(task("b"))).await;
        backend.perform(write(3, complete(&item.id, START))).await.expect("completed");
        let numbers = async |item: Option<_>, before| {
            let changes = backend.store.changes(&owner("ann"), item, before, 2).await;
            changes.expect("a log").iter().map(|change| change.revision).collect::<Vec<_>>()
        };
        assert_eq!(numbers(None, None).await, [3, 2], "{}", backend.name);
        assert_eq!(numbers(None, Some(2)).await, [1]);
        assert_eq!(numbers(Some(&item.id), None).await, [3, 1]);
    }
}

#[tokio::test]
async fn goals_purge_deletes_what_is_too_old_and_nothing_else() {
    for backend in goals_backends().await {
        let old = backend.create(1, ItemBody::Task(task("old"))).await;
        let recent = backend.create(2, ItemBody::Task(task("recent"))).await;
        let deletion = ItemDeletion { items: vec![old.id.clone().into()], with_tasks: false };
        backend.perform(write(3, GoalsAction::Delete(deletion))).await.expect("deleted");
        let ages = |seconds| {
            let at = START + Duration::from_secs(seconds);
            GoalsAges { bin: at, log: at, requests: at }
        };
        assert_eq!(backend.store.purge(ages(1), 10).await, Ok(0), "{}", backend.name);
        assert!(backend.store.purge(ages(10), 10).await.expect("purged") >= 4);
        let left = backend.store.items(&owner("ann"), &[old.id.clone(), recent.id.clone()]).await;
        assert_eq!(left, Ok(vec![recent.clone()]), "{}", backend.name);
        assert_eq!(backend.store.changes(&owner("ann"), None, None, 5).await, Ok(Vec::new()));
        assert_eq!(backend.store.revision(&owner("ann")).await, Ok(3), "numbers never repeat");
    }
}

#[tokio::test]
async fn goals_erase_leaves_nothing_of_an_owner_and_all_of_others() {
    for backend in goals_backends().await {
        backend.create(1, ItemBody::Task(task("a secret"))).await;
        let of_ben = create([ItemBody::Task(task("a plan"))]);
        backend.perform_for("ben", write(2, of_ben)).await.expect("created");
        assert_eq!(backend.store.erase(&owner("ann")).await, Ok(1), "{}", backend.name);
        let all = ListFilter::all(ItemKind::Task);
        for (name, total) in [("ann", 0), ("ben", 1)] {
            let page = backend.store.list(&owner(name), &all, None, 5).await.expect("a list");
            assert_eq!(page.total, total, "{}", backend.name);
        }
        let words = ["secret".to_owned()];
        let found = backend.store.search(&owner("ann"), ItemKind::Task, &words, 5).await;
        assert_eq!(found, Ok(Vec::new()));
        let again = backend.create(3, ItemBody::Task(task("again"))).await;
        assert!(again.rev > 1, "numbers never repeat");
    }
}
