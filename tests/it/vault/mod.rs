//! A toolset that has a tool and a resource of each class, for tests of access. It stores nothing, and its data
//! belongs to principals.

use std::sync::Arc;

use async_trait::async_trait;
use random_connect::kernel::admission::Subject;
use random_connect::kernel::permissions::AccessClass;
use random_connect::kernel::principal::Principal;
use random_connect::kernel::settings::SettingsReader;
use random_connect::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use random_connect::kernel::toolset::row::{BuiltToolset, ToolsetPlan, ToolsetRow};
use random_connect::kernel::toolset::{ResourceRead, ResourceWatch, Toolset};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, Resource,
    ResourceContents, ResourceTemplate, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::json;

/// Each class, the name of its tool, and the URI of its resource.
pub const CLASSES: [(AccessClass, &str, &str); 5] = [
    (AccessClass::Read, "vault_read", "vault://read"),
    (AccessClass::Write, "vault_write", "vault://write"),
    (AccessClass::Destroy, "vault_destroy", "vault://destroy"),
    (AccessClass::Admin, "vault_admin", "vault://admin"),
    (AccessClass::Spend, "vault_spend", "vault://spend"),
];

/// The template of the notes, which are read.
pub const NOTES: &str = "vault://notes/{id}";

/// The row in the table of toolsets.
pub const VAULT: ToolsetRow =
    ToolsetRow { name: "vault", docs: "", settings: &[], quotas: &[], migrations: None, read };

#[derive(Debug)]
struct VaultPlan;

fn read(_reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
    Arc::new(VaultPlan)
}

impl ToolsetPlan for VaultPlan {
    fn build(&self, _parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let tool = |(_, name, _)| {
            let tool = Tool::new(name, "Has a class.", JsonObject::new());
            // The class does not follow from the annotations.
            tool.with_annotations(ToolAnnotations::new())
        };
        Ok(BuiltToolset::new(Arc::new(VaultTools(CLASSES.map(tool)))))
    }
}

struct VaultTools([Tool; 5]);

/// The class of a resource that exists.
fn class_of_resource(uri: &str) -> Option<AccessClass> {
    if uri.starts_with("vault://notes/") {
        return Some(AccessClass::Read);
    }
    CLASSES.iter().find(|(_, _, resource)| *resource == uri).map(|(class, _, _)| *class)
}

/// A watch of a resource that never changes.
struct Unchanged;

#[async_trait]
impl ResourceWatch for Unchanged {
    async fn changed(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Toolset for VaultTools {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn tools(&self) -> Vec<Tool> {
        self.0.to_vec()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.0.iter().find(|tool| tool.name == name)
    }

    fn tool_class(&self, tool: &Tool) -> AccessClass {
        let class = CLASSES.iter().find(|(_, name, _)| *name == tool.name);
        class.map_or(AccessClass::Admin, |(class, _, _)| *class)
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::structured(json!({ "called": request.name })).into())
    }

    fn uri_scheme(&self) -> Option<&'static str> {
        Some("vault")
    }

    fn resource_class(&self, uri: &str) -> AccessClass {
        class_of_resource(uri).unwrap_or(AccessClass::Admin)
    }

    fn resources(&self) -> Vec<Resource> {
        CLASSES.iter().map(|(_, name, uri)| Resource::new(*uri, *name)).collect()
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        vec![ResourceTemplate::new(NOTES, "notes")]
    }

    async fn read_resource(
        &self,
        ResourceRead { uri, .. }: ResourceRead<'_>,
    ) -> Option<Result<ResourceContents, ErrorData>> {
        class_of_resource(uri).map(|_| Ok(ResourceContents::text("a secret", uri)))
    }

    fn watch_resource(
        &self,
        uri: &str,
        _principal: &Principal,
        _subject: Subject,
    ) -> Option<Box<dyn ResourceWatch>> {
        class_of_resource(uri).map(|_| Box::new(Unchanged) as Box<dyn ResourceWatch>)
    }
}
