//! Undo: a write is taken back as a whole, or not at all.

use random_connect::goals::item::ItemBody;
use random_connect::goals::item::id::ItemKind;
use random_connect::goals::item::words::TaskStatus;
use random_connect::goals::journal::action::{GoalsAction, ItemDeletion, ItemUpdate};
use random_connect::goals::journal::patch::{ItemPatch, TaskPatch};
use random_connect::goals::journal::refusal::GoalsRefusal;
use random_connect::goals::journal::store::ListFilter;
use random_connect::goals::journal::write::GoalsWrite;

use super::backends::{START, complete, due, goals_backends, owner, task, write, zoned};

fn rename(id: &random_connect::goals::item::id::ItemId, title: &str) -> GoalsAction {
    let patch = TaskPatch { title: Some(title.to_owned()), ..TaskPatch::default() };
    GoalsAction::Update(vec![ItemUpdate {
        item: id.clone().into(),
        patch: ItemPatch::Task(Box::new(patch)),
        now: zoned(START),
    }])
}

#[tokio::test]
async fn goals_undo_without_a_number_takes_back_one_write_after_the_other() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(task("one"))).await;
        let title = async || backend.item(&item.id).await.task().expect("a task").title.clone();
        backend.perform(write(2, rename(&item.id, "two"))).await.expect("changed");
        backend.perform(write(3, rename(&item.id, "three"))).await.expect("changed");
        let undone = backend.perform(write(4, GoalsAction::Undo(None))).await.expect("undone");
        assert_eq!((undone.undoes, title().await.as_str()), (Some(3), "two"), "{}", backend.name);
        backend.perform(write(5, GoalsAction::Undo(None))).await.expect("undone");
        assert_eq!(title().await, "one");
        backend.perform(write(6, GoalsAction::Undo(None))).await.expect("undone");
        assert!(backend.item(&item.id).await.is_deleted(), "it was created");
        let nothing = backend.perform(write(7, GoalsAction::Undo(None))).await;
        assert_eq!(nothing, Err(GoalsRefusal::NothingToUndo));
        let twice = backend.perform(write(8, GoalsAction::Undo(Some(3)))).await;
        assert_eq!(twice, Err(GoalsRefusal::AlreadyUndone(3)));
        let redone = backend.perform(write(9, GoalsAction::Undo(Some(6)))).await.expect("redone");
        assert_eq!((redone.undoes, backend.item(&item.id).await.is_deleted()), (Some(6), false));
    }
}

#[tokio::test]
async fn goals_undo_is_refused_while_a_later_write_of_the_same_item_stands() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(task("one"))).await;
        backend.perform(write(2, rename(&item.id, "two"))).await.expect("changed");
        let refused = backend.perform(write(3, GoalsAction::Undo(Some(1)))).await;
        let stands = matches!(refused, Err(GoalsRefusal::ChangedSince { revision: 1, .. }));
        assert!(stands, "{}: {refused:?}", backend.name);
        assert_eq!(backend.item(&item.id).await.task().expect("a task").title, "two");
    }
}

#[tokio::test]
async fn goals_undo_of_a_creation_is_refused_while_others_belong_to_the_item() {
    for backend in goals_backends().await {
        let parent = backend.create(1, ItemBody::Task(task("parent"))).await;
        let mut part = task("part");
        part.parent = Some(parent.id.clone());
        backend.create(2, ItemBody::Task(part)).await;
        let refused = backend.perform(write(3, GoalsAction::Undo(Some(1)))).await;
        assert!(matches!(refused, Err(GoalsRefusal::ChangedSince { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn goals_undo_of_a_completion_opens_the_task_and_removes_the_completion() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(due("water the plants", 15))).await;
        backend.perform(write(2, complete(&item.id, START))).await.expect("completed");
        backend.perform(write(3, GoalsAction::Undo(None))).await.expect("undone");
        let task = backend.item(&item.id).await.task().expect("a task").clone();
        assert_eq!((task.status, task.completed_at), (TaskStatus::Todo, None));
        let completions = ListFilter::all(ItemKind::Completion);
        let page = backend.store.list(&owner("ann"), &completions, None, 5).await.expect("a list");
        assert_eq!(page.total, 0, "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_undo_of_a_deletion_brings_all_items_and_their_words_back() {
    for backend in goals_backends().await {
        let item = backend.create(1, ItemBody::Task(task("repair the bicycle"))).await;
        let deletion = ItemDeletion { items: vec![item.id.clone().into()], with_tasks: true };
        backend.perform(write(2, GoalsAction::Delete(deletion))).await.expect("deleted");
        let words = ["bicycle".to_owned()];
        let found = async || {
            let found = backend.store.search(&owner("ann"), ItemKind::Task, &words, 5).await;
            found.expect("an answer").len()
        };
        assert_eq!(found().await, 0);
        backend.perform(write(3, GoalsAction::Undo(None))).await.expect("undone");
        assert_eq!(found().await, 1, "{}", backend.name);
    }
}

#[tokio::test]
async fn goals_undo_takes_back_only_the_writes_of_its_actor() {
    for backend in goals_backends().await {
        backend.create(1, ItemBody::Task(task("of ann"))).await;
        let of_admin = |action| GoalsWrite { actor: "admin".to_owned(), ..write(2, action) };
        let nothing = backend.perform(of_admin(GoalsAction::Undo(None))).await;
        assert_eq!(nothing, Err(GoalsRefusal::NothingToUndo), "{}", backend.name);
        assert!(backend.perform(of_admin(GoalsAction::Undo(Some(1)))).await.is_ok(), "by number");
    }
}
