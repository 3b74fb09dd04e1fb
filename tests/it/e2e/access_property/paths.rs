//! [`AccessPath`]: one way to send a request to the server.

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::live_client::LiveClient;
use crate::support::server::{TestServer, fetch_json};
use crate::support::stdio_client::StdioClient;

pub enum AccessPath<'a> {
    /// `/mcp`, where calls are executed without rmcp's service.
    Stateless(&'a TestServer),
    /// `/mcp`, with a member that passes calls to rmcp's service.
    Rmcp(&'a TestServer),
    /// A batch of one message to `/mcp`.
    Batch(&'a TestServer),
    Live(LiveClient),
    Stdio(StdioClient),
}

impl AccessPath<'_> {
    /// Returns `true` if the client can subscribe to resources.
    pub const fn has_session(&self) -> bool {
        matches!(self, Self::Live(_) | Self::Stdio(_))
    }

    /// Sends a request and returns its answer.
    pub async fn request(&mut self, method: &str, mut params: Value) -> Value {
        let server = match self {
            Self::Live(client) => return client.request(method, params).await,
            Self::Stdio(client) => return client.request(method, params).await,
            Self::Stateless(server) | Self::Rmcp(server) | Self::Batch(server) => *server,
        };
        if matches!(self, Self::Rmcp(_)) {
            params["_meta"] = json!({});
        }
        let mut body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        if matches!(self, Self::Batch(_)) {
            body = json!([body]);
        }
        let mut answer = fetch_json(server.post("/mcp").body(body.to_string())).await.1;
        if matches!(self, Self::Batch(_)) { answer[0].take() } else { answer }
    }

    /// The texts of one member of each element of a list, sorted.
    pub async fn list(&mut self, method: &str, list: &str, member: &str) -> Vec<String> {
        let answer = self.request(method, json!({})).await;
        // A server without toolsets that have such parts does not know the method.
        if answer["error"]["code"] == -32601 {
            return Vec::new();
        }
        let elements = answer["result"][list].as_array();
        let elements = elements.unwrap_or_else(|| panic!("{method}: {answer}"));
        let text = |element: &Value| element[member].as_str().expect("a text").to_owned();
        let mut texts: Vec<_> = elements.iter().map(text).collect();
        texts.sort_unstable();
        texts
    }
}

/// Asks `/mcp` for updates of these resources, and returns those that it accepts.
pub async fn accepted_subscriptions(server: &TestServer, uris: &[&str]) -> Vec<String> {
    let version = ProtocolVersion::V_2026_07_28;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": version.as_str(),
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "notifications": { "resourceSubscriptions": uris }, "_meta": meta });
    let method = "subscriptions/listen";
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let request = server.post("/mcp").header("Accept", "application/json, text/event-stream");
    let request = request.header("MCP-Protocol-Version", version.as_str());
    let request = request.header("Mcp-Method", method).body(body.to_string());
    let mut response = request.send().await.expect("a response");
    let mut text = String::new();
    while let Some(chunk) = response.chunk().await.expect("a readable stream") {
        text += std::str::from_utf8(&chunk).expect("text");
        let mut events = text.lines().filter_map(|line| line.strip_prefix("data: {"));
        if let Some(event) = events.next().filter(|_| text.ends_with("\n\n")) {
            let event: Value = serde_json::from_str(&format!("{{{event}")).expect("JSON");
            assert_eq!(event["method"], "notifications/subscriptions/acknowledged", "{event}");
            let accepted = event["params"]["notifications"]["resourceSubscriptions"].as_array();
            let accepted = accepted.into_iter().flatten();
            return accepted.map(|uri| uri.as_str().expect("a URI").to_owned()).collect();
        }
    }
    panic!("the stream ended: {text}");
}
