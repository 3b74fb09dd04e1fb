//! [`Toolset`]: the trait through which transports list and call tools.
//!
//! To add a toolset, add a folder with a `tools.rs`. It implements [`Toolset`] on a struct that
//! stores its router, because rebuilding the router costs more than a call. Then add a [row](row::ToolsetRow) to
//! the table in `app/toolsets.rs`. Rules and wording of a toolset belong to its folder.

pub mod parts;
pub mod row;

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompletionInfo, ErrorCode,
    Extensions, GetPromptRequestParams, GetPromptResponse, Prompt, RequestId, Resource,
    ResourceContents, ResourceTemplate, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Peer, RoleServer};

use crate::kernel::admission::{Admission, CountedCall, Subject};
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::permissions::AccessClass;
use crate::kernel::principal::Principal;
use crate::kernel::receipt::{Receipt, ReceiptSlot};
use crate::kernel::session::Session;

/// The error for a method that does not exist. It does not repeat the name, which is untrusted.
#[must_use]
pub fn unknown_method() -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "Unknown method.", None)
}

/// A group of MCP tools that is switched on or off as a whole.
#[async_trait]
pub trait Toolset: Send + Sync {
    /// The name in scopes and metrics.
    fn name(&self) -> &'static str;

    fn tools(&self) -> Vec<Tool>;

    /// How to use the tools: a part of the instructions that clients receive. Names no tool of another
    /// toolset, which may be off.
    fn instructions(&self) -> &'static str {
        ""
    }

    fn tool(&self, name: &str) -> Option<&Tool>;

    /// The class of a tool that [`Toolset::tool`] returns.
    fn tool_class(&self, tool: &Tool) -> AccessClass {
        AccessClass::of_tool(tool)
    }

    /// The argument that names the user of a connector's call. `None` if data of this toolset belongs to
    /// principals, so that a connector has none of its tools.
    fn user_argument(&self) -> Option<&'static str> {
        None
    }

    /// Calls a tool that [`Toolset::tool`] returns. The extensions of `context` have the call's
    /// [`Subject`] and its [`Principal`].
    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData>;

    /// The client of a live session has cancelled a call, which may be of another toolset or answered.
    fn call_cancelled(&self, _session: &Session, _call: &RequestId) {}

    /// The subject of a call of a connector. The arguments are not validated yet.
    fn subject(&self, _request: &CallToolRequestParams) -> Subject {
        Subject::Anonymous
    }

    /// The methods of the short form, which has no MCP framing.
    fn short_methods(&self) -> &'static [&'static str] {
        &[]
    }

    /// Executes one of [`Toolset::short_methods`] and returns its result as JSON.
    async fn call_short(&self, _call: ShortCall<'_>) -> Result<String, ErrorData> {
        Err(unknown_method())
    }

    /// The scheme of the toolset's URIs, such as `penpal`. `None` if it has no resources.
    fn uri_scheme(&self) -> Option<&'static str> {
        None
    }

    /// The class of reading a resource.
    fn resource_class(&self, _uri: &str) -> AccessClass {
        AccessClass::Read
    }

    /// The raw id of the user whose resource this is, as a part of `uri`. `None` if it belongs to no user.
    fn resource_user<'a>(&self, _uri: &'a str) -> Option<&'a str> {
        None
    }

    /// The subject of a connector's read of this resource.
    fn resource_subject(&self, _uri: &str) -> Subject {
        Subject::Anonymous
    }

    /// The resources with a fixed URI.
    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        Vec::new()
    }

    /// The contents of a resource. `None` if there is no such resource.
    async fn read_resource(
        &self,
        _read: ResourceRead<'_>,
    ) -> Option<Result<ResourceContents, ErrorData>> {
        None
    }

    /// Watches a resource of `subject`. `None` if there is no such resource.
    fn watch_resource(
        &self,
        _uri: &str,
        _principal: &Principal,
        _subject: Subject,
    ) -> Option<Box<dyn ResourceWatch>> {
        None
    }

    fn prompts(&self) -> Vec<Prompt> {
        Vec::new()
    }

    /// Fills a prompt of [`Toolset::prompts`] with arguments. The extensions of `context` have the
    /// [`Principal`].
    async fn get_prompt(
        &self,
        _request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        Err(unknown_method())
    }

    /// Whether [`Toolset::complete`] suggests values.
    fn completes_arguments(&self) -> bool {
        false
    }

    /// Suggests values of an argument of a prompt or a resource template of this toolset.
    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _principal: &Principal,
    ) -> Result<CompletionInfo, ErrorData> {
        Ok(CompletionInfo::default())
    }

    /// Whether tools send log messages to the client, of the level that
    /// [`ClientLogLevel`](super::client_log::ClientLogLevel) allows.
    fn logs_to_clients(&self) -> bool {
        false
    }
}

/// A call in the short form.
#[derive(Clone, Copy)]
pub struct ShortCall<'a> {
    pub method: &'a str,
    /// The parameters as JSON text without surrounding whitespace.
    pub params: &'a str,
    pub principal: &'a Principal,
    /// `None` if the caller's network is unknown.
    pub network: Option<ClientNetwork>,
    /// `None` when all calls are admitted.
    pub admission: Option<&'a Arc<dyn Admission>>,
    pub receipts: &'a Receipts,
}

impl ShortCall<'_> {
    /// Admits the call for its subject. Pass the result to [`CountedCall::settle`].
    ///
    /// # Errors
    /// Returns the error to answer with if the call must not run.
    pub async fn admit(&self, subject: Subject) -> Result<Option<CountedCall>, ErrorData> {
        match (self.admission, self.network) {
            (Some(admission), Some(network)) => {
                Ok(CountedCall::admit(admission, network, subject).await?)
            }
            _ => Ok(None),
        }
    }
}

/// A read of a resource that the principal may read.
pub struct ResourceRead<'a> {
    pub uri: &'a str,
    pub principal: &'a Principal,
    pub subject: Subject,
    pub receipts: Receipts,
}

/// Reports changes of a resource.
#[async_trait]
pub trait ResourceWatch: Send {
    /// Waits until the resource has changed since the previous call.
    async fn changed(&mut self);
}

/// The receipt slot of the request that a tool answers.
///
/// `None` if the transport cannot detect whether the answer arrives. The answer then counts as
/// delivered when the tool returns it.
pub struct Receipts(pub Option<ReceiptSlot>);

impl Receipts {
    /// The receipt slot in the extensions of a request.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Self {
        let http_request = extensions.get::<http::request::Parts>();
        let from_http = http_request.and_then(|parts| parts.extensions.get::<ReceiptSlot>());
        Self(from_http.or_else(|| extensions.get::<ReceiptSlot>()).cloned())
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

/// The subject of a call, which the server computes before it.
#[derive(Clone, Copy)]
pub struct CallSubject(pub Subject);

impl<S> FromContextPart<ToolCallContext<'_, S>> for CallSubject {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let subject = context.request_context.extensions.get::<Subject>();
        Ok(Self(subject.copied().unwrap_or(Subject::Anonymous)))
    }
}

/// The principal of a call.
pub struct CallPrincipal(pub Arc<Principal>);

impl<S> FromContextPart<ToolCallContext<'_, S>> for CallPrincipal {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let principal = Principal::from_extensions(&context.request_context.extensions);
        let none = || ErrorData::invalid_request("The request has no credential.", None);
        principal.cloned().map(Self).ok_or_else(none)
    }
}

/// The network of the caller; `None` if the transport does not know it.
#[derive(Clone, Copy)]
pub struct CallerNetwork(pub Option<ClientNetwork>);

impl<S> FromContextPart<ToolCallContext<'_, S>> for CallerNetwork {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        Ok(Self(ClientNetwork::from_extensions(&context.request_context.extensions)))
    }
}

/// The live session of a call, if it has one, and the peer that sent the call.
pub struct LiveSession(Option<Arc<Session>>, Peer<RoleServer>, RequestId);

impl LiveSession {
    #[must_use]
    pub fn get(&self) -> Option<(&Session, Peer<RoleServer>)> {
        self.0.as_deref().map(|session| (session, self.1.clone()))
    }

    /// The id of the call, which is unique in its session.
    #[must_use]
    pub const fn call_id(&self) -> &RequestId {
        &self.2
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for LiveSession {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let context = &context.request_context;
        let session = context.extensions.get::<Arc<Session>>().cloned();
        Ok(Self(session, context.peer.clone(), context.id.clone()))
    }
}
