//! [`check`]: the links of an item lead to items of the owner, and to no circle.

use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::refusal::GoalsRefusal;
use crate::goals::journal::rows::GoalsRows;
use crate::goals::journal::working_set::{Ruled, WorkingSet};

/// Maximum number of items that a chain of parents or needs may have.
const MAX_CHAIN: usize = 1_000;

/// A link that must not lead back to its item.
#[derive(Clone, Copy)]
enum Chain {
    Parent,
    Needs,
}

impl Chain {
    fn next(self, item: &GoalsItem) -> Vec<ItemId> {
        match (self, &item.body) {
            (Self::Parent, ItemBody::Task(task)) => task.parent.iter().cloned().collect(),
            (Self::Parent, ItemBody::Goal(goal)) => goal.parent.iter().cloned().collect(),
            (Self::Needs, ItemBody::Task(task)) => task.needs.clone(),
            _ => Vec::new(),
        }
    }
}

/// Checks the links of an item that differ from those of `before`: a link that was valid may lead to the bin since.
pub(super) async fn check<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    item: &GoalsItem,
    before: Option<&GoalsItem>,
) -> Ruled<(), R> {
    let old = before.map(|before| links(&before.body)).unwrap_or_default();
    let added: Vec<_> = links(&item.body).into_iter().filter(|link| !old.contains(link)).collect();
    for (id, kind) in &added {
        match kind {
            Some(kind) => drop(set.existing(id, *kind).await?),
            None if set.find(id).await?.is_none() => {
                return Err(GoalsRefusal::NotFound(id.clone()).into());
            }
            None => {}
        }
    }
    if !added.is_empty() {
        for chain in [Chain::Parent, Chain::Needs] {
            check_chain(set, item, chain).await?;
        }
    }
    Ok(())
}

/// All links of an item. `None` for one that may lead to any kind.
fn links(body: &ItemBody) -> Vec<(ItemId, Option<ItemKind>)> {
    let mut links = Vec::new();
    let mut add = |ids: &mut dyn Iterator<Item = &ItemId>, kind: Option<ItemKind>| {
        links.extend(ids.map(|id| (id.clone(), kind)));
    };
    match body {
        ItemBody::Goal(goal) => {
            add(&mut goal.area.iter(), Some(ItemKind::Area));
            add(&mut goal.parent.iter(), Some(ItemKind::Goal));
        }
        ItemBody::Task(task) => {
            add(&mut task.goal.iter(), Some(ItemKind::Goal));
            add(&mut task.parent.iter().chain(&task.needs), Some(ItemKind::Task));
        }
        ItemBody::Memory(memory) => {
            add(&mut memory.supersedes.iter(), Some(ItemKind::Memory));
            add(&mut memory.about.iter(), None);
        }
        ItemBody::Area(_) | ItemBody::Completion(_) | ItemBody::Profile(_) => {}
    }
    links
}

async fn check_chain<R: GoalsRows>(
    set: &mut WorkingSet<'_, R>,
    item: &GoalsItem,
    chain: Chain,
) -> Ruled<(), R> {
    for first in chain.next(item) {
        let (mut open, mut seen) = (vec![first.clone()], Vec::new());
        while let Some(id) = open.pop() {
            if id == item.id {
                let refusal = GoalsRefusal::Cycle { item: id, needs: first };
                return Err(refusal.into());
            }
            if seen.contains(&id) || seen.len() >= MAX_CHAIN {
                continue;
            }
            if let Some(next) = set.find(&id).await?.filter(|next| !next.is_deleted()) {
                open.extend(chain.next(&next));
            }
            seen.push(id);
        }
    }
    Ok(())
}
