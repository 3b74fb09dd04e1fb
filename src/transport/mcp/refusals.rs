//! The errors that the server answers a client with. None quotes the client's input.

use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, ErrorCode};

use crate::kernel::toolset::unknown_method;

/// From the range of error codes that JSON-RPC 2.0 reserves for servers.
const SESSION_LIMIT_REACHED: ErrorCode = ErrorCode(-32_000);

/// The error for a client beyond the session limit.
pub(super) fn session_limit_reached() -> ErrorData {
    let message =
        "The live session limit is reached. Try again later, or call /mcp, which needs no session.";
    ErrorData::new(SESSION_LIMIT_REACHED, message, None)
}

/// The error for a client that starts a live session while the instance drains.
pub(super) fn draining_error() -> ErrorData {
    let message =
        "This instance is draining and accepts no new live sessions: reconnect, or call /mcp.";
    ErrorData::new(SESSION_LIMIT_REACHED, message, None)
}

/// Refuses a method of a capability that is not declared.
pub(super) fn declared(is_declared: bool) -> Result<(), ErrorData> {
    if is_declared { Ok(()) } else { Err(unknown_method()) }
}

/// The error for a tool that a wider scope would open.
pub(super) fn insufficient_scope(scope: &str) -> ErrorData {
    ErrorData::invalid_request(format!("The token needs the scope {scope}."), None)
}

/// The error for a resource that does not exist, or not for its principal.
pub(super) fn unknown_resource() -> ErrorData {
    ErrorData::resource_not_found("Unknown resource.", None)
}

/// A result that the model reads, and can correct the call by.
pub(super) fn tool_error(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text)]).into()
}

/// Turns the error of a known tool for its arguments into a result, because clients show protocol
/// errors to no model.
pub(super) fn argument_error(error: ErrorData) -> Result<CallToolResponse, ErrorData> {
    if error.code != ErrorCode::INVALID_PARAMS {
        return Err(error);
    }
    Ok(tool_error(error.message))
}
