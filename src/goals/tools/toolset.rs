//! The [`Toolset`] of goals: tools, resources and prompts.

use async_trait::async_trait;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, Prompt, PromptMessage, Resource, ResourceContents, ResourceTemplate, Role,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::GoalsTools;
use super::call::error_text;
use crate::goals::error::GoalsError;
use crate::goals::resources::cache::ResourceKey;
use crate::goals::resources::uri::{
    DAILY_TEMPLATE, GOAL_TEMPLATE, GoalsUri, PROFILE_TEMPLATE, SCHEME, user_of,
};
use crate::goals::service::caller::{GoalsCaller, OwnerTime};
use crate::goals::when::named_date;
use crate::goals::{NAME, prompts, resources};
use crate::kernel::permissions::AccessClass;
use crate::kernel::principal::Principal;
use crate::kernel::toolset::{ResourceRead, Toolset};

/// A tool that reads, and that read-only keys do not have.
const ANALYZE_PROGRESS: &str = "analyze_progress";

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

impl GoalsTools {
    /// The text of a resource, and its media type.
    async fn resource(
        &self,
        uri: &str,
        parsed: &GoalsUri,
        caller: &GoalsCaller,
    ) -> Result<(String, &'static str), GoalsError> {
        let time = self.service.time(caller).await?;
        let key = ResourceKey {
            owner: caller.owner.clone(),
            revision: self.service.revision(caller).await?,
            today: time.now.date(),
            uri: uri.to_owned(),
        };
        let media_type = if matches!(parsed, GoalsUri::Daily(_)) { MARKDOWN } else { JSON };
        if let Some(text) = self.cache.get(parsed, &key, self.clock.now()) {
            return Ok((text, media_type));
        }
        let text = self.read(parsed, caller, &time).await?;
        self.cache.insert(parsed, key, text.clone(), self.clock.now());
        Ok((text, media_type))
    }

    async fn read(
        &self,
        uri: &GoalsUri,
        caller: &GoalsCaller,
        time: &OwnerTime,
    ) -> Result<String, GoalsError> {
        let service = &self.service;
        Ok(match uri {
            GoalsUri::Profile => resources::profile(service, caller, time).await?.to_string(),
            GoalsUri::Goal(id) => resources::goal_context(service, caller, id).await?.to_string(),
            GoalsUri::Daily(day) => {
                let day = day.unwrap_or_else(|| time.now.date());
                resources::daily(service, caller, time, day).await?
            }
        })
    }
}

#[async_trait]
impl Toolset for GoalsTools {
    fn name(&self) -> &'static str {
        NAME
    }

    fn instructions(&self) -> &'static str {
        "Goals, tasks and memories of the user. Pass dates in the user's words, such as \"every 2nd friday at 9\": the \
         server computes them, and answers say what was understood. Pass the id of an item as an answer has it, if_rev to \
         change only what you have seen, and the same request_id when you repeat a call. undo takes the last change back."
    }

    fn tools(&self) -> Vec<Tool> {
        self.router.list_all()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.router.get(name)
    }

    fn tool_class(&self, tool: &Tool) -> AccessClass {
        if tool.name == ANALYZE_PROGRESS { AccessClass::Write } else { AccessClass::of_tool(tool) }
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.router.call(ToolCallContext::new(self, request, context)).await
    }

    fn uri_scheme(&self) -> Option<&'static str> {
        Some(SCHEME)
    }

    fn resource_user<'a>(&self, uri: &'a str) -> Option<&'a str> {
        user_of(uri)
    }

    fn resources(&self) -> Vec<Resource> {
        let profile = Resource::new("selfos://users/me/profile", "profile").with_mime_type(JSON);
        let today =
            Resource::new("selfos://users/me/daily/today", "today").with_mime_type(MARKDOWN);
        vec![profile, today]
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        vec![
            ResourceTemplate::new(PROFILE_TEMPLATE, "profile")
                .with_title("Profile")
                .with_description("The user, active goals, recent achievements and preferences.")
                .with_mime_type(JSON),
            ResourceTemplate::new(DAILY_TEMPLATE, "daily")
                .with_title("Summary of a day")
                .with_description("What is overdue, due and completed, as Markdown. The date is 2027-01-15 or today.")
                .with_mime_type(MARKDOWN),
            ResourceTemplate::new(GOAL_TEMPLATE, "goal_context")
                .with_title("Context of a goal")
                .with_description("A goal with its tasks, progress and timeline.")
                .with_mime_type(JSON),
        ]
    }

    async fn read_resource(
        &self,
        ResourceRead { uri, principal, .. }: ResourceRead<'_>,
    ) -> Option<Result<ResourceContents, ErrorData>> {
        let parsed = GoalsUri::parse(uri)?;
        let caller = GoalsCaller::of(principal, user_of(uri), false).ok()?;
        match self.resource(uri, &parsed, &caller).await {
            Ok((text, media_type)) => {
                Some(Ok(ResourceContents::text(text, uri).with_mime_type(media_type)))
            }
            // There is no such goal, or it is in the bin.
            Err(GoalsError::Refused(_)) => None,
            Err(error) => Some(Err(ErrorData::internal_error(error_text(error), None))),
        }
    }

    fn prompts(&self) -> Vec<Prompt> {
        prompts::list()
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let principal = Principal::from_extensions(&context.extensions);
        let caller = principal.and_then(|principal| GoalsCaller::of(principal, None, false).ok());
        let today = match &caller {
            Some(caller) => {
                let time = self.service.time(caller).await;
                let time = time.map_err(|e| ErrorData::internal_error(error_text(e), None))?;
                format!("{} in the zone {}", named_date(time.now.date()), time.zone_name())
            }
            None => return Err(ErrorData::invalid_request("The caller owns no goals.", None)),
        };
        let argument = |name: &str| {
            let value = request.arguments.as_ref()?.get(name)?;
            Some(value.as_str().map_or_else(|| Value::to_string(value), str::to_owned))
        };
        let filled = prompts::fill(&request.name, argument, &today);
        let filled = filled.ok_or_else(|| ErrorData::invalid_params("Unknown prompt.", None))?;
        let text = filled.map_err(|error| ErrorData::invalid_params(error, None))?;
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
    }
}
