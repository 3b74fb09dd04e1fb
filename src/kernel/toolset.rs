//! The seam between a toolset and the ways in: what it offers, and how it is called.
//!
//! A toolset is a folder of its own; its `tools.rs` implements [`Toolset`] on a struct that keeps
//! its router (rebuilding it costs more than a call), and `app.rs` adds it to the table.

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{CallToolRequestParams, CallToolResponse, Extensions, ResourceTemplate, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Peer, RoleServer};
use serde::de::DeserializeOwned;

use super::id::UserId;
use super::receipt::{Receipt, ReceiptSlot};
use super::session::Session;

/// Whose a call is, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Known(UserId),
    /// A person who is made with it.
    New,
    /// It makes nobody known.
    Anonymous,
}

/// A group of MCP tools that is switched on or off as a whole.
#[async_trait]
pub trait Toolset: Send + Sync {
    fn tools(&self) -> Vec<Tool>;

    fn tool(&self, name: &str) -> Option<&Tool>;

    /// Carries out one call of a tool that [`Toolset::tool`] knows.
    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData>;

    /// Whose a call is. Nothing of it has been checked yet.
    fn subject(&self, _request: &CallToolRequestParams) -> Subject {
        Subject::Anonymous
    }

    /// Whose it is when this resource is read.
    fn resource_subject(&self, _uri: &str) -> Subject {
        Subject::Anonymous
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        Vec::new()
    }

    /// What a resource holds, as JSON; nothing if it is not one of this toolset's.
    async fn read_resource(
        &self,
        _uri: &str,
        _receipts: Receipts,
    ) -> Option<Result<String, ErrorData>> {
        None
    }

    /// Watches a resource; nothing if it is not one of this toolset's.
    fn watch_resource(&self, _uri: &str) -> Option<Box<dyn ResourceWatch>> {
        None
    }
}

/// Tells when a resource has changed.
#[async_trait]
pub trait ResourceWatch: Send {
    /// Waits until it has, since this was last asked.
    async fn changed(&mut self);
}

/// A tool's arguments. Unknown ones are ignored; a bad one is refused without quoting its value,
/// which may be a message or a person's id.
pub struct Arguments<T>(pub T);

impl<S, T: DeserializeOwned> FromContextPart<ToolCallContext<'_, S>> for Arguments<T> {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let arguments = context.arguments.take().unwrap_or_default();
        serde_json::from_value(serde_json::Value::Object(arguments))
            .map(Self)
            .map_err(|error| invalid_arguments(&error))
    }
}

/// Reads a tool's arguments from a JSON text without space around it.
///
/// # Errors
/// -32602, naming what is missing but quoting nothing.
pub fn parse_arguments<T: DeserializeOwned>(arguments: &str) -> Result<T, ErrorData> {
    // serde would read an array as the members in order.
    if !arguments.starts_with('{') {
        return Err(ErrorData::invalid_params("Invalid arguments: expected an object.", None));
    }
    serde_json::from_str(arguments).map_err(|error| invalid_arguments(&error))
}

/// What is wrong with arguments, quoting nothing of them.
fn invalid_arguments(error: &serde_json::Error) -> ErrorData {
    let told = error.to_string();
    // serde quotes the offending value in every message but this one.
    let reason = if told.starts_with("missing field") {
        told.split(" at line ").next().unwrap_or_default()
    } else {
        "an argument has the wrong type, see the tool's input schema"
    };
    ErrorData::invalid_params(format!("Invalid arguments: {reason}."), None)
}

/// The receipts of the request a tool is answering, where its transport can tell whether the
/// answer arrived; without one, an answer counts as delivered when it is returned.
pub struct Receipts(pub Option<ReceiptSlot>);

impl Receipts {
    /// Those of the request that these are the extensions of.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Self {
        let parts = extensions.get::<http::request::Parts>();
        let of_http = parts.and_then(|parts| parts.extensions.get::<ReceiptSlot>());
        Self(of_http.or_else(|| extensions.get::<ReceiptSlot>()).cloned())
    }

    pub fn put(&self, receipt: Receipt) {
        match &self.0 {
            Some(slot) => slot.put(receipt),
            None => receipt.confirm(),
        }
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for Receipts {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        Ok(Self::from_extensions(&context.request_context.extensions))
    }
}

/// The live session that a call came in, if it came in one, and who is at its other end.
pub struct LiveSession(Option<Arc<Session>>, Peer<RoleServer>);

impl LiveSession {
    #[must_use]
    pub fn get(&self) -> Option<(&Session, Peer<RoleServer>)> {
        self.0.as_deref().map(|session| (session, self.1.clone()))
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for LiveSession {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let context = &context.request_context;
        Ok(Self(context.extensions.get::<Arc<Session>>().cloned(), context.peer.clone()))
    }
}
