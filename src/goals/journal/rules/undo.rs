//! [`undo`]: takes a write back.

use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::journal::change::GoalsChange;
use crate::goals::journal::refusal::GoalsRefusal;
use crate::goals::journal::rows::{GoalsRows, RowLink};
use crate::goals::journal::working_set::{RuleStop, Ruled, WorkingSet};

/// Puts the items of a write back as they were. Returns the number of the write.
pub(super) async fn undo<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    actor: &str,
    revision: Option<u64>,
) -> Ruled<u64, R> {
    let rows = set.rows();
    let change = match revision {
        Some(revision) => rows.change(revision).await,
        None => rows.last_change(actor).await,
    };
    let change = change.map_err(RuleStop::Failed)?.ok_or(GoalsRefusal::NothingToUndo)?;
    let GoalsChange { revision, undone_by, items, .. } = change;
    if undone_by.is_some() {
        return Err(GoalsRefusal::AlreadyUndone(revision).into());
    }
    for change in items.into_iter().rev() {
        let id = change.id().clone();
        let current = set.find(&id).await?.ok_or_else(|| GoalsRefusal::NotFound(id.clone()))?;
        // Not the revisions: an undo of a later write has raised them.
        let is_same =
            current.body == change.after.body && current.is_deleted() == change.after.is_deleted();
        let is_creation = change.before.is_none();
        if !is_same || (is_creation && has_parts(set, &id).await?) {
            let current = Box::new(current);
            return Err(GoalsRefusal::ChangedSince { revision, current }.into());
        }
        if let Some(before) = change.before {
            set.set_as_it_was(&id, before.body, before.deleted_at);
        } else {
            let at = set.at;
            set.set_as_it_was(&id, current.body, Some(at));
        }
    }
    Ok(revision)
}

/// Whether other items have been put into an item.
async fn has_parts<R: GoalsRows>(set: &mut WorkingSet<'_, R>, id: &ItemId) -> Ruled<bool, R> {
    let link = match id.kind() {
        ItemKind::Goal => RowLink::Goal(id),
        ItemKind::Task => RowLink::Task(id),
        ItemKind::Area => RowLink::Area(id),
        ItemKind::Memory | ItemKind::Completion | ItemKind::Profile => return Ok(false),
    };
    Ok(!set.linked(link).await?.is_empty())
}
