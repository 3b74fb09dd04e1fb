//! [`GoalsTools`]: the MCP tools. Each parses its arguments, makes one call of the service and replies.
//!
//! `goals.rs`, `areas.rs`, `task_lists.rs`, `tasks.rs`, `memories.rs` and `history.rs` have the tools of their items; `view.rs` and `answer.rs` have
//! the answers; `toolset.rs` offers the tools, the resources and the prompts. To add a tool, add it to one of these routers.

mod answer;
mod areas;
mod args;
mod call;
mod goals;
mod history;
mod memories;
mod task_args;
mod task_lists;
mod tasks;
mod toolset;
mod view;

use std::sync::Arc;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::CallToolResult;
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::answer::{WriteAnswer, answer as answered};
use self::args::RequestArgs;
use self::call::{CallScene, error_text};
use super::NAME;
use super::journal::action::GoalsAction;
use super::journal::write::{WriteOutcome, WriteRequest};
use super::resources::cache::ResourceCache;
use super::service::caller::GoalsCaller;
use super::service::{GoalsService, WriteOptions};
use crate::kernel::clock::Clock;
use crate::kernel::permissions::AccessClass;
use crate::kernel::toolset::CallPrincipal;

/// The toolset. It stores its router, because rebuilding the router costs more than a call.
pub struct GoalsTools {
    service: Arc<GoalsService>,
    clock: Arc<dyn Clock>,
    cache: ResourceCache,
    router: ToolRouter<Self>,
}

impl GoalsTools {
    #[must_use]
    pub fn new(service: Arc<GoalsService>, clock: Arc<dyn Clock>) -> Self {
        let router = Self::goal_tools()
            + Self::area_tools()
            + Self::task_list_tools()
            + Self::task_tools()
            + Self::memory_tools()
            + Self::history_tools();
        Self { service, clock, cache: ResourceCache::default(), router }
    }

    async fn scene(
        &self,
        CallPrincipal(principal): CallPrincipal,
        user_id: Option<&str>,
    ) -> Result<CallScene, String> {
        let is_admin = principal.permissions().include(NAME, false, AccessClass::Admin);
        let caller = GoalsCaller::of(&principal, user_id, is_admin);
        let caller = caller.map_err(|problem| problem.to_string())?;
        let time = self.service.time(&caller).await.map_err(error_text)?;
        Ok(CallScene { caller, time })
    }

    /// Executes a write of a tool with these arguments.
    async fn write<A: Serialize>(
        &self,
        scene: &CallScene,
        tool: &'static str,
        request: &RequestArgs,
        args: &A,
        action: GoalsAction,
    ) -> Result<WriteOutcome, String> {
        let options = WriteOptions {
            tool,
            request: write_request(tool, request, args)?,
            dry_run: request.dry_run,
        };
        self.service.write(&scene.caller, action, options).await.map_err(error_text)
    }

    /// Executes a write of several items, and answers with all of them.
    async fn write_many<A: Serialize>(
        &self,
        scene: &CallScene,
        tool: &'static str,
        request: &RequestArgs,
        args: &A,
        action: GoalsAction,
        notes: Vec<String>,
    ) -> Result<CallToolResult, String> {
        let outcome = self.write(scene, tool, request, args, action).await?;
        let dry_run = request.dry_run;
        let shown = WriteAnswer { notes, ..WriteAnswer::of(&outcome, scene, dry_run) };
        let verb = if dry_run { "would change" } else { "changed" };
        let prose =
            format!("{} items {verb}, {} in the bin.", shown.changed_count, shown.deleted.len());
        Ok(answered(&shown, prose))
    }
}

/// The id of a write with a hash of its arguments.
fn write_request<A: Serialize>(
    tool: &str,
    request: &RequestArgs,
    args: &A,
) -> Result<Option<WriteRequest>, String> {
    let Some(id) = request.request_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let args = serde_json::to_vec(args).map_err(|_| "the arguments can't be written as JSON")?;
    let hash = Sha256::new().chain_update(tool).chain_update([0]).chain_update(args).finalize();
    let fingerprint = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(WriteRequest { id: id.to_owned(), fingerprint }))
}
