//! Plays random writes on a store of each kind, and demands equal outcomes, lists, counts and logs.

use jiff::civil::date;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use random_connect::goals::item::id::{ItemId, ItemKind};
use random_connect::goals::item::task::{DueDate, Task};
use random_connect::goals::item::words::{GoalStatus, TaskStatus};
use random_connect::goals::item::{GoalsItem, ItemBody};
use random_connect::goals::journal::action::{
    GoalsAction, ItemDeletion, ItemUpdate, KnownItem, NewItem,
};
use random_connect::goals::journal::patch::{GoalPatch, ItemPatch, TaskPatch};
use random_connect::goals::journal::store::ListFilter;
use random_connect::goals::journal::write::GoalsWrite;

use super::backends::{
    GoalsBackend, START, complete, goal, goals_backends, owner, request, task, write, zoned,
};

const STEPS: u32 = 300;

/// The ids of the items that the first store has.
#[derive(Default)]
struct Known {
    goals: Vec<ItemId>,
    tasks: Vec<ItemId>,
    revision: u64,
}

impl Known {
    fn add(&mut self, item: &GoalsItem) {
        let ids = match item.kind() {
            ItemKind::Goal => &mut self.goals,
            ItemKind::Task => &mut self.tasks,
            _ => return,
        };
        if !ids.contains(&item.id) {
            ids.push(item.id.clone());
        }
    }

    fn task(&self, rng: &mut StdRng) -> Option<ItemId> {
        self.tasks.choose(rng).cloned()
    }

    fn known(&self, rng: &mut StdRng) -> Option<KnownItem> {
        let all: Vec<_> = self.tasks.iter().chain(&self.goals).collect();
        let id = (*all.choose(rng)?).clone();
        let if_rev = rng.random_bool(0.2).then(|| rng.random_range(1..=self.revision.max(1)));
        Some(KnownItem { id, if_rev })
    }
}

fn new_task(rng: &mut StdRng, known: &Known) -> Task {
    let day = rng.random_range(1..28);
    Task {
        goal: known.goals.choose(rng).cloned().filter(|_| rng.random_bool(0.5)),
        parent: known.task(rng).filter(|_| rng.random_bool(0.3)),
        needs: known.task(rng).into_iter().filter(|_| rng.random_bool(0.3)).collect(),
        due: rng.random::<bool>().then(|| DueDate::day(date(2027, 1, day))),
        labels: if rng.random() { vec!["home".to_owned()] } else { Vec::new() },
        ..task(["buy milk", "call mother", "write a letter"].choose(rng).expect("a title"))
    }
}

fn action(rng: &mut StdRng, known: &Known) -> Option<GoalsAction> {
    Some(match rng.random_range(0..10) {
        0 | 1 => {
            let tasks = (0..rng.random_range(1..4)).map(|_| new_task(rng, known));
            GoalsAction::Create(tasks.map(|task| NewItem::new(ItemBody::Task(task))).collect())
        }
        2 => GoalsAction::Create(vec![NewItem::new(ItemBody::Goal(goal("learn")))]),
        3 | 4 => {
            let item = known.known(rng)?;
            let patch = if item.id.kind() == ItemKind::Goal {
                let status = GoalStatus::ALL.choose(rng).copied();
                ItemPatch::Goal(GoalPatch { status, ..GoalPatch::default() })
            } else {
                let status = TaskStatus::ALL.choose(rng).copied().filter(|_| rng.random());
                let add_needs = known.task(rng).into_iter().filter(|_| rng.random()).collect();
                let parent = Some(known.task(rng).filter(|_| rng.random()));
                let patch = TaskPatch { status, add_needs, parent, ..TaskPatch::default() };
                ItemPatch::Task(Box::new(patch))
            };
            GoalsAction::Update(vec![ItemUpdate { item, patch, now: zoned(START) }])
        }
        5 | 6 => complete(&known.task(rng)?, START),
        7 => GoalsAction::Delete(ItemDeletion {
            items: vec![known.known(rng)?],
            with_tasks: rng.random(),
        }),
        8 => GoalsAction::Undo(None),
        _ => GoalsAction::Undo(Some(rng.random_range(1..=known.revision.max(1)))),
    })
}

/// All that a store shows of ann.
async fn shown(backend: &GoalsBackend) -> String {
    let mut shown = String::new();
    for (kind, in_bin) in [
        (ItemKind::Goal, false),
        (ItemKind::Task, false),
        (ItemKind::Task, true),
        (ItemKind::Completion, false),
    ] {
        let filter = ListFilter { in_bin, ..ListFilter::all(kind) };
        let page = backend.store.list(&owner("ann"), &filter, None, 50).await.expect("a list");
        shown = format!("{shown}{page:?}\n");
    }
    let mut counts = backend.store.counts(&owner("ann")).await.expect("counts");
    counts.sort_by_key(|count| (count.kind, count.state));
    let changes = backend.store.changes(&owner("ann"), None, None, 3).await.expect("a log");
    let words = ["milk".to_owned(), "letter".to_owned()];
    let found = backend.store.search(&owner("ann"), ItemKind::Task, &words, 1_000).await;
    let mut ids: Vec<_> = found.expect("matches").into_iter().map(|m| m.item.id).collect();
    ids.sort();
    format!("{shown}{counts:?}\n{changes:?}\n{ids:?}")
}

#[tokio::test]
async fn goals_stores_of_all_kinds_have_equal_outcomes() {
    let backends = goals_backends().await;
    let mut rng = StdRng::seed_from_u64(22);
    let mut known = Known::default();
    for step in 1..=STEPS {
        let Some(action) = action(&mut rng, &known) else { continue };
        let request_id = rng.random_range(0..200).to_string();
        let write = GoalsWrite {
            request: rng.random_bool(0.3).then(|| request(&request_id, "same")),
            dry_run: rng.random_bool(0.1),
            ..write(step, action)
        };
        let expected = backends[0].perform(write.clone()).await;
        let expected_shown = shown(&backends[0]).await;
        for backend in &backends[1..] {
            assert_eq!(
                backend.perform(write.clone()).await,
                expected,
                "{}: {write:?}",
                backend.name
            );
            assert_eq!(shown(backend).await, expected_shown, "{}: {write:?}", backend.name);
        }
        if let Ok(outcome) = expected
            && !write.dry_run
        {
            outcome.items.iter().for_each(|change| known.add(&change.after));
            known.revision = known.revision.max(outcome.revision.unwrap_or_default());
        }
    }
    assert!(known.revision > u64::from(STEPS / 4), "most steps change something");
}
