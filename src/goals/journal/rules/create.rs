//! [`create`]: new items.

use super::references::check;
use crate::goals::item::ItemBody;
use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::journal::action::{NewItem, NewLinks};
use crate::goals::journal::refusal::GoalsRefusal;
use crate::goals::journal::rows::GoalsRows;
use crate::goals::journal::working_set::{RuleStop, Ruled, WorkingSet};

/// The largest number of items of a kind that an owner may have.
const fn limit(kind: ItemKind) -> u64 {
    match kind {
        ItemKind::Area => 100,
        ItemKind::Goal => 10_000,
        ItemKind::Task | ItemKind::Completion => 2_000_000,
        ItemKind::Memory => 500_000,
        ItemKind::Profile => 1,
    }
}

pub(super) async fn create<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    items: Vec<NewItem>,
) -> Ruled<(), R> {
    for kind in ItemKind::ALL {
        let new = items.iter().filter(|item| item.body.kind() == kind).count() as u64;
        if new > 0 {
            let count = set.rows().count(kind).await.map_err(RuleStop::Failed)?;
            if count + new > limit(kind) {
                let (what, limit) = (plural(kind), limit(kind));
                return Err(GoalsRefusal::Full { what, count, limit }.into());
            }
        }
    }
    let mut created: Vec<ItemId> = Vec::with_capacity(items.len());
    for NewItem { mut body, within } in items {
        link(&mut body, within, &created)?;
        let replaced = match &body {
            ItemBody::Memory(memory) => memory.supersedes.clone(),
            _ => None,
        };
        let id = set.create(body);
        let Some(item) = set.find(&id).await? else { continue };
        check(set, &item, None).await?;
        if let Some(replaced) = replaced {
            supersede(set, &replaced, &id).await?;
        }
        created.push(id);
    }
    Ok(())
}

/// Marks a memory as replaced.
async fn supersede<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    replaced: &ItemId,
    by: &ItemId,
) -> Ruled<(), R> {
    let mut item = set.existing(replaced, ItemKind::Memory).await?;
    if let ItemBody::Memory(memory) = &mut item.body {
        if let Some(other) = &memory.superseded_by {
            let text = format!("{replaced} is superseded by {other} already: supersede that one");
            return Err(GoalsRefusal::Invalid(text).into());
        }
        memory.superseded_by = Some(by.clone());
    }
    set.set(item);
    Ok(())
}

/// Puts the ids of items of the same write in the place of their numbers.
fn link(body: &mut ItemBody, within: NewLinks, created: &[ItemId]) -> Result<(), GoalsRefusal> {
    let id = |index: usize| {
        let missing = || GoalsRefusal::Invalid(format!("there is no item {index} before this one"));
        created.get(index).cloned().ok_or_else(missing)
    };
    match body {
        ItemBody::Task(task) => {
            task.goal = within.goal.map(id).transpose()?.or(task.goal.take());
            task.parent = within.parent.map(id).transpose()?.or(task.parent.take());
            for index in within.needs {
                task.needs.push(id(index)?);
            }
        }
        ItemBody::Goal(goal) => {
            goal.parent = within.parent.map(id).transpose()?.or(goal.parent.take());
        }
        _ => {}
    }
    Ok(())
}

const fn plural(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Area => "life areas",
        ItemKind::Goal => "goals",
        ItemKind::Task => "tasks",
        ItemKind::Memory => "memories",
        ItemKind::Completion => "completions",
        ItemKind::Profile => "profiles",
    }
}
