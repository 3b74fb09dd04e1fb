//! [`Toolsets`]: the enabled toolsets, and which of them offers a tool, a resource or a prompt.
//!
//! The server declares a capability only if a toolset offers something behind it, and the methods of an undeclared
//! capability do not exist. The protocol's handlers belong to [`server`](super::server).

use std::sync::Arc;

use rmcp::model::{
    JsonObject, PromptsCapability, Reference, ResourcesCapability, ServerCapabilities,
    ToolsCapability,
};

use crate::kernel::toolset::{ResourceWatch, Toolset};

/// The toolsets of a server, in the order of their lists. Cheap to clone.
#[derive(Clone)]
pub(super) struct Toolsets(Arc<[Arc<dyn Toolset>]>);

impl From<Vec<Arc<dyn Toolset>>> for Toolsets {
    fn from(toolsets: Vec<Arc<dyn Toolset>>) -> Self {
        Self(toolsets.into())
    }
}

impl Toolsets {
    /// The same toolsets and another one.
    pub fn with(&self, toolset: Arc<dyn Toolset>) -> Self {
        Self(self.iter().cloned().chain([toolset]).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Toolset>> {
        self.0.iter()
    }

    pub fn offering_tool(&self, name: &str) -> Option<&Arc<dyn Toolset>> {
        self.iter().find(|toolset| toolset.tool(name).is_some())
    }

    pub fn offering_prompt(&self, name: &str) -> Option<&Arc<dyn Toolset>> {
        self.iter().find(|toolset| toolset.prompts().iter().any(|prompt| prompt.name == name))
    }

    /// The toolset that completes the arguments of a prompt or of a resource template.
    pub fn completing(&self, reference: &Reference) -> Option<&Arc<dyn Toolset>> {
        let toolset = match reference {
            Reference::Prompt(prompt) => self.offering_prompt(&prompt.name),
            Reference::Resource(resource) => self.iter().find(|toolset| {
                let templates = toolset.resource_templates();
                templates.iter().any(|template| template.uri_template == resource.uri)
            }),
            _ => None,
        };
        toolset.filter(|toolset| toolset.completes_arguments())
    }

    pub fn watch(&self, uri: &str) -> Option<Box<dyn ResourceWatch>> {
        self.iter().find_map(|toolset| toolset.watch_resource(uri))
    }

    pub fn offer_resources(&self) -> bool {
        self.iter().any(|toolset| {
            !toolset.resource_templates().is_empty() || !toolset.resources().is_empty()
        })
    }

    pub fn offer_prompts(&self) -> bool {
        self.iter().any(|toolset| !toolset.prompts().is_empty())
    }

    pub fn complete_arguments(&self) -> bool {
        self.iter().any(|toolset| toolset.completes_arguments())
    }

    pub fn log_to_clients(&self) -> bool {
        self.iter().any(|toolset| toolset.logs_to_clients())
    }

    /// The capabilities behind which a toolset offers something.
    pub fn capabilities(&self) -> ServerCapabilities {
        let mut resources = ResourcesCapability::default();
        resources.subscribe = Some(true);
        let mut capabilities = ServerCapabilities::default();
        capabilities.tools = Some(ToolsCapability::default());
        capabilities.resources = self.offer_resources().then_some(resources);
        capabilities.prompts = self.offer_prompts().then(PromptsCapability::default);
        capabilities.completions = self.complete_arguments().then(JsonObject::new);
        capabilities.logging = self.log_to_clients().then(JsonObject::new);
        capabilities
    }
}
