//! The short form: a call without MCP framing, for monitoring and manual tests.
//!
//! `{"method": "handle_message", "params": {…}}` → `{"result": …}` or `{"error": {code, message}}`.
//! The methods belong to the toolsets: see [`Toolset::call_short`](crate::kernel::toolset::Toolset::call_short).

use axum::http::header;
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde_json::value::RawValue;

use super::rpc_error::RpcError;
use super::server::McpServer;
use super::state::McpState;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::receipt::ReceiptSlot;
use crate::kernel::toolset::{Receipts, ShortCall};
use crate::transport::ops::metrics::CallOutcome;

/// The parameters of a call without `params`.
const NO_PARAMS: &str = "{}";

/// Executes a call in the short form.
pub async fn handle(
    state: &McpState,
    method: &str,
    params: Option<&RawValue>,
    slot: ReceiptSlot,
    network: Option<ClientNetwork>,
) -> Response {
    let stopwatch = Stopwatch::start();
    let params = params.map_or(NO_PARAMS, RawValue::get);
    let receipts = Receipts(Some(slot));
    let result = call(state.stateless.server(), method, params, &receipts, network).await;
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
    receipts: &Receipts,
    network: Option<ClientNetwork>,
) -> Result<String, ErrorData> {
    let mut toolsets = server.toolsets.iter();
    let Some(toolset) = toolsets.find(|toolset| toolset.short_methods().contains(&method)) else {
        let methods = server.toolsets.iter().flat_map(|toolset| toolset.short_methods());
        let message = match methods.copied().collect::<Vec<_>>().join(" or ") {
            none if none.is_empty() => "Unknown method: use tools/call.".to_owned(),
            methods => format!("Unknown method: expected {methods}."),
        };
        return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None));
    };
    let admission = server.admission.as_ref();
    toolset.call_short(ShortCall { method, params, network, admission, receipts }).await
}
