//! [`AccountTools`]: the actions on credits as MCP tools. Each parses, calls one [`AccountAdmin`] method, replies.

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, tool, tool_router};

use super::account_args::{AccountArgs, ChangeCreditsArgs};
use super::accounts::AccountAdmin;
use super::args::NoArgs;
use super::operator::CallingOperator;
use super::tools::structured_result;
use crate::kernel::arguments::StrictArguments;
use crate::kernel::schema::input_schema;
use crate::kernel::toolset::Toolset;

/// The part of the `instructions` about these tools.
const INSTRUCTIONS: &str = "Credits of the gateway: one credit is what one US dollar buys. Pass a key to change_credits, so that a repeated call changes nothing more.";

/// The tools of the gateway's operator, beside those of [`AdminTools`](super::AdminTools).
pub struct AccountTools {
    accounts: Arc<AccountAdmin>,
    router: ToolRouter<Self>,
}

#[tool_router]
impl AccountTools {
    #[must_use]
    pub fn new(accounts: Arc<AccountAdmin>) -> Self {
        Self { accounts, router: Self::tool_router() }
    }

    #[tool(
        title = "Look up an account",
        annotations(read_only_hint = true, open_world_hint = false),
        description = "Look up a user's credits: balance, what requests hold, the latest hundred entries and twenty requests. `next` is the `before` of the next page of entries.",
        input_schema = input_schema::<AccountArgs>()
    )]
    async fn look_up_account(
        &self,
        CallingOperator(by): CallingOperator,
        StrictArguments(args): StrictArguments<AccountArgs>,
    ) -> Result<CallToolResult, String> {
        let view = self.accounts.look_up(&args, &by).await;
        Ok(structured_result(&view.map_err(|error| error.to_string())?))
    }

    #[tool(
        title = "Change credits",
        annotations(
            read_only_hint = false, destructive_hint = true,
            idempotent_hint = false, open_world_hint = false
        ),
        description = "Top up, adjust or refund the credits of a user. Returns the new balance.",
        input_schema = input_schema::<ChangeCreditsArgs>()
    )]
    async fn change_credits(
        &self,
        CallingOperator(by): CallingOperator,
        StrictArguments(args): StrictArguments<ChangeCreditsArgs>,
    ) -> Result<CallToolResult, String> {
        let changed = self.accounts.change(args, &by).await;
        Ok(structured_result(&changed.map_err(|error| error.to_string())?))
    }

    #[tool(
        title = "Open holds",
        annotations(read_only_hint = true, open_world_hint = false),
        description = "The requests in progress on all instances: their number, the credits that they hold, and the start of the oldest one.",
        input_schema = input_schema::<NoArgs>()
    )]
    async fn open_holds(
        &self,
        StrictArguments(NoArgs {}): StrictArguments<NoArgs>,
    ) -> Result<CallToolResult, String> {
        let holds = self.accounts.open_holds().await;
        Ok(structured_result(&holds.map_err(|error| error.to_string())?))
    }
}

#[async_trait]
impl Toolset for AccountTools {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn instructions(&self) -> &'static str {
        INSTRUCTIONS
    }

    fn tools(&self) -> Vec<Tool> {
        self.router.list_all()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.router.get(name)
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.router.call(ToolCallContext::new(self, request, context)).await
    }
}
