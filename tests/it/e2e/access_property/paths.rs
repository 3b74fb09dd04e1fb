//! [`AccessPath`]: one way to send a request to the server.

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
