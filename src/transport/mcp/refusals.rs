//! The errors that the server answers a client with before a toolset is asked.

use rmcp::ErrorData;
use rmcp::model::{ConstString, ErrorCode};

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

/// Refuses method `M` of a capability that is not declared.
pub(super) fn declared<M: ConstString>(is_declared: bool) -> Result<(), ErrorData> {
    if is_declared { Ok(()) } else { Err(ErrorData::method_not_found::<M>()) }
}
