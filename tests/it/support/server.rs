//! [`TestServer`]: the real server on a free loopback port, with its HTTP and MCP callers.
//!
//! Clients that stay connected are in [`live_client`](super::live_client).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::toolsets::TOOLSETS;
use random_connect::app::{App, stores};
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, ManualClock, SystemClock};
use random_connect::kernel::sql::Database;
use random_connect::kernel::token::AuthTokens;
use random_connect::kernel::toolset::Toolset;
use random_connect::kernel::toolset::row::ToolsetRow;
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

use crate::fixtures::ready::ready;

/// The `AUTH_TOKEN` of every [`TestServer`].
pub const TOKEN: &str = "a-token-for-tests";
/// The `MY_NUMBER` of every [`TestServer`].
pub const MY_NUMBER: &str = "15550100123";

/// Time limit for one wait; a test that exceeds it fails as stuck.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A server in this process. Dropping it stops the server.
pub struct TestServer {
    /// `http://` and the address, without a slash at the end.
    pub url: String,
    pub clock: Arc<ManualClock>,
    /// `None` without a setting for one.
    pub database: Option<Database>,
    /// The token that callers and new clients send: [`TOKEN`], or another one that a test sets.
    pub token: String,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl TestServer {
    /// Starts a server with the default settings of the tests.
    pub async fn start() -> Self {
        Self::with(&[], ConnectionLimits::default()).await
    }

    /// Starts a server with these environment variables on top of the defaults.
    pub async fn with(variables: &[(&str, &str)], limits: ConnectionLimits) -> Self {
        Self::with_send_policy(variables, limits, SendPolicy::default()).await
    }

    /// Starts a server whose channels use this send policy.
    pub async fn with_send_policy(
        variables: &[(&str, &str)],
        limits: ConnectionLimits,
        policy: SendPolicy,
    ) -> Self {
        Self::with_parts(variables, limits, policy, None).await
    }

    /// Starts a server with these environment variables that also serves `toolset`.
    pub async fn with_toolset(variables: &[(&str, &str)], toolset: Arc<dyn Toolset>) -> Self {
        let (limits, policy) = (ConnectionLimits::default(), SendPolicy::default());
        Self::with_parts(variables, limits, policy, Some(toolset)).await
    }

    /// Starts a server with these environment variables and the toolsets of `table`.
    pub async fn with_table(variables: &[(&str, &str)], table: &[ToolsetRow]) -> Self {
        let config = Self::config(variables, table);
        Self::from_config(config, ConnectionLimits::default(), SendPolicy::default()).await
    }

    async fn with_parts(
        variables: &[(&str, &str)],
        limits: ConnectionLimits,
        policy: SendPolicy,
        toolset: Option<Arc<dyn Toolset>>,
    ) -> Self {
        let mut config = Self::config(variables, TOOLSETS);
        config.toolsets.enabled.extend(toolset.map(ready));
        Self::from_config(config, limits, policy).await
    }

    /// The configuration with these environment variables on top of the defaults.
    fn config(variables: &[(&str, &str)], table: &[ToolsetRow]) -> Config {
        let mut settings = HashMap::from([
            ("AUTH_TOKEN", TOKEN),
            ("MY_NUMBER", MY_NUMBER),
            // Many tests send a hundred messages without a pause, which users never do.
            ("RATE_LIMITS", "off"),
            // Shown once to every user; `engagement` tests it.
            ("NOTICE", "off"),
        ]);
        settings.extend(variables.iter().copied());
        Config::from_lookup(table, |name| settings.get(name).map(Into::into))
            .expect("a valid configuration")
    }

    async fn from_config(mut config: Config, limits: ConnectionLimits, policy: SendPolicy) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let clock = Arc::new(ManualClock::at(SystemClock::new().now()));
        let database = stores::open(&mut config).await.expect("the database opens");
        let app = App::with_database(
            config.clone(),
            &(Arc::clone(&clock) as Arc<dyn Clock>),
            policy,
            database.clone(),
        )
        .expect("the server starts");
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        // The binary generates one if `AUTH_TOKEN` is not set.
        let generated = || AuthTokens::parse(TOKEN).expect("a token");
        let tokens = config.auth_tokens.unwrap_or_else(generated);
        let running =
            tokio::spawn(async move { app.serve_http(listener, tokens, limits, stopped).await });
        let token = TOKEN.to_owned();
        Self { url, clock, database, token, shutdown, running }
    }

    /// Returns host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Starts the shutdown and returns the task, which ends with the server.
    pub fn stop(&mut self) -> &mut JoinHandle<()> {
        self.shutdown.cancel();
        &mut self.running
    }

    /// Builds an authorized POST request with a JSON content type.
    pub fn post(&self, path: &str) -> RequestBuilder {
        let request = http_client().post(format!("{}{path}", self.url));
        request.bearer_auth(&self.token).header("Content-Type", "application/json")
    }

    /// Builds an authorized GET request.
    pub fn get(&self, path: &str) -> RequestBuilder {
        http_client().get(format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// Returns the metrics in Prometheus text format.
    pub async fn metrics(&self) -> String {
        let response = self.get("/metrics").send().await.expect("a response");
        response.text().await.expect("text")
    }

    /// Makes a call in the short form; returns status and body.
    pub async fn short_form(&self, method: &str, params: Value) -> (StatusCode, Value) {
        let body = json!({ "method": method, "params": params }).to_string();
        fetch_json(self.post("/mcp").body(body)).await
    }

    /// Sends a user's message in the short form; returns the text of the answer.
    pub async fn say(&self, user: &str, message: &str) -> String {
        let (status, body) = self
            .short_form("handle_message", json!({ "message": message, "puch_user_id": user }))
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["result"].as_str().expect("a text").to_owned()
    }

    /// Connects an MCP client of this protocol version.
    pub async fn client(&self, version: ProtocolVersion) -> McpClient {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", self.url))
            .auth_header(&self.token);
        let transport = StreamableHttpClientTransport::with_client(http_client(), config);
        let info = ClientConfig::default().with_protocol_version(version.clone());
        let client = if version == ProtocolVersion::V_2026_07_28 {
            let discover = ClientLifecycleMode::Discover { preferred_versions: vec![version] };
            info.serve_with_lifecycle(transport, discover).await
        } else {
            info.serve(transport).await
        };
        McpClient(client.expect("the client connects"))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Creates an HTTP client for servers on this machine.
///
/// It trusts no root certificates, because loading those of the system is slow.
pub fn http_client() -> reqwest::Client {
    let roots = rustls::RootCertStore::empty();
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).build().expect("a client")
}

/// Sends a request; returns status and JSON body.
pub async fn fetch_json(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("a response");
    let status = response.status();
    (status, response.json().await.expect("JSON"))
}

/// rmcp's client for streamable HTTP.
pub struct McpClient(pub RunningService<RoleClient, ClientConfig>);

impl McpClient {
    /// Calls a tool; a protocol error fails the test.
    pub async fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.0.call_tool(request).await.expect("a result")
    }

    /// Sends a user's message; returns the text of the answer.
    pub async fn say(&self, user: &str, message: &str) -> String {
        let result =
            self.call("handle_message", json!({ "message": message, "puch_user_id": user })).await;
        assert_ne!(result.is_error, Some(true));
        text(&result)
    }
}

/// Returns the text blocks of a tool result, joined.
pub fn text(result: &CallToolResult) -> String {
    result
        .content
        .iter()
        .filter_map(|block| block.as_text())
        .map(|text| text.text.as_str())
        .collect()
}

/// Returns the name in a line such as `🎉 Connected! You're now chatting with NAME. Say hello!`
pub fn partner_name(line: &str) -> String {
    let (_, rest) = line.split_once("chatting with ").expect("the line names the partner");
    rest.split(". Say hello!").next().expect("a name").to_owned()
}
