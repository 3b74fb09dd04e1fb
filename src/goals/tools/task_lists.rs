//! Tools that read tasks.

use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};

use super::GoalsTools;
use super::answer::{ItemAnswer, ListAnswer, answer, fitting, task_answer};
use super::args::{day, sort_key, text};
use super::call::{CallScene, error_text};
use super::task_args::{ListTasksArgs, TaskArgs};
use super::view::{AnswerDate, TaskView, id};
use crate::goals::item::GoalsItem;
use crate::goals::item::id::ItemKind;
use crate::goals::item::words::TaskStatus;
use crate::goals::journal::store::ListFilter;
use crate::kernel::arguments::Arguments;
use crate::kernel::schema::{input_schema, output_schema};
use crate::kernel::toolset::CallPrincipal;

/// Maximum number of tasks of a day that are looked at for the number of overdue ones.
const MAX_TODAY: usize = 1_000;

#[tool_router(router = task_list_tools, vis = "pub(super)")]
impl GoalsTools {
    #[tool(
        title = "List tasks",
        annotations(read_only_hint = true),
        description = "Lists tasks, the next due date first.",
        input_schema = input_schema::<ListTasksArgs>(),
        output_schema = output_schema::<ListAnswer<TaskView>>()
    )]
    async fn list_tasks(
        &self,
        Arguments(args): Arguments<ListTasksArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let now = &scene.time.now;
        let date = |argument, phrase: &Option<String>| {
            phrase.as_deref().map(|phrase| day(argument, phrase, now)).transpose()
        };
        let on = date("due_date", &args.due_date)?;
        let is_overdue = args.overdue.unwrap_or(false);
        let states: Vec<u8> = match args.status {
            Some(status) => vec![status as u8],
            None if is_overdue => vec![TaskStatus::Todo as u8, TaskStatus::InProgress as u8],
            None => Vec::new(),
        };
        let until = date("due_until", &args.due_until)?.or(on);
        let filter = ListFilter {
            states,
            goal: args.goal_id.as_deref().map(|text| id("goal_id", text)).transpose()?,
            task: args.parent_id.as_deref().map(|text| id("parent_id", text)).transpose()?,
            from: date("due_from", &args.due_from)?.or(on),
            to: if is_overdue { Some(until.unwrap_or(now.date()).min(now.date())) } else { until },
            label: args.label.as_deref().map(|label| text("label", label, 1, 50)).transpose()?,
            ..ListFilter::all(ItemKind::Task)
        };
        let after = sort_key(args.cursor.as_ref())?;
        let limit = args.limit.unwrap_or(20).clamp(1, 100);
        let page = self.service.list(&scene.caller, &filter, after.as_deref(), limit).await;
        let page = page.map_err(error_text)?;
        let later = if is_overdue { self.due_later_today(&scene, &filter).await? } else { 0 };
        let total = page.total.saturating_sub(later);
        let view = |item: &GoalsItem| {
            let view = TaskView::of(item, item.task()?, now);
            (!is_overdue || view.overdue).then_some(view)
        };
        let (items, next_cursor) = fitting(page, view);
        let prose = format!("{} of {total} tasks.", items.len());
        let list = ListAnswer {
            total,
            truncated: next_cursor.is_some(),
            next_cursor,
            scope: scope(&args),
            date: AnswerDate::of(&scene.time),
            items,
        };
        Ok(answer(&list, prose))
    }

    #[tool(
        title = "Get a task",
        annotations(read_only_hint = true),
        description = "Returns a task.",
        input_schema = input_schema::<TaskArgs>(),
        output_schema = output_schema::<ItemAnswer<TaskView>>()
    )]
    async fn get_task(
        &self,
        Arguments(args): Arguments<TaskArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let task_id = id("task_id", &args.task_id)?;
        let item = self.service.item(&scene.caller, &task_id, ItemKind::Task).await;
        let item = item.map_err(error_text)?;
        let task = item.task().ok_or("It is no task.")?;
        Ok(task_answer(&item, task, &scene, Vec::new(), task.title.clone()))
    }
}

impl GoalsTools {
    /// The number of tasks of a filter that are due today and not overdue yet.
    async fn due_later_today(&self, scene: &CallScene, filter: &ListFilter) -> Result<u64, String> {
        let now = &scene.time.now;
        let from = Some(filter.from.unwrap_or(now.date()).max(now.date()));
        let today = ListFilter { from, ..filter.clone() };
        let page = self.service.list(&scene.caller, &today, None, MAX_TODAY).await;
        let tasks = page.map_err(error_text)?.items;
        let is_later = |item: &&GoalsItem| {
            item.task().is_none_or(|task| !TaskView::of(item, task, now).overdue)
        };
        Ok(tasks.iter().filter(is_later).count() as u64)
    }
}

/// Which tasks a list has, in words.
fn scope(args: &ListTasksArgs) -> String {
    let mut scope = if args.overdue.unwrap_or(false) {
        "your overdue tasks".to_owned()
    } else {
        "your tasks".to_owned()
    };
    for (name, value) in [
        ("status", args.status.map(|status| format!("{status:?}").to_lowercase())),
        ("goal", args.goal_id.clone()),
        ("parent", args.parent_id.clone()),
        ("label", args.label.clone()),
        ("due on", args.due_date.clone()),
        ("due from", args.due_from.clone()),
        ("due until", args.due_until.clone()),
    ] {
        if let Some(value) = value {
            scope = format!("{scope}, {name} {value}");
        }
    }
    scope
}
