//! A real server on a free loopback port, and the callers that talk to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, ManualClock, SystemClock};
use random_connect::transport::channels::outbound::SendPolicy;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{RequestBuilder, StatusCode};
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "a-token-for-tests";
pub const MY_NUMBER: &str = "15550100123";

/// How long anything may take before a test is considered stuck.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

pub struct TestServer {
    pub url: String,
    pub clock: Arc<ManualClock>,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(&[], ConnectionLimits::default()).await
    }

    pub async fn with(variables: &[(&str, &str)], limits: ConnectionLimits) -> Self {
        Self::with_send_policy(variables, limits, SendPolicy::default()).await
    }

    /// A server whose channels send requests at this pace.
    pub async fn with_send_policy(
        variables: &[(&str, &str)],
        limits: ConnectionLimits,
        pace: SendPolicy,
    ) -> Self {
        let mut all = HashMap::from([
            ("AUTH_TOKEN", TOKEN),
            ("MY_NUMBER", MY_NUMBER),
            // What people never do, many tests do: write a hundred messages at once.
            ("RATE_LIMITS", "off"),
            // Said once to everybody, which is a journey of its own.
            ("NOTICE", "off"),
        ]);
        all.extend(variables.iter().copied());
        let config = Config::from_lookup(|name| all.get(name).map(Into::into))
            .expect("a valid configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let clock = Arc::new(ManualClock::at(SystemClock::new().now()));
        let app =
            App::with_send_policy(config.clone(), &(Arc::clone(&clock) as Arc<dyn Clock>), pace)
                .expect("a server");
        let shutdown = CancellationToken::new();
        let told = shutdown.clone();
        let tokens = config.auth_tokens.expect("a token was set");
        let running =
            tokio::spawn(async move { app.serve_http(listener, tokens, limits, told).await });
        Self { url, clock, shutdown, running }
    }

    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Tells the server to stop; the task ends when it has.
    pub fn stop(&mut self) -> &mut JoinHandle<()> {
        self.shutdown.cancel();
        &mut self.running
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        let request = http_client().post(format!("{}{path}", self.url));
        request.bearer_auth(TOKEN).header("Content-Type", "application/json")
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        http_client().get(format!("{}{path}", self.url)).bearer_auth(TOKEN)
    }

    /// All figures as text.
    pub async fn metrics(&self) -> String {
        let response = self.get("/metrics").send().await.expect("an answer");
        response.text().await.expect("text")
    }

    /// A call in the short form: status and body.
    pub async fn short_form(&self, method: &str, params: Value) -> (StatusCode, Value) {
        let body = json!({ "method": method, "params": params }).to_string();
        answer(self.post("/mcp").body(body)).await
    }

    /// What a person reads after typing something, in the short form.
    pub async fn say(&self, who: &str, message: &str) -> String {
        let (status, body) = self
            .short_form("handle_message", json!({ "message": message, "puch_user_id": who }))
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["result"].as_str().expect("a text").to_owned()
    }

    /// An MCP client of this protocol version.
    pub async fn client(&self, version: ProtocolVersion) -> McpClient {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", self.url))
            .auth_header(TOKEN);
        let transport = StreamableHttpClientTransport::from_config(config);
        let info = ClientConfig::default().with_protocol_version(version.clone());
        let client = if version == ProtocolVersion::V_2026_07_28 {
            let discover = ClientLifecycleMode::Discover { preferred_versions: vec![version] };
            info.serve_with_lifecycle(transport, discover).await
        } else {
            info.serve(transport).await
        };
        McpClient(client.expect("a session"))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A client for servers on this machine. It trusts no certificates: reading the system's takes long.
pub fn http_client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).build().expect("a client")
}

/// Sends a request that must be answered with JSON.
pub async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    (status, response.json().await.expect("JSON"))
}

/// rmcp's own client.
pub struct McpClient(pub RunningService<RoleClient, ClientConfig>);

impl McpClient {
    pub async fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.0.call_tool(request).await.expect("a result")
    }

    pub async fn say(&self, who: &str, message: &str) -> String {
        let result =
            self.call("handle_message", json!({ "message": message, "puch_user_id": who })).await;
        assert_ne!(result.is_error, Some(true));
        text(&result)
    }
}

/// The text of a tool's result.
pub fn text(result: &CallToolResult) -> String {
    result
        .content
        .iter()
        .filter_map(|block| block.as_text())
        .map(|text| text.text.as_str())
        .collect()
}

/// The name in a line such as `🎉 Connected! You're now chatting with NAME. Say hello!`
pub fn named(line: &str) -> String {
    let (_, rest) = line.split_once("chatting with ").expect("a line that names the partner");
    rest.split(". Say hello!").next().expect("a name").to_owned()
}
