//! [`Toolsets`]: the enabled toolsets, and what of them a principal has.
//!
//! Every list, call, read and subscription goes through here, so that the rules of
//! [`access`](crate::kernel::access) hold on all paths. The server declares a capability only if a
//! toolset offers something behind it, and the methods of an undeclared capability do not exist. The
//! protocol's handlers belong to [`server`](super::server).

use std::sync::Arc;

use rmcp::model::{
    JsonObject, Prompt, PromptsCapability, Reference, Resource, ResourceTemplate,
    ResourcesCapability, ServerCapabilities, Tool, ToolsCapability,
};

use super::own_user;
use crate::kernel::access::{AccessDecision, AccessPolicy, AccessTarget};
use crate::kernel::permissions::{AccessClass, required_scope};
use crate::kernel::principal::Principal;
use crate::kernel::toolset::{ResourceWatch, Toolset};

/// The toolsets of a server, in the order of their lists. Cheap to clone.
#[derive(Clone)]
pub(super) struct Toolsets {
    list: Arc<[Arc<dyn Toolset>]>,
    policy: AccessPolicy,
}

impl From<Vec<Arc<dyn Toolset>>> for Toolsets {
    fn from(toolsets: Vec<Arc<dyn Toolset>>) -> Self {
        Self { list: toolsets.into(), policy: AccessPolicy::default() }
    }
}

impl Toolsets {
    pub fn with_policy(self, policy: AccessPolicy) -> Self {
        Self { policy, ..self }
    }

    /// All toolsets, whether or not a principal has a part of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Toolset>> {
        self.list.iter()
    }

    fn allow(&self, principal: &Principal, toolset: &dyn Toolset, part: Part) -> bool {
        self.decide(principal, toolset, part) == AccessDecision::Allowed
    }

    fn decide(&self, principal: &Principal, toolset: &dyn Toolset, part: Part) -> AccessDecision {
        let target = AccessTarget {
            toolset: toolset.name(),
            names_users: toolset.user_argument().is_some(),
            class: part.class,
            name: part.name,
            alias: part.alias,
        };
        self.policy.decide(principal, &target)
    }

    /// The tools of a principal.
    pub fn tools(&self, principal: &Principal) -> Vec<Tool> {
        let mut tools = Vec::new();
        for toolset in self.iter() {
            let allowed = toolset
                .tools()
                .into_iter()
                .filter(|tool| self.allow(principal, &**toolset, Part::tool(&**toolset, tool)));
            tools.extend(allowed.map(|tool| own_user::describe(principal, &**toolset, tool)));
        }
        tools
    }

    /// How to use the tools of a principal, joined from their toolsets.
    pub fn instructions(&self, principal: &Principal) -> String {
        let has_tool = |toolset: &dyn Toolset| {
            let tools = toolset.tools();
            tools.iter().any(|tool| self.allow(principal, toolset, Part::tool(toolset, tool)))
        };
        let toolsets = self.iter().filter(|toolset| has_tool(&***toolset));
        let texts = toolsets.map(|toolset| toolset.instructions());
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The toolset that offers a tool to a principal.
    pub fn offering_tool(&self, principal: &Principal, name: &str) -> Option<&Arc<dyn Toolset>> {
        self.iter().find(|toolset| {
            let tool = toolset.tool(name);
            tool.is_some_and(|tool| {
                self.allow(principal, &***toolset, Part::tool(&***toolset, tool))
            })
        })
    }

    /// The toolset that offers a method of the short form to a principal.
    pub fn offering_method(
        &self,
        principal: &Principal,
        method: &str,
    ) -> Option<&Arc<dyn Toolset>> {
        self.iter().find(|toolset| {
            toolset.short_methods().contains(&method)
                && toolset.tool(method).is_some_and(|tool| {
                    self.allow(principal, &***toolset, Part::tool(&***toolset, tool))
                })
        })
    }

    /// The methods of the short form that a principal has.
    pub fn methods(&self, principal: &Principal) -> Vec<&'static str> {
        let methods = self.iter().flat_map(|toolset| toolset.short_methods());
        methods.copied().filter(|name| self.offering_method(principal, name).is_some()).collect()
    }

    /// The scope that `principal` needs for a tool, if it may ask its provider for it.
    pub fn missing_scope(&self, principal: &Principal, name: &str) -> Option<String> {
        self.iter().find_map(|toolset| {
            let part = Part::tool(&**toolset, toolset.tool(name)?);
            let decision = self.decide(principal, &**toolset, part);
            (decision == AccessDecision::InsufficientScope)
                .then(|| required_scope(toolset.name(), part.class))
        })
    }

    /// Returns `true` if the short form has `method`, for any principal.
    pub fn have_method(&self, method: &str) -> bool {
        self.iter().any(|toolset| toolset.short_methods().contains(&method))
    }

    /// The scopes that open a tool or a resource, each once.
    pub fn scopes(&self) -> Vec<String> {
        let mut scopes = Vec::new();
        for toolset in self.iter() {
            let tools = toolset.tools();
            let resources = toolset.resources().into_iter().map(|resource| resource.uri.clone());
            let templates = toolset.resource_templates().into_iter();
            let uris = resources.chain(templates.map(|template| template.uri_template.clone()));
            let classes = tools.iter().map(|tool| toolset.tool_class(tool));
            let classes = classes.chain(uris.map(|uri| toolset.resource_class(&uri)));
            for class in classes.filter(|class| self.policy.has_class(*class)) {
                let scope = required_scope(toolset.name(), class);
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        scopes
    }

    /// The prompts of a principal.
    pub fn prompts(&self, principal: &Principal) -> Vec<Prompt> {
        let offering = self.iter().filter(|toolset| self.allow(principal, &***toolset, PROMPT));
        offering.flat_map(|toolset| toolset.prompts()).collect()
    }

    pub fn offering_prompt(&self, principal: &Principal, name: &str) -> Option<&Arc<dyn Toolset>> {
        let has =
            |toolset: &dyn Toolset| toolset.prompts().iter().any(|prompt| prompt.name == name);
        self.iter().find(|toolset| has(&***toolset) && self.allow(principal, &***toolset, PROMPT))
    }

    /// The toolset that completes the arguments of a prompt or of a resource template.
    pub fn completing(
        &self,
        principal: &Principal,
        reference: &Reference,
    ) -> Option<&Arc<dyn Toolset>> {
        let toolset = match reference {
            Reference::Prompt(prompt) => self.offering_prompt(principal, &prompt.name),
            Reference::Resource(resource) => self.iter().find(|toolset| {
                let templates = toolset.resource_templates();
                let is_theirs =
                    templates.iter().any(|template| template.uri_template == resource.uri);
                is_theirs && self.may_read(principal, &***toolset, &resource.uri)
            }),
            _ => None,
        };
        toolset.filter(|toolset| toolset.completes_arguments())
    }

    fn may_read(&self, principal: &Principal, toolset: &dyn Toolset, uri: &str) -> bool {
        let (name, alias) = own_user::uris(principal, toolset, uri);
        let (name, alias) = (Some(&*name), alias.as_deref());
        let part = Part { class: toolset.resource_class(uri), name, alias };
        self.allow(principal, toolset, part)
    }

    pub fn resources(&self, principal: &Principal) -> Vec<Resource> {
        let offered = self.iter().flat_map(|toolset| {
            let resources = toolset.resources().into_iter();
            resources.filter(|resource| self.may_read(principal, &**toolset, &resource.uri))
        });
        offered.collect()
    }

    pub fn resource_templates(&self, principal: &Principal) -> Vec<ResourceTemplate> {
        let offered = self.iter().flat_map(|toolset| {
            let templates = toolset.resource_templates().into_iter();
            templates
                .filter(|template| self.may_read(principal, &**toolset, &template.uri_template))
        });
        offered.collect()
    }

    /// The toolset of a resource that a principal may read, found by the scheme of its URI.
    pub fn offering_resource(&self, principal: &Principal, uri: &str) -> Option<&Arc<dyn Toolset>> {
        let (scheme, _) = uri.split_once(':')?;
        self.iter().find(|toolset| {
            toolset.uri_scheme().is_some_and(|own| own.eq_ignore_ascii_case(scheme))
                && own_user::owns_resource(principal, &***toolset, uri)
                && self.may_read(principal, &***toolset, uri)
        })
    }

    pub fn watch(&self, principal: &Principal, uri: &str) -> Option<Box<dyn ResourceWatch>> {
        let toolset = self.offering_resource(principal, uri)?;
        let subject = own_user::resource_subject(principal, &**toolset, uri);
        toolset.watch_resource(uri, principal, subject)
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

/// A tool, a prompt or a resource of a toolset.
#[derive(Clone, Copy)]
struct Part<'a> {
    class: AccessClass,
    /// `None` for a prompt.
    name: Option<&'a str>,
    alias: Option<&'a str>,
}

impl<'a> Part<'a> {
    fn tool(toolset: &dyn Toolset, tool: &'a Tool) -> Self {
        Self { class: toolset.tool_class(tool), name: Some(&tool.name), alias: None }
    }
}

/// A prompt, which is read. Globs are for tools and resources.
const PROMPT: Part<'static> = Part { class: AccessClass::Read, name: None, alias: None };
