//! [`TallyTools`]: the tool, the resource and the prompt.

use async_trait::async_trait;
use metrics::Counter;
use random_connect::kernel::arguments::Arguments;
use random_connect::kernel::confirmation::{Confirmation, ConfirmationStep, confirm};
use random_connect::kernel::id::{IdHasher, Realm};
use random_connect::kernel::principal::{Owner, Principal};
use random_connect::kernel::quota::ToolsetQuotas;
use random_connect::kernel::schema::input_schema;
use random_connect::kernel::toolset::parts::ToolsetParts;
use random_connect::kernel::toolset::{CallPrincipal, ResourceRead, Toolset};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompletionInfo,
    ContentBlock, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt,
    PromptArgument, PromptMessage, Resource, ResourceContents, Role, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ADDITIONS;
use super::store::TallyStore;

const TOTAL: &str = "tally://total";

#[derive(Deserialize, JsonSchema)]
struct NoArgs {}

#[derive(Deserialize, JsonSchema)]
struct AddArgs {
    /// The thing to count.
    #[schemars(length(max = 100))]
    name: String,
}

pub struct TallyTools {
    store: TallyStore,
    step: u32,
    ids: IdHasher,
    quotas: ToolsetQuotas,
    additions: Counter,
    clear: Tool,
    router: ToolRouter<Self>,
}

#[tool_router]
impl TallyTools {
    pub fn new(store: TallyStore, step: u32, parts: &ToolsetParts) -> Self {
        let (ids, quotas) = (parts.ids.clone(), parts.quotas.clone());
        let additions =
            parts.figures.counter("random_connect_tally_additions_total", "Additions", &[]);
        let clear = clear_tool();
        Self { store, step, ids, quotas, additions, clear, router: Self::tool_router() }
    }

    #[tool(
        title = "Count a thing",
        annotations(read_only_hint = false, destructive_hint = false),
        description = "Adds to the count of a thing.",
        input_schema = input_schema::<AddArgs>()
    )]
    async fn tally_add(
        &self,
        Arguments(args): Arguments<AddArgs>,
        CallPrincipal(principal): CallPrincipal,
    ) -> Result<String, String> {
        let owner = principal.owner().ok_or("The caller owns nothing.")?;
        let user = self.ids.user_id(Realm::Owner, owner.as_str());
        let admitted = self.quotas.admit(user, None, ADDITIONS).await;
        admitted.map_err(|error| error.to_string())?.map_err(|exceeded| {
            format!("Too often: try again in {} seconds.", exceeded.retry_after.as_secs())
        })?;
        let count = self.store.add(owner, &args.name, self.step).await;
        self.additions.increment(1);
        count.map(|count| count.to_string()).map_err(|error| error.to_string())
    }
}

/// The tool that removes the counts permanently, and asks before.
fn clear_tool() -> Tool {
    let hints = ToolAnnotations::new().read_only(false).destructive(true);
    let tool = Tool::new("tally_clear", "Removes all counts.", input_schema::<NoArgs>());
    tool.with_title("Remove all counts").with_annotations(hints)
}

impl TallyTools {
    async fn clear(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = Principal::from_extensions(&context.extensions);
        let owner = owner(principal.expect("calls have a principal"))?;
        let text = match confirm("Remove all counts?", request, context).await {
            ConfirmationStep::Ask(question) => return Ok(*question),
            ConfirmationStep::Answered(Confirmation::Given) => {
                let removed = self.store.clear(owner).await;
                removed.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
                "All counts are removed."
            }
            ConfirmationStep::Answered(Confirmation::Refused) => "Nothing is removed.",
            ConfirmationStep::Answered(Confirmation::Unavailable) => "Remove them in the browser.",
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// The owner of a principal that can read what it owns.
fn owner(principal: &Principal) -> Result<&Owner, ErrorData> {
    principal.owner().ok_or_else(|| ErrorData::invalid_params("The caller owns nothing.", None))
}

#[async_trait]
impl Toolset for TallyTools {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn instructions(&self) -> &'static str {
        "Count things with tally_add."
    }

    fn tools(&self) -> Vec<Tool> {
        self.router.list_all().into_iter().chain([self.clear.clone()]).collect()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        if name == self.clear.name { Some(&self.clear) } else { self.router.get(name) }
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == self.clear.name {
            return self.clear(&request, &context).await;
        }
        self.router.call(ToolCallContext::new(self, request, context)).await
    }

    fn uri_scheme(&self) -> Option<&'static str> {
        Some("tally")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource::new(TOTAL, "total")]
    }

    async fn read_resource(
        &self,
        ResourceRead { uri, principal, .. }: ResourceRead<'_>,
    ) -> Option<Result<ResourceContents, ErrorData>> {
        let owner = match owner(principal) {
            Ok(owner) if uri == TOTAL => owner,
            _ => return None,
        };
        let total = self.store.total(owner).await;
        let total = total.map_err(|error| ErrorData::internal_error(error.to_string(), None));
        Some(total.map(|total| ResourceContents::text(total.to_string(), TOTAL)))
    }

    fn prompts(&self) -> Vec<Prompt> {
        let name = PromptArgument::new("name").with_required(true);
        vec![Prompt::new("tally_praise", Some("Praises a count."), Some(vec![name]))]
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let principal = Principal::from_extensions(&context.extensions);
        let total = match principal {
            Some(principal) => self.store.total(owner(principal)?).await,
            None => return Err(ErrorData::invalid_request("no principal", None)),
        };
        let total = total.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let name = request.arguments.as_ref().and_then(|arguments| arguments["name"].as_str());
        let text = format!("Praise {} of {total}.", name.unwrap_or("all"));
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
    }

    fn completes_arguments(&self) -> bool {
        true
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        principal: &Principal,
    ) -> Result<CompletionInfo, ErrorData> {
        let names = self.store.names(owner(principal)?, &request.argument.value).await;
        let names = names.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        CompletionInfo::new(names).map_err(|error| ErrorData::internal_error(error, None))
    }
}
