//! The short form: a call without MCP framing, for monitoring and manual tests.
//!
//! `{"method": "handle_message", "params": {…}}` → `{"result": …}` or `{"error": {code, message}}`.
//! The methods belong to the toolsets: see [`Toolset::call_short`](crate::kernel::toolset::Toolset::call_short).

use axum::http::header;
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde_json::value::RawValue;

use super::caller::Caller;
use super::own_user;
use super::rpc_error::RpcError;
use super::server::McpServer;
use super::state::McpState;
use crate::kernel::clock::Stopwatch;
use crate::kernel::toolset::{Receipts, ShortCall};
use crate::transport::ops::metrics::CallOutcome;

/// The parameters of a call without `params`.
const NO_PARAMS: &str = "{}";

/// Executes a call in the short form.
pub async fn handle(
    state: &McpState,
    method: &str,
    params: Option<&RawValue>,
    caller: Caller,
) -> Response {
    let stopwatch = Stopwatch::start();
    let params = params.map_or(NO_PARAMS, RawValue::get);
    let result = call(state.stateless.server(), method, params, caller).await;
    let outcome = if result.is_ok() { CallOutcome::Ok } else { CallOutcome::Refused };
    state.metrics.record_call(method, outcome, stopwatch.elapsed());
    match result {
        Ok(result) => {
            let body = ["{\"result\":", &result, "}"].concat();
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => RpcError::from(error).into_response(),
    }
}

async fn call(
    server: &McpServer,
    method: &str,
    params: &str,
    caller: Caller,
) -> Result<String, ErrorData> {
    let Caller { slot, network, principal } = caller;
    let principal = &*principal;
    let Some(toolset) = server.toolsets.offering_method(principal, method) else {
        let methods = server.toolsets.methods(principal);
        let message = match methods.join(" or ") {
            none if none.is_empty() => "Unknown method: use tools/call.".to_owned(),
            methods => format!("Unknown method: expected {methods}."),
        };
        return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None));
    };
    let (admission, receipts) = (server.admission.as_ref(), &Receipts(Some(slot)));
    let own = own_user::short_params(principal, &**toolset, params)?;
    let params = own.as_deref().unwrap_or(params);
    let call = ShortCall { method, params, principal, network, admission, receipts };
    toolset.call_short(call).await
}
