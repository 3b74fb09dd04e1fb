//! Writes: what they change, what they refuse, and their answers to repetitions.

use random_connect::goals::item::ItemBody;
use random_connect::goals::item::id::ItemKind;
use random_connect::goals::item::memory::UserMemory;
use random_connect::goals::item::task::Task;
use random_connect::goals::item::words::{GoalStatus, TaskStatus};
use random_connect::goals::journal::action::{
    GoalsAction, ItemDeletion, ItemUpdate, KnownItem, NewItem, NewLinks,
};
use random_connect::goals::journal::change::ItemChange;
use random_connect::goals::journal::patch::{GoalPatch, ItemPatch, TaskPatch};
use random_connect::goals::journal::refusal::GoalsRefusal;
use random_connect::goals::journal::rules::REQUEST_ID_TTL;
use random_connect::goals::journal::store::ListFilter;
use random_connect::goals::journal::write::GoalsWrite;

use super::backends::{
    START, complete, create, due, goal, goals_backends, owner, request, task, write, zoned,
};

fn update(item: KnownItem, patch: TaskPatch) -> GoalsAction {
    let patch = ItemPatch::Task(Box::new(patch));
    GoalsAction::Update(vec![ItemUpdate { item, patch, now: zoned(START) }])
}

fn titled(title: &str) -> TaskPatch {
    TaskPatch { title: Some(title.to_owned()), ..TaskPatch::default() }
}

#[tokio::test]
async fn goals_writes_have_numbers_without_gaps_and_items_have_those_of_their_last_write() {
    for backend in goals_backends().await {
        let first = backend.create(1, ItemBody::Goal(goal("learn to sail"))).await;
        let second = backend.create(2, ItemBody::Task(due("buy a book", 20))).await;
        assert_eq!((first.rev, second.rev), (1, 2), "{}", backend.name);
        let missing = update(KnownItem { id: second.id.clone(), if_rev: Some(1) }, titled("x"));
        assert!(backend.perform(write(3, missing)).await.is_err());
        let same = update(second.id.clone().into(), titled("buy a book"));
        let unchanged = backend.perform(write(4, same)).await.expect("accepted");
        assert_eq!((unchanged.revision, unchanged.items.len()), (None, 0));
        let third = update(second.id.clone().into(), titled("borrow a book"));
        let changed = backend.perform(write(5, third)).await.expect("changed");
        assert_eq!(changed.revision, Some(3), "{}", backend.name);
        assert_eq!(backend.store.revision(&owner("ann")).await, Ok(3));
        assert_eq!(backend.item(&second.id).await.rev, 3);
    }
}

#[tokio::test]
async fn goals_write_with_an_id_is_executed_once_and_answered_the_same_for_a_day() {
    for backend in goals_backends().await {
        let repeated = |seconds, fingerprint| GoalsWrite {
            request: Some(request("one", fingerprint)),
            ..write(seconds, create([ItemBody::Task(task("call home"))]))
        };
        let first = backend.perform(repeated(1, "a")).await.expect("created");
        assert_eq!(backend.perform(repeated(2, "a")).await.expect("the same"), first);
        assert_eq!(backend.perform(repeated(3, "b")).await, Err(GoalsRefusal::RequestIdUsed));
        let day = u32::try_from(REQUEST_ID_TTL.as_secs()).expect("a day");
        let later = backend.perform(repeated(day + 2, "b")).await.expect("created");
        assert_ne!(later.items[0].after.id, first.items[0].after.id, "{}", backend.name);
        assert_eq!(backend.store.revision(&owner("ann")).await, Ok(2));
    }
}

#[tokio::test]
async fn goals_write_that_is_refused_or_only_tried_changes_nothing() {
    for backend in goals_backends().await {
        let known = backend.create(1, ItemBody::Task(task("known"))).await;
        let missing = "t0000000000000000".parse().expect("an id");
        let batch = GoalsAction::Create(vec![
            NewItem::new(ItemBody::Task(task("first"))),
            NewItem::new(ItemBody::Task(Task { needs: vec![missing], ..task("second") })),
        ]);
        assert!(backend.perform(write(2, batch)).await.is_err());
        let stale = update(KnownItem { id: known.id.clone(), if_rev: Some(7) }, titled("new"));
        let refused = backend.perform(write(3, stale)).await;
        assert!(matches!(refused, Err(GoalsRefusal::Stale { known: 7, .. })), "{refused:?}");
        let tried =
            GoalsWrite { dry_run: true, ..write(4, create([ItemBody::Task(task("only tried"))])) };
        assert_eq!(backend.perform(tried).await.expect("an answer").items.len(), 1);
        let all = ListFilter::all(ItemKind::Task);
        let page = backend.store.list(&owner("ann"), &all, None, 10).await.expect("a list");
        assert_eq!((page.total, page.items), (1, vec![known]), "{}", backend.name);
        assert_eq!(backend.store.revision(&owner("ann")).await, Ok(1));
    }
}

#[tokio::test]
async fn goals_items_of_one_owner_do_not_exist_for_another() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(task("secret plan"))).await;
        let change = update(item.id.clone().into(), titled("mine"));
        let refused = backend.perform_for("ben", write(2, change)).await;
        assert_eq!(refused, Err(GoalsRefusal::NotFound(item.id.clone())));
        let ben = owner("ben");
        let words = ["secret".to_owned(), "plan".to_owned()];
        let found = backend.store.search(&ben, ItemKind::Task, &words, 5).await;
        assert_eq!(found, Ok(Vec::new()));
        assert_eq!(backend.store.items(&ben, std::slice::from_ref(&item.id)).await, Ok(Vec::new()));
        assert_eq!(backend.store.changes(&ben, None, None, 5).await, Ok(Vec::new()));
        let own = backend.store.search(&owner("ann"), ItemKind::Task, &words, 5).await;
        assert_eq!(own.expect("found")[0].item, item, "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_links_that_form_a_circle_are_refused() {
    for backend in goals_backends().await {
        let first = backend.create(1, ItemBody::Task(task("first"))).await;
        let needs_first = Task { needs: vec![first.id.clone()], ..task("second") };
        let second = backend.create(2, ItemBody::Task(needs_first)).await;
        let needs_second = Task { needs: vec![second.id.clone()], ..task("third") };
        let third = backend.create(3, ItemBody::Task(needs_second)).await;
        for id in [&third.id, &first.id] {
            let circle = TaskPatch { add_needs: vec![id.clone()], ..TaskPatch::default() };
            let refused = backend.perform(write(4, update(first.id.clone().into(), circle))).await;
            assert!(matches!(refused, Err(GoalsRefusal::Cycle { .. })), "{refused:?}");
        }
        let within = |needs: Vec<usize>| NewItem {
            body: ItemBody::Task(task("planned")),
            within: NewLinks { needs, ..NewLinks::default() },
        };
        let plan = GoalsAction::Create(vec![within(vec![]), within(vec![0]), within(vec![0, 1])]);
        let created = backend.perform(write(5, plan)).await.expect("created").items;
        let last = created[2].after.task().expect("a task");
        assert_eq!(last.needs, [created[0].id().clone(), created[1].id().clone()]);
        let forward = GoalsAction::Create(vec![within(vec![1]), within(vec![])]);
        assert!(backend.perform(write(6, forward)).await.is_err(), "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_deletion_of_a_goal_leaves_its_tasks_unless_they_shall_go_with_it() {
    for backend in goals_backends().await {
        for with_tasks in [false, true] {
            let start = 100 * u32::from(with_tasks);
            let sail = backend.create(start + 1, ItemBody::Goal(goal("sail"))).await;
            let of_goal = Task { goal: Some(sail.id.clone()), ..task("rent a boat") };
            let boat = backend.create(start + 2, ItemBody::Task(of_goal)).await;
            let part = Task { parent: Some(boat.id.clone()), ..task("call the harbor") };
            let call = backend.create(start + 3, ItemBody::Task(part)).await;
            let deletion = ItemDeletion { items: vec![sail.id.clone().into()], with_tasks };
            let deleted = backend.perform(write(start + 4, GoalsAction::Delete(deletion))).await;
            assert_eq!(deleted.expect("deleted").items.len(), if with_tasks { 3 } else { 2 });
            for id in [&boat.id, &call.id] {
                assert_eq!(backend.item(id).await.is_deleted(), with_tasks, "{}", backend.name);
            }
            assert!(backend.item(&sail.id).await.is_deleted());
            let left = backend.item(&boat.id).await.task().expect("a task").goal.clone();
            assert_eq!(left.is_some(), with_tasks);
        }
    }
}

#[tokio::test]
async fn goals_task_that_is_reopened_loses_its_completion() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(due("pay the rent", 20))).await;
        let done = backend.perform(write(2, complete(&item.id, START))).await.expect("completed");
        assert_eq!(done.items[0].after.task().expect("a task").status, TaskStatus::Completed);
        assert!(backend.perform(write(3, complete(&item.id, START))).await.is_err(), "only once");
        let completions = ListFilter::all(ItemKind::Completion);
        let count = async |expected: u64| {
            let page = backend.store.list(&owner("ann"), &completions, None, 5).await;
            assert_eq!(page.expect("a list").total, expected, "{}", backend.name);
        };
        count(1).await;
        let open = TaskPatch { status: Some(TaskStatus::Todo), ..TaskPatch::default() };
        backend.perform(write(4, update(item.id.clone().into(), open))).await.expect("open");
        count(0).await;
        let close = TaskPatch { status: Some(TaskStatus::Completed), ..TaskPatch::default() };
        backend.perform(write(5, update(item.id.clone().into(), close))).await.expect("done");
        count(1).await;
    }
}

#[tokio::test]
async fn goals_goal_has_the_time_of_its_completion_while_it_is_completed() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Goal(goal("read more"))).await;
        let set = |status| {
            let patch = ItemPatch::Goal(GoalPatch { status: Some(status), ..GoalPatch::default() });
            GoalsAction::Update(vec![ItemUpdate {
                item: item.id.clone().into(),
                patch,
                now: zoned(START),
            }])
        };
        for (seconds, status, at) in [
            (2, GoalStatus::Completed, Some(START)),
            (3, GoalStatus::InProgress, None),
            (4, GoalStatus::Dropped, None),
        ] {
            backend.perform(write(seconds, set(status))).await.expect("changed");
            let goal = backend.item(&item.id).await.goal().expect("a goal").clone();
            assert_eq!((goal.status, goal.completed_at), (status, at), "{}", backend.name);
        }
    }
}

#[tokio::test]
async fn goals_memory_that_replaces_another_marks_it_until_it_is_deleted() {
    for backend in goals_backends().await {
        let memory =
            |content: &str| UserMemory { content: content.to_owned(), ..UserMemory::default() };
        let old = backend.create(1, ItemBody::Memory(memory("lives in Rome"))).await;
        let newer = UserMemory { supersedes: Some(old.id.clone()), ..memory("lives in Oslo") };
        let new = backend.perform(write(2, create([ItemBody::Memory(newer.clone())]))).await;
        let new = new.expect("created").items;
        let id = new.iter().map(ItemChange::id).find(|id| **id != old.id).expect("new");
        let by = async || backend.item(&old.id).await.memory().expect("one").superseded_by.clone();
        assert_eq!(by().await.as_ref(), Some(id));
        let again = backend.perform(write(3, create([ItemBody::Memory(newer)]))).await;
        assert!(matches!(again, Err(GoalsRefusal::Invalid(_))), "{again:?}");
        let deletion = ItemDeletion { items: vec![id.clone().into()], with_tasks: false };
        backend.perform(write(4, GoalsAction::Delete(deletion))).await.expect("deleted");
        assert_eq!(by().await, None, "{}", backend.name);
    }
}
