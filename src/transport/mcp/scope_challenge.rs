//! [`scope_challenge`]: the 403 response that makes a client ask its user for a wider scope.
//!
//! It exists over HTTP only. On other transports, and in a batch, the call gets the same error without a
//! status.

use axum::response::Response;
use rmcp::model::CallToolRequestParams;

use super::message::{JsonRpcKind, Message};
use super::refusals;
use super::rpc_error::{INVALID_REQUEST, RpcError};
use super::state::McpState;
use crate::kernel::principal::{Credential, Principal};
use crate::transport::http::protected_resource::insufficient_scope;

/// The response to a call of a tool that a wider scope of `principal` would open. `None` for every other
/// message.
pub(super) fn scope_challenge(
    state: &McpState,
    principal: &Principal,
    body: &[u8],
) -> Option<Response> {
    let metadata_url = state.resource_metadata.as_ref()?;
    if *principal.credential() != Credential::Oidc {
        return None;
    }
    let (message, toolsets) = (Message::read(body).ok()?, &state.stateless.server().toolsets);
    let (id, name) = if message.is_framed() {
        let JsonRpcKind::Request { id, method } = message.check().ok()? else { return None };
        let params = (method == "tools/call").then_some(message.params?)?;
        let call: CallToolRequestParams = serde_json::from_str(params.get()).ok()?;
        (Some(id), call.name.into_owned())
    } else {
        (None, message.method().filter(|method| toolsets.have_method(method))?)
    };
    let missing = toolsets.missing_scope(principal, &name)?;
    let text = refusals::insufficient_scope(&missing).message;
    let error = match id {
        Some(id) => RpcError::framed(Some(id), INVALID_REQUEST, text),
        None => RpcError::new(INVALID_REQUEST, text),
    };
    let wider = principal.permissions().with_scope(&missing);
    Some(insufficient_scope(&wider, metadata_url, error.to_text()))
}
