//! Tools of the log, the numbers and the profile.

use jiff::ToSpan;
use jiff::tz::TimeZone;
use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::GoalsTools;
use super::answer::{WriteAnswer, answer};
use super::args::{request, text};
use super::call::error_text;
use super::view::{AnswerDate, id};
use crate::goals::item::ItemBody;
use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::memory::Profile;
use crate::goals::item::words::{GoalStatus, TaskStatus};
use crate::goals::journal::action::{GoalsAction, ItemUpdate};
use crate::goals::journal::change::GoalsChange;
use crate::goals::journal::patch::{ItemPatch, ProfilePatch};
use crate::goals::service::progress::{ProgressAnalysis, analyze};
use crate::kernel::arguments::Arguments;
use crate::kernel::schema::{input_schema, output_schema};
use crate::kernel::toolset::CallPrincipal;

/// The longest period of an analysis, in days.
const MAX_PERIOD: i64 = 366;

/// Maximum size of the preferences, as JSON.
const MAX_PREFERENCES: usize = 8_000;

#[derive(Serialize, Deserialize, JsonSchema)]
struct UndoArgs {
    /// Omit it: your token says who you are.
    user_id: Option<String>,
    /// The change to take back, as an answer names it. Your last one if it is omitted.
    change_id: Option<u64>,
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct FindActivityArgs {
    user_id: Option<String>,
    /// Only changes of this goal, task, memory or life area.
    item_id: Option<String>,
    /// Maximum number of changes, 20 if it is omitted.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
    /// Only changes before this one.
    before: Option<u64>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct UserArgs {
    user_id: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct AnalyzeArgs {
    user_id: Option<String>,
    /// The period up to today: "7d", "30d", "12w" or "1y"; 30d if it is omitted.
    period: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct UpdateProfileArgs {
    user_id: Option<String>,
    #[schemars(length(max = 200))]
    name: Option<String>,
    /// The IANA name of the time zone, such as Europe/Berlin.
    timezone: Option<String>,
    /// Preferences to set, by their names; null removes one.
    preferences: Option<Map<String, Value>>,
    #[schemars(length(max = 100))]
    request_id: Option<String>,
}

/// A change of the log.
#[derive(Serialize, JsonSchema)]
struct ActivityView {
    change_id: u64,
    at: String,
    tool: String,
    /// The ids of what was changed.
    items: Vec<String>,
    titles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undone_by: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct ActivityAnswer {
    /// The last change first.
    changes: Vec<ActivityView>,
    /// Pass it as `before` to get earlier changes; null at the end.
    next_before: Option<u64>,
    #[serde(flatten)]
    date: AnswerDate,
}

#[derive(Serialize, JsonSchema)]
struct StatsAnswer {
    /// Neither completed nor dropped.
    active_goals: u64,
    completed_goals: u64,
    /// Neither completed nor dropped.
    pending_tasks: u64,
    /// Completions, also of tasks that repeat.
    completed_tasks: u64,
    memory_items: u64,
    life_areas: u64,
    #[serde(flatten)]
    date: AnswerDate,
}

#[derive(Serialize, JsonSchema)]
struct ProfileAnswer {
    user_id: String,
    rev: u64,
    name: Option<String>,
    timezone: String,
    preferences: Map<String, Value>,
    #[serde(flatten)]
    date: AnswerDate,
}

fn activity(change: &GoalsChange) -> ActivityView {
    let title = |body: &ItemBody| match body {
        ItemBody::Goal(goal) => Some(goal.title.clone()),
        ItemBody::Task(task) => Some(task.title.clone()),
        ItemBody::Area(area) => Some(area.name.clone()),
        ItemBody::Memory(_) | ItemBody::Completion(_) | ItemBody::Profile(_) => None,
    };
    ActivityView {
        change_id: change.revision,
        at: change.at.to_iso_8601(),
        tool: change.tool.clone(),
        items: change.items.iter().map(|item| item.id().to_string()).collect(),
        titles: change.items.iter().filter_map(|item| title(&item.after.body)).collect(),
        undoes: change.undoes,
        undone_by: change.undone_by,
    }
}

/// The number of days of a period such as `30d`.
fn days(period: &str) -> Result<i64, String> {
    let error = || {
        format!("period: write for example \"7d\", \"12w\" or \"1y\", at most {MAX_PERIOD} days.")
    };
    let period = period.trim().to_lowercase();
    let (number, unit) =
        period.split_at_checked(period.len().saturating_sub(1)).ok_or_else(error)?;
    let number: i64 = number.trim().parse().map_err(|_| error())?;
    let days = match unit {
        "d" => number,
        "w" => number.saturating_mul(7),
        "m" => number.saturating_mul(30),
        "y" => number.saturating_mul(365),
        _ => return Err(error()),
    };
    if (1..=MAX_PERIOD).contains(&days) { Ok(days) } else { Err(error()) }
}

#[tool_router(router = history_tools, vis = "pub(super)")]
impl GoalsTools {
    #[tool(
        title = "Undo a change",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Takes a change back: your last one, or one of find_activity. It is refused if the items have changed since.",
        input_schema = input_schema::<UndoArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn undo(
        &self,
        Arguments(args): Arguments<UndoArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let action = GoalsAction::Undo(args.change_id);
        let request = request(args.request_id.as_ref(), args.dry_run);
        self.write_many(&scene, "undo", &request, &args, action, Vec::new()).await
    }

    #[tool(
        title = "Find changes",
        annotations(read_only_hint = true),
        description = "Lists what was changed, the last change first. The log has 90 days.",
        input_schema = input_schema::<FindActivityArgs>(),
        output_schema = output_schema::<ActivityAnswer>()
    )]
    async fn find_activity(
        &self,
        Arguments(args): Arguments<FindActivityArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let item = args.item_id.as_deref().map(|text| id("item_id", text)).transpose()?;
        let limit = args.limit.unwrap_or(20).clamp(1, 100);
        let changes =
            self.service.changes(&scene.caller, item.as_ref(), args.before, limit + 1).await;
        let mut changes = changes.map_err(error_text)?;
        let has_more = changes.len() > limit;
        changes.truncate(limit);
        let next_before = changes.last().filter(|_| has_more).map(|change| change.revision);
        let found = ActivityAnswer {
            changes: changes.iter().map(activity).collect(),
            next_before,
            date: AnswerDate::of(&scene.time),
        };
        let prose = format!("{} changes.", found.changes.len());
        Ok(answer(&found, prose))
    }

    #[tool(
        title = "Get numbers",
        annotations(read_only_hint = true),
        description = "Counts goals, tasks and memories.",
        input_schema = input_schema::<UserArgs>(),
        output_schema = output_schema::<StatsAnswer>()
    )]
    async fn query_user_stats(
        &self,
        Arguments(args): Arguments<UserArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let counts = self.service.counts(&scene.caller).await.map_err(error_text)?;
        let sum = |kind: ItemKind, has: &dyn Fn(u8) -> bool| {
            let of_kind = counts.iter().filter(|count| count.kind == kind && has(count.state));
            of_kind.map(|count| count.count).sum::<u64>()
        };
        let is_active = |state: u8| {
            GoalStatus::ALL.into_iter().any(|status| status as u8 == state && status.is_active())
        };
        let is_open = |state: u8| {
            TaskStatus::ALL.into_iter().any(|status| status as u8 == state && status.is_open())
        };
        let stats = StatsAnswer {
            active_goals: sum(ItemKind::Goal, &is_active),
            completed_goals: sum(ItemKind::Goal, &|state| state == GoalStatus::Completed as u8),
            pending_tasks: sum(ItemKind::Task, &is_open),
            completed_tasks: sum(ItemKind::Completion, &|_| true),
            memory_items: sum(ItemKind::Memory, &|_| true),
            life_areas: sum(ItemKind::Area, &|_| true),
            date: AnswerDate::of(&scene.time),
        };
        let prose =
            format!("{} active goals, {} pending tasks.", stats.active_goals, stats.pending_tasks);
        Ok(answer(&stats, prose))
    }

    #[tool(
        title = "Analyze progress",
        annotations(read_only_hint = true),
        description = "Says how many tasks were completed per day and week, how many in time, and when the open ones will be done at this pace.",
        input_schema = input_schema::<AnalyzeArgs>(),
        output_schema = output_schema::<ProgressAnalysis>()
    )]
    async fn analyze_progress(
        &self,
        Arguments(args): Arguments<AnalyzeArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let to = scene.time.now.date();
        let from = to.saturating_sub((days(args.period.as_deref().unwrap_or("30d"))? - 1).days());
        let completions = self.service.completions(&scene.caller, from, to).await;
        let completions = completions.map_err(error_text)?;
        let counts = self.service.counts(&scene.caller).await.map_err(error_text)?;
        let is_open = |state: u8| {
            TaskStatus::ALL.into_iter().any(|status| status as u8 == state && status.is_open())
        };
        let open = counts.iter().filter(|c| c.kind == ItemKind::Task && is_open(c.state));
        let analysis = analyze(&completions, from, to, open.map(|count| count.count).sum());
        let prose = format!("{} tasks were completed.", analysis.tasks_completed);
        Ok(answer(&analysis, prose))
    }

    #[tool(
        title = "Get the profile",
        annotations(read_only_hint = true),
        description = "Returns the name, the time zone and the preferences of the user.",
        input_schema = input_schema::<UserArgs>(),
        output_schema = output_schema::<ProfileAnswer>()
    )]
    async fn get_user_profile(
        &self,
        Arguments(args): Arguments<UserArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let item = self.service.profile(&scene.caller).await.map_err(error_text)?;
        let rev = item.as_ref().map_or(0, |item| item.rev);
        let profile = match item.map(|item| item.body) {
            Some(ItemBody::Profile(profile)) => profile,
            _ => Profile::default(),
        };
        let shown = ProfileAnswer {
            user_id: scene.caller.owner.as_str().to_owned(),
            rev,
            name: profile.name,
            timezone: scene.time.zone_name().to_owned(),
            preferences: profile.preferences,
            date: AnswerDate::of(&scene.time),
        };
        let prose = format!("The time zone is {}.", shown.timezone);
        Ok(answer(&shown, prose))
    }

    #[tool(
        title = "Change the profile",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Sets the name, the time zone or preferences of the user; the others stay.",
        input_schema = input_schema::<UpdateProfileArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn update_user_profile(
        &self,
        Arguments(args): Arguments<UpdateProfileArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let timezone = args.timezone.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let timezone = timezone.map(|name| {
            let zone = TimeZone::get(name).map_err(|_| {
                "timezone: there is no such zone; write an IANA name such as Europe/Berlin."
                    .to_owned()
            })?;
            Ok::<_, String>(zone.iana_name().unwrap_or(name).to_owned())
        });
        let preferences = args.preferences.clone().unwrap_or_default();
        if serde_json::to_string(&preferences).map_or(0, |text| text.len()) > MAX_PREFERENCES {
            return Err(format!("preferences have more than {MAX_PREFERENCES} bytes."));
        }
        let name = args.name.as_deref().map(str::trim);
        let name = match name {
            None => None,
            Some("") => Some(None),
            Some(name) => Some(Some(text("name", name, 1, 200)?)),
        };
        let patch = ProfilePatch { name, timezone: timezone.transpose()?, preferences };
        let action = GoalsAction::Update(vec![ItemUpdate {
            item: ItemId::profile().into(),
            patch: ItemPatch::Profile(patch),
            now: scene.time.now.clone(),
        }]);
        let request = request(args.request_id.as_ref(), None);
        let outcome = self.write(&scene, "update_user_profile", &request, &args, action).await?;
        let shown = WriteAnswer::of(&outcome, &scene, false);
        Ok(answer(&shown, "The profile is set.".to_owned()))
    }
}
