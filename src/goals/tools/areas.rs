//! Tools of life areas.

use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GoalsTools;
use super::answer::{ListAnswer, WriteAnswer, answer, fitting};
use super::args::{MAX_TEXT, MAX_TITLE, clearable, request, text};
use super::call::error_text;
use super::view::{AnswerDate, AreaView, id};
use crate::goals::item::ItemBody;
use crate::goals::item::goal::LifeArea;
use crate::goals::item::id::ItemKind;
use crate::goals::journal::action::{GoalsAction, ItemUpdate, KnownItem, NewItem};
use crate::goals::journal::patch::{AreaPatch, ItemPatch};
use crate::goals::journal::store::ListFilter;
use crate::kernel::arguments::Arguments;
use crate::kernel::schema::{input_schema, output_schema};
use crate::kernel::toolset::CallPrincipal;

#[derive(Serialize, Deserialize, JsonSchema)]
struct ListAreasArgs {
    user_id: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct SetAreaArgs {
    user_id: Option<String>,
    /// The life area to change. Omit it to create one.
    life_area_id: Option<String>,
    if_rev: Option<u64>,
    #[schemars(length(min = 1, max = 300))]
    name: Option<String>,
    #[schemars(length(max = 10_000))]
    description: Option<String>,
    /// The share of attention that the user wants to give, from 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    weight: Option<u8>,
    icon: Option<String>,
    color: Option<String>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

#[tool_router(router = area_tools, vis = "pub(super)")]
impl GoalsTools {
    #[tool(
        title = "List life areas",
        annotations(read_only_hint = true),
        description = "Lists the life areas that goals belong to.",
        input_schema = input_schema::<ListAreasArgs>(),
        output_schema = output_schema::<ListAnswer<AreaView>>()
    )]
    async fn list_life_areas(
        &self,
        Arguments(args): Arguments<ListAreasArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let page =
            self.service.list(&scene.caller, &ListFilter::all(ItemKind::Area), None, 100).await;
        let page = page.map_err(error_text)?;
        let total = page.total;
        let (items, next_cursor) = fitting(page, |item| match &item.body {
            ItemBody::Area(area) => Some(AreaView::of(item, area)),
            _ => None,
        });
        let list = ListAnswer {
            total,
            truncated: next_cursor.is_some(),
            next_cursor,
            scope: "all your life areas".to_owned(),
            date: AnswerDate::of(&scene.time),
            items,
        };
        Ok(answer(&list, format!("{total} life areas.")))
    }

    #[tool(
        title = "Set a life area",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Creates a life area, or changes one.",
        input_schema = input_schema::<SetAreaArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn set_life_area(
        &self,
        Arguments(args): Arguments<SetAreaArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let name = args.name.as_deref().map(|name| text("name", name, 1, MAX_TITLE)).transpose()?;
        let description = args.description.as_deref();
        let description = description.map(|words| text("description", words, 0, MAX_TEXT));
        let patch = AreaPatch {
            name: name.clone(),
            description: description.transpose()?,
            weight: args.weight.map(|weight| weight.min(100)),
            icon: clearable(args.icon.as_ref(), |icon| text("icon", icon, 1, 50))?,
            color: clearable(args.color.as_ref(), |color| text("color", color, 1, 50))?,
        };
        let action = if let Some(area) = args.life_area_id.as_deref() {
            GoalsAction::Update(vec![ItemUpdate {
                item: KnownItem { id: id("life_area_id", area)?, if_rev: args.if_rev },
                patch: ItemPatch::Area(patch),
                now: scene.time.now.clone(),
            }])
        } else {
            let name = name.ok_or("name is missing: a new life area needs one.")?;
            let area = LifeArea {
                name,
                description: patch.description.unwrap_or_default(),
                weight: patch.weight.unwrap_or_default(),
                icon: patch.icon.flatten(),
                color: patch.color.flatten(),
            };
            GoalsAction::Create(vec![NewItem::new(ItemBody::Area(area))])
        };
        let outcome = self
            .write(
                &scene,
                "set_life_area",
                &request(args.request_id.as_ref(), args.dry_run),
                &args,
                action,
            )
            .await?;
        let shown = WriteAnswer::of(&outcome, &scene, args.dry_run.unwrap_or(false));
        Ok(answer(&shown, "The life area is set.".to_owned()))
    }
}
