//! Tools of goals.

use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GoalsTools;
use super::answer::{ItemAnswer, ListAnswer, WriteAnswer, answer, changed, fitting};
use super::args::{MAX_TEXT, MAX_TITLE, RequestArgs, clearable, day, request, sort_key, text};
use super::call::{CallScene, error_text};
use super::view::{AnswerDate, GoalView, id};
use crate::goals::item::goal::Goal;
use crate::goals::item::id::ItemKind;
use crate::goals::item::words::{GoalStatus, Priority};
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::action::{GoalsAction, ItemDeletion, ItemUpdate, KnownItem, NewItem};
use crate::goals::journal::patch::{GoalPatch, ItemPatch};
use crate::goals::journal::store::ListFilter;
use crate::kernel::arguments::Arguments;
use crate::kernel::schema::{input_schema, output_schema};
use crate::kernel::toolset::CallPrincipal;

#[derive(Serialize, Deserialize, JsonSchema)]
struct ListGoalsArgs {
    /// Omit it: your token says who you are.
    user_id: Option<String>,
    /// Only goals of this status.
    status: Option<GoalStatus>,
    /// Only goals of this life area.
    life_area_id: Option<String>,
    /// Maximum number of goals, 10 if it is omitted.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct GoalArgs {
    user_id: Option<String>,
    goal_id: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct CreateGoalArgs {
    user_id: Option<String>,
    #[schemars(length(min = 1, max = 300))]
    title: String,
    /// The result that counts as reaching it, and the reason for it.
    #[schemars(length(max = 10_000))]
    description: Option<String>,
    /// The day to reach it, in words such as "end of june" or as 2027-06-30.
    target_date: Option<String>,
    start_date: Option<String>,
    life_area_id: Option<String>,
    /// The goal that this one is a part of.
    parent_id: Option<String>,
    priority: Option<Priority>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct UpdateGoalArgs {
    user_id: Option<String>,
    goal_id: String,
    /// The revision that you have seen. If the goal has changed since, nothing happens.
    if_rev: Option<u64>,
    #[schemars(length(min = 1, max = 300))]
    title: Option<String>,
    #[schemars(length(max = 10_000))]
    description: Option<String>,
    status: Option<GoalStatus>,
    priority: Option<Priority>,
    /// A date in words; an empty text removes it.
    target_date: Option<String>,
    start_date: Option<String>,
    /// An empty text removes it.
    life_area_id: Option<String>,
    parent_id: Option<String>,
    /// In percent.
    #[schemars(range(min = 0, max = 100))]
    progress: Option<u8>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct DeleteGoalArgs {
    user_id: Option<String>,
    goal_id: String,
    if_rev: Option<u64>,
    /// True to delete its tasks with it. Otherwise they stay, without a goal.
    with_tasks: Option<bool>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct CompleteGoalArgs {
    user_id: Option<String>,
    goal_id: String,
    if_rev: Option<u64>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

/// The answer with the goal that a write has changed.
fn goal_answer(item: &GoalsItem, goal: &Goal, scene: &CallScene, prose: String) -> CallToolResult {
    let shown = ItemAnswer {
        item: GoalView::of(item, goal),
        notes: Vec::new(),
        date: AnswerDate::of(&scene.time),
    };
    answer(&shown, prose)
}

#[tool_router(router = goal_tools, vis = "pub(super)")]
impl GoalsTools {
    #[tool(
        title = "List goals",
        annotations(read_only_hint = true),
        description = "Lists goals, the next target date first.",
        input_schema = input_schema::<ListGoalsArgs>(),
        output_schema = output_schema::<ListAnswer<GoalView>>()
    )]
    async fn list_goals(
        &self,
        Arguments(args): Arguments<ListGoalsArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let area = args.life_area_id.as_deref().map(|text| id("life_area_id", text)).transpose()?;
        let states = args.status.iter().map(|status| *status as u8).collect();
        let filter = ListFilter { states, area, ..ListFilter::all(ItemKind::Goal) };
        let after = sort_key(args.cursor.as_ref())?;
        let limit = args.limit.unwrap_or(10).clamp(1, 100);
        let page = self.service.list(&scene.caller, &filter, after.as_deref(), limit).await;
        let page = page.map_err(error_text)?;
        let total = page.total;
        let view = |item: &GoalsItem| item.goal().map(|goal| GoalView::of(item, goal));
        let (items, next_cursor) = fitting(page, view);
        let scope = match args.status {
            Some(status) => format!("your goals with the status {status:?}").to_lowercase(),
            None => "all your goals".to_owned(),
        };
        let prose = format!("{} of {total} goals.", items.len());
        let list = ListAnswer {
            total,
            truncated: next_cursor.is_some(),
            next_cursor,
            scope,
            date: AnswerDate::of(&scene.time),
            items,
        };
        Ok(answer(&list, prose))
    }

    #[tool(
        title = "Get a goal",
        annotations(read_only_hint = true),
        description = "Returns a goal.",
        input_schema = input_schema::<GoalArgs>(),
        output_schema = output_schema::<ItemAnswer<GoalView>>()
    )]
    async fn get_goal(
        &self,
        Arguments(args): Arguments<GoalArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let goal_id = id("goal_id", &args.goal_id)?;
        let item = self.service.item(&scene.caller, &goal_id, ItemKind::Goal).await;
        let item = item.map_err(error_text)?;
        let goal = item.goal().ok_or("It is no goal.")?;
        Ok(goal_answer(&item, goal, &scene, goal.title.clone()))
    }

    #[tool(
        title = "Create a goal",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Creates a goal.",
        input_schema = input_schema::<CreateGoalArgs>(),
        output_schema = output_schema::<ItemAnswer<GoalView>>()
    )]
    async fn create_goal(
        &self,
        Arguments(args): Arguments<CreateGoalArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let now = &scene.time.now;
        let date = |argument, phrase: &Option<String>| {
            phrase.as_deref().map(|phrase| day(argument, phrase, now)).transpose()
        };
        let link = |argument, text: &Option<String>| {
            text.as_deref().map(|text| id(argument, text)).transpose()
        };
        let goal = Goal {
            title: text("title", &args.title, 1, MAX_TITLE)?,
            description: text(
                "description",
                args.description.as_deref().unwrap_or(""),
                0,
                MAX_TEXT,
            )?,
            area: link("life_area_id", &args.life_area_id)?,
            parent: link("parent_id", &args.parent_id)?,
            priority: args.priority.unwrap_or_default(),
            start_date: date("start_date", &args.start_date)?,
            target_date: date("target_date", &args.target_date)?,
            ..Goal::default()
        };
        let action = GoalsAction::Create(vec![NewItem::new(ItemBody::Goal(goal))]);
        let outcome = self
            .write(
                &scene,
                "create_goal",
                &request(args.request_id.as_ref(), args.dry_run),
                &args,
                action,
            )
            .await?;
        let (item, goal) = changed(&outcome, GoalsItem::goal).ok_or("Nothing was created.")?;
        Ok(goal_answer(item, goal, &scene, format!("Created the goal {:?}.", goal.title)))
    }

    #[tool(
        title = "Change a goal",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Changes fields of a goal; the others stay.",
        input_schema = input_schema::<UpdateGoalArgs>(),
        output_schema = output_schema::<ItemAnswer<GoalView>>()
    )]
    async fn update_goal(
        &self,
        Arguments(args): Arguments<UpdateGoalArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let now = &scene.time.now;
        let title = args.title.as_deref().map(|title| text("title", title, 1, MAX_TITLE));
        let description =
            args.description.as_deref().map(|words| text("description", words, 0, MAX_TEXT));
        let patch = GoalPatch {
            title: title.transpose()?,
            description: description.transpose()?,
            area: clearable(args.life_area_id.as_ref(), |text| id("life_area_id", text))?,
            parent: clearable(args.parent_id.as_ref(), |text| id("parent_id", text))?,
            status: args.status,
            priority: args.priority,
            start_date: clearable(args.start_date.as_ref(), |text| day("start_date", text, now))?,
            target_date: clearable(args.target_date.as_ref(), |text| {
                day("target_date", text, now)
            })?,
            progress: args.progress.map(|percent| Some(percent.min(100))),
        };
        let item = KnownItem { id: id("goal_id", &args.goal_id)?, if_rev: args.if_rev };
        self.update_one_goal(
            &scene,
            "update_goal",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            item,
            patch,
        )
        .await
    }

    #[tool(
        title = "Complete a goal",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Completes a goal. Its open tasks stay.",
        input_schema = input_schema::<CompleteGoalArgs>(),
        output_schema = output_schema::<ItemAnswer<GoalView>>()
    )]
    async fn complete_goal(
        &self,
        Arguments(args): Arguments<CompleteGoalArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let item = KnownItem { id: id("goal_id", &args.goal_id)?, if_rev: args.if_rev };
        let patch = GoalPatch { status: Some(GoalStatus::Completed), ..GoalPatch::default() };
        self.update_one_goal(
            &scene,
            "complete_goal",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            item,
            patch,
        )
        .await
    }

    #[tool(
        title = "Delete a goal",
        annotations(read_only_hint = false, destructive_hint = true, open_world_hint = false),
        description = "Moves a goal to the bin for 30 days; undo brings it back.",
        input_schema = input_schema::<DeleteGoalArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn delete_goal(
        &self,
        Arguments(args): Arguments<DeleteGoalArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let item = KnownItem { id: id("goal_id", &args.goal_id)?, if_rev: args.if_rev };
        let with_tasks = args.with_tasks.unwrap_or(false);
        let action = GoalsAction::Delete(ItemDeletion { items: vec![item], with_tasks });
        let outcome = self
            .write(
                &scene,
                "delete_goal",
                &request(args.request_id.as_ref(), args.dry_run),
                &args,
                action,
            )
            .await?;
        let shown = WriteAnswer::of(&outcome, &scene, args.dry_run.unwrap_or(false));
        let prose = format!(
            "{} items are in the bin, {} changed.",
            shown.deleted.len(),
            shown.changed_count
        );
        Ok(answer(&shown, prose))
    }
}

impl GoalsTools {
    async fn update_one_goal<A: Serialize>(
        &self,
        scene: &CallScene,
        tool: &'static str,
        request: &RequestArgs,
        args: &A,
        item: KnownItem,
        patch: GoalPatch,
    ) -> Result<CallToolResult, String> {
        let id = item.id.clone();
        let update =
            ItemUpdate { item, patch: ItemPatch::Goal(patch), now: scene.time.now.clone() };
        let outcome =
            self.write(scene, tool, request, args, GoalsAction::Update(vec![update])).await?;
        if let Some((item, goal)) = changed(&outcome, GoalsItem::goal) {
            return Ok(goal_answer(item, goal, scene, format!("Changed {:?}.", goal.title)));
        }
        let item =
            self.service.item(&scene.caller, &id, ItemKind::Goal).await.map_err(error_text)?;
        let goal = item.goal().ok_or("It is no goal.")?;
        Ok(goal_answer(&item, goal, scene, "Nothing to change.".to_owned()))
    }
}
