//! [`delete`]: items for the bin.

use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::action::ItemDeletion;
use crate::goals::journal::refusal::GoalsRefusal;
use crate::goals::journal::rows::{GoalsRows, RowLink};
use crate::goals::journal::working_set::{Ruled, WorkingSet};

pub(super) async fn delete<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    deletion: ItemDeletion,
) -> Ruled<(), R> {
    for known in deletion.items {
        let item = set.known(&known).await?;
        match item.kind() {
            ItemKind::Task => delete_task(set, item).await?,
            ItemKind::Goal => delete_goal(set, item, deletion.with_tasks).await?,
            ItemKind::Area => delete_area(set, item).await?,
            ItemKind::Memory => delete_memory(set, item).await?,
            ItemKind::Completion | ItemKind::Profile => {
                let text = format!("{} can't be deleted", item.id);
                return Err(GoalsRefusal::Invalid(text).into());
            }
        }
    }
    Ok(())
}

fn to_bin<R: GoalsRows>(set: &mut WorkingSet<'_, R>, mut item: GoalsItem) {
    item.deleted_at = Some(set.at);
    set.set(item);
}

/// A task goes with its subtasks. Its completions stay, because they did happen.
async fn delete_task<R: GoalsRows>(set: &mut WorkingSet<'_, R>, item: GoalsItem) -> Ruled<(), R> {
    let mut open = vec![item];
    while let Some(item) = open.pop() {
        let subtasks = set.linked(RowLink::Task(&item.id)).await?;
        open.extend(subtasks.into_iter().filter(|item| item.kind() == ItemKind::Task));
        to_bin(set, item);
    }
    Ok(())
}

async fn delete_goal<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    goal: GoalsItem,
    with_tasks: bool,
) -> Ruled<(), R> {
    for mut item in set.linked(RowLink::Goal(&goal.id)).await? {
        match &mut item.body {
            ItemBody::Task(_) if with_tasks => {
                delete_task(set, item).await?;
                continue;
            }
            ItemBody::Task(task) => task.goal = None,
            ItemBody::Goal(part) => part.parent = None,
            _ => continue,
        }
        set.set(item);
    }
    to_bin(set, goal);
    Ok(())
}

async fn delete_area<R: GoalsRows>(set: &mut WorkingSet<'_, R>, area: GoalsItem) -> Ruled<(), R> {
    for mut item in set.linked(RowLink::Area(&area.id)).await? {
        if let ItemBody::Goal(goal) = &mut item.body {
            goal.area = None;
            set.set(item);
        }
    }
    to_bin(set, area);
    Ok(())
}

/// A memory that it has replaced counts again.
async fn delete_memory<R: GoalsRows>(set: &mut WorkingSet<'_, R>, item: GoalsItem) -> Ruled<(), R> {
    if let Some(replaced) = item.memory().and_then(|memory| memory.supersedes.clone()) {
        restore_replaced(set, &replaced).await?;
    }
    to_bin(set, item);
    Ok(())
}

async fn restore_replaced<R: GoalsRows>(set: &mut WorkingSet<'_, R>, id: &ItemId) -> Ruled<(), R> {
    if let Some(mut item) = set.find(id).await? {
        if let ItemBody::Memory(memory) = &mut item.body {
            memory.superseded_by = None;
        }
        set.set(item);
    }
    Ok(())
}
