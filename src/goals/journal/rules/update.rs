//! [`update`]: changes of fields.

use super::complete::{complete_task, reopen};
use super::references::check;
use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::memory::Profile;
use crate::goals::item::words::TaskStatus;
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::action::{ItemUpdate, TaskCompletion};
use crate::goals::journal::patch::{ItemPatch, TaskPatch};
use crate::goals::journal::refusal::GoalsRefusal;
use crate::goals::journal::rows::GoalsRows;
use crate::goals::journal::working_set::{Ruled, WorkingSet};

pub(super) async fn update<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    updates: Vec<ItemUpdate>,
) -> Ruled<(), R> {
    for update in updates {
        if update.item.id.kind() == ItemKind::Profile {
            // It is created by its first change, also after that was undone.
            let found = set.find(&update.item.id).await?;
            if found.is_none_or(|item| item.is_deleted()) {
                let profile = ItemBody::Profile(Profile::default());
                set.set_as_it_was(&ItemId::profile(), profile, None);
            }
        }
        let before = set.known(&update.item).await?;
        apply(set, before, update).await?;
    }
    Ok(())
}

async fn apply<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    before: GoalsItem,
    update: ItemUpdate,
) -> Ruled<(), R> {
    let mut item = before.clone();
    match (&mut item.body, update.patch) {
        (ItemBody::Area(area), ItemPatch::Area(patch)) => patch.apply(area),
        (ItemBody::Goal(goal), ItemPatch::Goal(patch)) => patch.apply(goal, &update.now),
        (ItemBody::Memory(memory), ItemPatch::Memory(patch)) => patch.apply(memory),
        (ItemBody::Profile(profile), ItemPatch::Profile(patch)) => patch.apply(profile),
        (ItemBody::Task(_), ItemPatch::Task(patch)) => {
            return update_task(set, &before, item, *patch, update.now).await;
        }
        (_, patch) => {
            let expected = expected(&patch).name();
            return Err(GoalsRefusal::WrongKind { id: item.id, expected }.into());
        }
    }
    check(set, &item, Some(&before)).await?;
    set.set(item);
    Ok(())
}

async fn update_task<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    before: &GoalsItem,
    mut item: GoalsItem,
    patch: TaskPatch,
    now: jiff::ZonedDateTime,
) -> Ruled<(), R> {
    let ItemBody::Task(task) = &mut item.body else { return Ok(()) };
    let (was, status) = (task.status, patch.status.unwrap_or(task.status));
    patch.apply(task);
    if status != TaskStatus::Completed && was != TaskStatus::Completed {
        task.status = status;
    }
    let id = item.id.clone();
    check(set, &item, Some(before)).await?;
    set.set(item);
    if status == TaskStatus::Completed && was != status {
        let completion =
            TaskCompletion { task: id.into(), occurrence: None, spent_minutes: None, at: now };
        complete_task(set, completion).await?;
    } else if was == TaskStatus::Completed && was != status {
        reopen(set, &id, status).await?;
    }
    Ok(())
}

const fn expected(patch: &ItemPatch) -> ItemKind {
    match patch {
        ItemPatch::Area(_) => ItemKind::Area,
        ItemPatch::Goal(_) => ItemKind::Goal,
        ItemPatch::Task(_) => ItemKind::Task,
        ItemPatch::Memory(_) => ItemKind::Memory,
        ItemPatch::Profile(_) => ItemKind::Profile,
    }
}
