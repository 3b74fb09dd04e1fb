//! Tools of memories.

use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::GoalsTools;
use super::answer::{ItemAnswer, ListAnswer, WriteAnswer, answer, changed, fitting};
use super::args::{MAX_TEXT, clearable, day, labels, request, sort_key, text};
use super::call::{CallScene, error_text};
use super::view::{AnswerDate, MemoryView, id};
use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::memory::UserMemory;
use crate::goals::item::words::MemoryKind;
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::action::{GoalsAction, ItemDeletion, ItemUpdate, KnownItem, NewItem};
use crate::goals::journal::patch::{ItemPatch, MemoryPatch};
use crate::goals::journal::store::ListFilter;
use crate::goals::search::words_of;
use crate::kernel::arguments::Arguments;
use crate::kernel::schema::{input_schema, output_schema};
use crate::kernel::toolset::CallPrincipal;

/// Maximum size of the metadata of a memory, as JSON.
const MAX_METADATA: usize = 4_000;

/// Maximum number of items that a memory is about.
const MAX_ABOUT: usize = 20;

#[derive(Serialize, Deserialize, JsonSchema)]
struct AddMemoryArgs {
    /// Omit it: your token says who you are.
    user_id: Option<String>,
    /// One thing to remember, as a sentence that stands for itself.
    #[schemars(length(min = 1, max = 10_000))]
    content: String,
    /// Its kind; a reflection if it is omitted.
    memory_type: Option<MemoryKind>,
    tags: Option<Vec<String>>,
    /// The ids of goals, tasks and memories that it is about.
    about: Option<Vec<String>>,
    /// Fields of your own, of at most 4,000 bytes as JSON.
    metadata: Option<Map<String, Value>>,
    /// The first day on which it is true.
    valid_from: Option<String>,
    /// The last day on which it is true.
    valid_until: Option<String>,
    /// The memory that it replaces, which searches then rank below.
    supersedes: Option<String>,
    /// True to rank it above others in lists.
    pinned: Option<bool>,
    /// An id of yours for this call: repeating it within 24 hours returns the first answer.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct UpdateMemoryArgs {
    user_id: Option<String>,
    memory_id: String,
    /// The revision that you have seen. If the memory has changed since, nothing happens.
    if_rev: Option<u64>,
    #[schemars(length(min = 1, max = 10_000))]
    content: Option<String>,
    memory_type: Option<MemoryKind>,
    tags: Option<Vec<String>>,
    about: Option<Vec<String>>,
    metadata: Option<Map<String, Value>>,
    /// An empty text removes it.
    valid_from: Option<String>,
    valid_until: Option<String>,
    pinned: Option<bool>,
    #[schemars(length(max = 100))]
    request_id: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ForgetMemoryArgs {
    user_id: Option<String>,
    memory_id: String,
    if_rev: Option<u64>,
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// True to see what would change, and change nothing.
    dry_run: Option<bool>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ListMemoriesArgs {
    user_id: Option<String>,
    memory_type: Option<MemoryKind>,
    /// Only memories with this tag.
    tag: Option<String>,
    /// Maximum number of memories, 20 if it is omitted.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct SearchMemoryArgs {
    user_id: Option<String>,
    /// Words or a question.
    #[schemars(length(min = 1, max = 1_000))]
    query: String,
    /// Maximum number of memories, 5 if it is omitted.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<usize>,
}

/// A memory that a search has found.
#[derive(Serialize, JsonSchema)]
struct FoundMemory {
    #[serde(flatten)]
    memory: MemoryView,
    /// From 0 to 1: 1 is the best of this search.
    score: f64,
}

#[derive(Serialize, JsonSchema)]
struct SearchAnswer {
    memories: Vec<FoundMemory>,
    /// How the memories are ranked.
    ranker: String,
    /// Number of memories that newer ones replace, and that are ranked below for it.
    superseded: usize,
    /// The memories that are searched.
    scope: String,
    #[serde(flatten)]
    date: AnswerDate,
}

fn memory_answer(
    item: &GoalsItem,
    memory: &UserMemory,
    scene: &CallScene,
    notes: Vec<String>,
    prose: &str,
) -> CallToolResult {
    let shown =
        ItemAnswer { item: MemoryView::of(item, memory), notes, date: AnswerDate::of(&scene.time) };
    answer(&shown, prose.to_owned())
}

fn metadata(metadata: Option<Map<String, Value>>) -> Result<Option<Map<String, Value>>, String> {
    let Some(fields) = metadata else { return Ok(None) };
    if serde_json::to_string(&fields).map_or(0, |text| text.len()) > MAX_METADATA {
        return Err(format!("metadata has more than {MAX_METADATA} bytes."));
    }
    Ok(Some(fields))
}

fn about(ids: Option<Vec<String>>) -> Result<Option<Vec<ItemId>>, String> {
    let Some(ids) = ids else { return Ok(None) };
    if ids.len() > MAX_ABOUT {
        return Err(format!("about has more than {MAX_ABOUT} entries."));
    }
    ids.iter().map(|text| id("about", text)).collect::<Result<_, _>>().map(Some)
}

#[tool_router(router = memory_tools, vis = "pub(super)")]
impl GoalsTools {
    #[tool(
        title = "Add a memory",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Stores something to remember. One that is nearly the same as another is stored, and the answer says so.",
        input_schema = input_schema::<AddMemoryArgs>(),
        output_schema = output_schema::<ItemAnswer<MemoryView>>()
    )]
    async fn add_memory(
        &self,
        Arguments(args): Arguments<AddMemoryArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let now = &scene.time.now;
        let date = |argument, phrase: &Option<String>| {
            phrase.as_deref().map(|phrase| day(argument, phrase, now)).transpose()
        };
        let memory = UserMemory {
            content: text("content", &args.content, 1, MAX_TEXT)?,
            kind: args.memory_type.unwrap_or_default(),
            tags: labels("tags", args.tags.clone().unwrap_or_default())?,
            about: about(args.about.clone())?.unwrap_or_default(),
            metadata: metadata(args.metadata.clone())?.unwrap_or_default(),
            valid_from: date("valid_from", &args.valid_from)?,
            valid_until: date("valid_until", &args.valid_until)?,
            supersedes: args
                .supersedes
                .as_deref()
                .map(|text| id("supersedes", text))
                .transpose()?,
            superseded_by: None,
            pinned: args.pinned.unwrap_or(false),
        };
        if let (Some(from), Some(until)) = (memory.valid_from, memory.valid_until)
            && until < from
        {
            return Err("valid_until is before valid_from.".to_owned());
        }
        let replaced = memory.supersedes.clone();
        let similar = self.service.similar_memory(&scene.caller, &memory.content).await;
        let similar =
            similar.map_err(error_text)?.filter(|similar| Some(similar) != replaced.as_ref());
        let notes = similar.map(|similar| {
            format!("{similar} is nearly the same: delete one, or pass it as supersedes.")
        });
        let action = GoalsAction::Create(vec![NewItem::new(ItemBody::Memory(memory))]);
        let request = request(args.request_id.as_ref(), None);
        let outcome = self.write(&scene, "add_memory", &request, &args, action).await?;
        let created = changed(&outcome, |item| item.memory().filter(|m| m.superseded_by.is_none()));
        let (item, memory) = created.ok_or("Nothing was stored.")?;
        Ok(memory_answer(item, memory, &scene, notes.into_iter().collect(), "Stored."))
    }

    #[tool(
        title = "Change a memory",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Changes fields of a memory; the others stay. For a new fact, add a memory that supersedes the old one.",
        input_schema = input_schema::<UpdateMemoryArgs>(),
        output_schema = output_schema::<ItemAnswer<MemoryView>>()
    )]
    async fn update_memory(
        &self,
        Arguments(args): Arguments<UpdateMemoryArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let now = &scene.time.now;
        let content = args.content.as_deref().map(|content| text("content", content, 1, MAX_TEXT));
        let patch = MemoryPatch {
            content: content.transpose()?,
            kind: args.memory_type,
            tags: args.tags.clone().map(|tags| labels("tags", tags)).transpose()?,
            about: about(args.about.clone())?,
            metadata: metadata(args.metadata.clone())?,
            valid_from: clearable(args.valid_from.as_ref(), |text| day("valid_from", text, now))?,
            valid_until: clearable(args.valid_until.as_ref(), |text| {
                day("valid_until", text, now)
            })?,
            pinned: args.pinned,
        };
        let memory_id = id("memory_id", &args.memory_id)?;
        let update = ItemUpdate {
            item: KnownItem { id: memory_id.clone(), if_rev: args.if_rev },
            patch: ItemPatch::Memory(patch),
            now: now.clone(),
        };
        let (request, action) =
            (request(args.request_id.as_ref(), None), GoalsAction::Update(vec![update]));
        let outcome = self.write(&scene, "update_memory", &request, &args, action).await?;
        if let Some((item, memory)) = changed(&outcome, GoalsItem::memory) {
            return Ok(memory_answer(item, memory, &scene, Vec::new(), "Changed."));
        }
        let item = self.service.item(&scene.caller, &memory_id, ItemKind::Memory).await;
        let item = item.map_err(error_text)?;
        let memory = item.memory().ok_or("It is no memory.")?;
        Ok(memory_answer(&item, memory, &scene, Vec::new(), "Nothing to change."))
    }

    #[tool(
        title = "Forget a memory",
        annotations(read_only_hint = false, destructive_hint = true, open_world_hint = false),
        description = "Moves a memory to the bin for 30 days; undo brings it back. Searches do not find it any more.",
        input_schema = input_schema::<ForgetMemoryArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn forget_memory(
        &self,
        Arguments(args): Arguments<ForgetMemoryArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let item = KnownItem { id: id("memory_id", &args.memory_id)?, if_rev: args.if_rev };
        let action = GoalsAction::Delete(ItemDeletion { items: vec![item], with_tasks: false });
        let request = request(args.request_id.as_ref(), args.dry_run);
        self.write_many(&scene, "forget_memory", &request, &args, action, Vec::new()).await
    }

    #[tool(
        title = "List memories",
        annotations(read_only_hint = true),
        description = "Lists memories, the pinned and then the newest ones first.",
        input_schema = input_schema::<ListMemoriesArgs>(),
        output_schema = output_schema::<ListAnswer<MemoryView>>()
    )]
    async fn list_memories(
        &self,
        Arguments(args): Arguments<ListMemoriesArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let filter = ListFilter {
            states: args.memory_type.iter().map(|kind| *kind as u8).collect(),
            label: args.tag.as_deref().map(|tag| text("tag", tag, 1, 50)).transpose()?,
            ..ListFilter::all(ItemKind::Memory)
        };
        let after = sort_key(args.cursor.as_ref())?;
        let limit = args.limit.unwrap_or(20).clamp(1, 100);
        let page = self.service.list(&scene.caller, &filter, after.as_deref(), limit).await;
        let page = page.map_err(error_text)?;
        let total = page.total;
        let view = |item: &GoalsItem| item.memory().map(|memory| MemoryView::of(item, memory));
        let (items, next_cursor) = fitting(page, view);
        let prose = format!("{} of {total} memories.", items.len());
        let list = ListAnswer {
            total,
            truncated: next_cursor.is_some(),
            next_cursor,
            scope: "your memories".to_owned(),
            date: AnswerDate::of(&scene.time),
            items,
        };
        Ok(answer(&list, prose))
    }

    #[tool(
        title = "Search memories",
        annotations(read_only_hint = true),
        description = "Finds memories by their words.",
        input_schema = input_schema::<SearchMemoryArgs>(),
        output_schema = output_schema::<SearchAnswer>()
    )]
    async fn search_memory(
        &self,
        Arguments(args): Arguments<SearchMemoryArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let query = text("query", &args.query, 1, 1_000)?;
        let limit = args.limit.unwrap_or(5).clamp(1, 50);
        let ranked = self.service.search_memories(&scene.caller, &words_of(&query), limit).await;
        let ranked = ranked.map_err(error_text)?;
        let view = |(item, score): &(GoalsItem, f64)| {
            let memory = MemoryView::of(item, item.memory()?);
            Some(FoundMemory { memory, score: *score })
        };
        let memories: Vec<_> = ranked.iter().filter_map(view).collect();
        let superseded = memories.iter().filter(|m| m.memory.superseded_by.is_some()).count();
        let prose = format!("{} memories.", memories.len());
        let found = SearchAnswer {
            memories,
            ranker: "words".to_owned(),
            superseded,
            scope: "all your memories".to_owned(),
            date: AnswerDate::of(&scene.time),
        };
        Ok(answer(&found, prose))
    }
}
