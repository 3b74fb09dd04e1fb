//! [`HeldCalls`]: a toolset whose only tool answers when the test says so.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use random_connect::kernel::receipt::Receipt;
use random_connect::kernel::toolset::{Receipts, Toolset};
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::server::TEST_TIMEOUT;

/// The toolset. Each call of `hold` waits for [`HeldCalls::release`], and its answer has a receipt.
pub struct HeldCalls {
    tool: Tool,
    started: Notify,
    released: Notify,
    /// Whether the answers were delivered.
    delivered: Arc<Mutex<Vec<bool>>>,
    settled: Arc<Notify>,
}

impl HeldCalls {
    pub fn new() -> Arc<Self> {
        let tool = Tool::new("hold", "Answers later.", JsonObject::new());
        let (started, released, delivered) = (Notify::new(), Notify::new(), Arc::default());
        Arc::new(Self { tool, started, released, delivered, settled: Arc::default() })
    }

    /// Waits until a call is in flight.
    pub async fn started(&self) {
        timeout(TEST_TIMEOUT, self.started.notified()).await.expect("a call in time");
    }

    /// Answers a call in flight.
    pub fn release(&self) {
        self.released.notify_one();
    }

    /// Waits until the receipt of an answer has reported; returns whether the answer was delivered.
    pub async fn delivered(&self) -> bool {
        timeout(TEST_TIMEOUT, self.settled.notified()).await.expect("a report in time");
        self.delivered.lock().remove(0)
    }
}

#[async_trait]
impl Toolset for HeldCalls {
    fn name(&self) -> &'static str {
        "held"
    }

    fn user_argument(&self) -> Option<&'static str> {
        Some("test_user")
    }

    fn tools(&self) -> Vec<Tool> {
        vec![self.tool.clone()]
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        (name == "hold").then_some(&self.tool)
    }

    async fn call(
        &self,
        _request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.started.notify_one();
        self.released.notified().await;
        let (delivered, settled) = (Arc::clone(&self.delivered), Arc::clone(&self.settled));
        Receipts::from_extensions(&context.extensions).put(Receipt::new(move |is_delivered| {
            delivered.lock().push(is_delivered);
            settled.notify_one();
        }));
        Ok(CallToolResult::structured(json!({ "held": true })).into())
    }
}

/// A call of the tool, as a request.
pub fn hold(id: &str) -> Value {
    let params = json!({ "name": "hold", "arguments": {} });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}
