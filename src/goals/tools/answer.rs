//! Answers of the tools.

use rmcp::model::{CallToolResult, ContentBlock};
use schemars::JsonSchema;
use serde::Serialize;

use super::args::cursor_of;
use super::call::CallScene;
use super::view::{AnswerDate, ItemView, TaskView};
use crate::goals::item::GoalsItem;
use crate::goals::item::task::Task;
use crate::goals::journal::store::ListPage;
use crate::goals::journal::write::WriteOutcome;
use crate::kernel::schema::structured_result;

/// Maximum size of an answer, in bytes: larger ones fill the context of a model.
const MAX_BYTES: usize = 25_000;

/// The answer to a write of one item.
#[derive(Serialize, JsonSchema)]
pub(super) struct ItemAnswer<T> {
    #[serde(flatten)]
    pub item: T,
    /// Hints about what was understood or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(flatten)]
    pub date: AnswerDate,
}

/// The answer to a write of several items.
#[derive(Serialize, JsonSchema)]
pub(super) struct WriteAnswer {
    /// The number of the write, for `undo`; null if nothing was changed.
    pub change_id: Option<u64>,
    /// True if nothing was changed, because `dry_run` was set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The items as they are now; the first ones, if they are too large for an answer.
    pub changed: Vec<ItemView>,
    /// Number of items that were changed and are not in the bin.
    pub changed_count: usize,
    /// The ids of the items that are in the bin now.
    pub deleted: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(flatten)]
    pub date: AnswerDate,
}

impl WriteAnswer {
    pub fn of(outcome: &WriteOutcome, scene: &CallScene, dry_run: bool) -> Self {
        let view = |item: &GoalsItem| ItemView::of(item, &scene.time.now);
        let after = outcome.items.iter().map(|change| &change.after);
        let (deleted, changed): (Vec<_>, Vec<_>) =
            after.filter(|item| view(item).is_some()).partition(|item| item.is_deleted());
        let changed_count = changed.len();
        let changed = within_limit(changed.into_iter().filter_map(view));
        Self {
            change_id: outcome.revision,
            dry_run,
            changed,
            changed_count,
            deleted: deleted.iter().map(|item| item.id.to_string()).collect(),
            notes: Vec::new(),
            date: AnswerDate::of(&scene.time),
        }
    }
}

/// The first views that fit into an answer, at least one.
fn within_limit<T: Serialize>(views: impl Iterator<Item = T>) -> Vec<T> {
    let mut bytes = 0;
    let mut fits = |view: &T| {
        let is_first = bytes == 0;
        bytes += serde_json::to_string(view).map_or(0, |text| text.len());
        is_first || bytes <= MAX_BYTES
    };
    views.take_while(|view| fits(view)).collect()
}

/// A page of a list.
#[derive(Serialize, JsonSchema)]
pub(super) struct ListAnswer<T> {
    /// Number of items that match, on all pages.
    pub total: u64,
    /// True if there are more items than the answer has.
    pub truncated: bool,
    /// Pass it as `cursor` to get the next page; null at the end.
    pub next_cursor: Option<String>,
    /// The items that the list has.
    pub scope: String,
    #[serde(flatten)]
    pub date: AnswerDate,
    pub items: Vec<T>,
}

/// The views of a page that fit into an answer, and the cursor of the next page.
pub(super) fn fitting<T: Serialize>(
    page: ListPage,
    view: impl Fn(&GoalsItem) -> Option<T>,
) -> (Vec<T>, Option<String>) {
    let keyed = page.items.iter().filter_map(|item| Some((view(item)?, item.columns().sort)));
    let (all, views): (Vec<_>, Vec<_>) = keyed.map(|(view, sort)| (sort, view)).unzip();
    let views = within_limit(views.into_iter());
    let is_cut = views.len() < all.len();
    let next = if is_cut { all.into_iter().nth(views.len() - 1) } else { page.next };
    (views, next.as_deref().map(cursor_of))
}

/// An answer as JSON, with a sentence for the user.
pub(super) fn answer(answer: &impl Serialize, prose: String) -> CallToolResult {
    let mut result = structured_result(answer);
    result.content.push(ContentBlock::text(prose));
    result
}

/// The first changed item of a kind.
pub(super) fn changed<'a, T>(
    outcome: &'a WriteOutcome,
    of: impl Fn(&'a GoalsItem) -> Option<T>,
) -> Option<(&'a GoalsItem, T)> {
    outcome.items.iter().find_map(|change| of(&change.after).map(|body| (&change.after, body)))
}

/// The answer with one task.
pub(super) fn task_answer(
    item: &GoalsItem,
    task: &Task,
    scene: &CallScene,
    notes: Vec<String>,
    prose: String,
) -> CallToolResult {
    let shown = ItemAnswer {
        item: TaskView::of(item, task, &scene.time.now),
        notes,
        date: AnswerDate::of(&scene.time),
    };
    answer(&shown, prose)
}
