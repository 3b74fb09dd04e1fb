//! The server as a resource of OAuth 2.1: metadata, challenges, and a provider that is down.

use std::time::Duration;

use random_connect::kernel::clock::Clock;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::openid_provider::{OpenIdProvider, SigningKey};
use crate::support::server::{TestServer, fetch_json, http_client};

const PUBLIC_URL: &str = "https://chat.example";
const METADATA: &str = "https://chat.example/.well-known/oauth-protected-resource/mcp";

/// A server that accepts the tokens of a provider.
struct OauthServer {
    server: TestServer,
    provider: OpenIdProvider,
    key: SigningKey,
}

impl OauthServer {
    /// Starts both. Callers send a token with these scopes, valid for an hour.
    async fn start(scope: &str, variables: &[(&str, &str)]) -> Self {
        let key = SigningKey::rsa("a", 0);
        let provider = OpenIdProvider::start(&[&key]).await;
        let mut settings = vec![
            ("TOOLSETS", "connect,penpal"),
            ("OIDC_ISSUER", &*provider.url),
            ("PUBLIC_URL", PUBLIC_URL),
        ];
        settings.extend(variables);
        let server = TestServer::with(&settings, ConnectionLimits::default()).await;
        let mut started = Self { server, provider, key };
        started.server.token = started.token(scope);
        started
    }

    fn token(&self, scope: &str) -> String {
        let now = self.server.clock.now().as_millis() / 1_000;
        self.key.sign(&json!({
            "iss": self.provider.url,
            "aud": format!("{PUBLIC_URL}/mcp"),
            "sub": "ann",
            "exp": now + 3_600,
            "scope": scope,
        }))
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let accept = "application/json, text/event-stream";
        let request = self.server.post(path).header("accept", accept).body(body.to_string());
        request.send().await.expect("answered")
    }
}

fn challenge(response: &Response) -> String {
    response.headers()[WWW_AUTHENTICATE].to_str().expect("text").to_owned()
}

fn call(tool: &str) -> Value {
    let params = json!({ "name": tool, "arguments": {} });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params })
}

#[tokio::test]
async fn oauth_metadata_names_resource_provider_and_scopes() {
    let OauthServer { server, provider, .. } = OauthServer::start("", &[]).await;
    for (path, resource) in [("", PUBLIC_URL.to_owned()), ("/mcp", format!("{PUBLIC_URL}/mcp"))] {
        let url = format!("{}/.well-known/oauth-protected-resource{path}", server.url);
        let response = http_client().get(&url).send().await.expect("answered");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let metadata: Value = response.json().await.expect("JSON");
        assert_eq!(metadata["resource"], resource);
        assert_eq!(metadata["authorization_servers"], json!([provider.url]));
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
        let scopes = json!(["connect:read", "connect:write", "penpal:read", "penpal:write"]);
        let mut supported = metadata["scopes_supported"].as_array().expect("a list").clone();
        supported.sort_by_key(ToString::to_string);
        assert_eq!(json!(supported), scopes);
        assert_eq!(http_client().post(&url).send().await.expect("answered").status(), 404);
    }
    let authorization = format!("{}/.well-known/oauth-authorization-server", server.url);
    assert_eq!(http_client().get(authorization).send().await.expect("answered").status(), 404);
}

#[tokio::test]
async fn oauth_metadata_lists_scopes_of_what_the_server_has() {
    let settings = [("TOOLSETS", "penpal"), ("READ_ONLY", "on"), ("PLAYGROUND", "off")];
    let OauthServer { server, .. } = OauthServer::start("", &settings).await;
    let url = format!("{}/.well-known/oauth-protected-resource", server.url);
    let (_, metadata) = fetch_json(http_client().get(url)).await;
    assert_eq!(metadata["scopes_supported"], json!(["penpal:read"]));
}

#[tokio::test]
async fn oauth_metadata_exists_only_with_a_provider() {
    let server = TestServer::start().await;
    let url = format!("{}/.well-known/oauth-protected-resource", server.url);
    assert_eq!(http_client().get(url).send().await.expect("answered").status(), 404);
    let refused = http_client().post(format!("{}/mcp", server.url)).send().await;
    assert!(!challenge(&refused.expect("answered")).contains("resource_metadata"));
}

#[tokio::test]
async fn oauth_request_without_a_valid_token_gets_the_address_of_the_metadata() {
    let mut oauth = OauthServer::start("connect:read", &[]).await;
    oauth.server.token = String::new();
    let expected = format!("resource_metadata=\"{METADATA}\"");
    for path in ["/mcp", "/mcp/session", "/mcp/sse", "/mcp/ws", "/unknown"] {
        let refused = oauth.post(path, &call("about")).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenge = challenge(&refused);
        assert!(challenge.starts_with("Bearer ") && challenge.contains(&expected), "{challenge}");
        assert!(!challenge.contains("error="), "{challenge}");
    }
    oauth.server.token = oauth.token("connect:read");
    oauth.server.clock.advance(Duration::from_secs(3_600));
    let expired = oauth.post("/mcp", &call("about")).await;
    assert_eq!(expired.status(), StatusCode::UNAUTHORIZED);
    let challenge = challenge(&expired);
    assert!(challenge.contains("invalid_token") && challenge.contains(&expected), "{challenge}");
}

#[tokio::test]
async fn oauth_call_that_needs_a_wider_scope_gets_403_that_names_it() {
    let oauth = OauthServer::start("openid penpal:read", &[]).await;
    let expected = format!(
        "Bearer realm=\"random-connect\", error=\"insufficient_scope\", scope=\"openid penpal:read penpal:write\", resource_metadata=\"{METADATA}\""
    );
    for path in ["/mcp", "/mcp/session"] {
        let refused = oauth.post(path, &call("enter_queue")).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(challenge(&refused), expected);
        let error: Value = refused.json().await.expect("JSON");
        assert_eq!((&error["id"], &error["jsonrpc"]), (&json!(7), &json!("2.0")));
        assert_eq!(error["error"]["message"], "The token needs the scope penpal:write.");
    }
    let short = json!({ "method": "handle_message", "params": { "message": "#help" } });
    let refused = oauth.post("/mcp", &short).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(challenge(&refused).contains("connect:write"));
    for (allowed, status) in [
        (call("get_history"), StatusCode::OK),
        (call("no_such_tool"), StatusCode::OK),
        (json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }), StatusCode::OK),
        (json!({ "method": "enter_queue" }), StatusCode::BAD_REQUEST),
        (json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call" }), StatusCode::OK),
    ] {
        let answered = oauth.post("/mcp", &allowed).await;
        assert_eq!(answered.status(), status, "{allowed}");
    }
    let mut client = LiveClient::connect(&oauth.server, LiveTransport::WebSocket).await;
    let params = json!({ "name": "enter_queue", "arguments": {} });
    let answer = client.request("tools/call", params).await;
    assert_eq!(answer["error"]["message"], "The token needs the scope penpal:write.");
}

#[tokio::test]
async fn oauth_scope_can_not_break_out_of_the_challenge() {
    let oauth =
        OauthServer::start("penpal:read a\",error=\"b \\\" ü penpal:write\u{7f}", &[]).await;
    let refused = oauth.post("/mcp", &call("enter_queue")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(challenge(&refused).contains("scope=\"penpal:read penpal:write\","), "{refused:?}");
}

#[tokio::test]
async fn oauth_tool_that_no_scope_opens_is_unknown() {
    let oauth = OauthServer::start("penpal:read", &[("READ_ONLY", "on")]).await;
    let refused = oauth.post("/mcp", &call("enter_queue")).await;
    assert_eq!(refused.status(), StatusCode::OK);
    let error: Value = refused.json().await.expect("JSON");
    assert_eq!(error["error"]["message"], "Unknown tool.");
}

#[tokio::test]
async fn oauth_provider_that_is_down_gets_503_and_delays_no_start() {
    let settings = [("OIDC_ISSUER", "http://127.0.0.1:1"), ("PUBLIC_URL", PUBLIC_URL)];
    let mut server = TestServer::with(&settings, ConnectionLimits::default()).await;
    assert!(server.say("ann", "#help").await.contains("#meet"), "other tokens are accepted");
    let now = server.clock.now().as_millis() / 1_000;
    let claims = json!({
        "iss": "http://127.0.0.1:1", "aud": PUBLIC_URL, "sub": "ann", "exp": now + 60,
    });
    server.token = SigningKey::rsa("a", 0).sign(&claims);
    let refused = server.post("/mcp").body(call("about").to_string()).send().await;
    let refused = refused.expect("answered");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[RETRY_AFTER], "5");
    assert!(refused.headers().get(WWW_AUTHENTICATE).is_none());
}

#[tokio::test]
async fn oauth_bearer_acts_as_itself_alone() {
    let oauth = OauthServer::start("connect:write penpal:write", &[]).await;
    let entered: Value = oauth.post("/mcp", &call("enter_queue")).await.json().await.expect("JSON");
    let own = format!("oidc:{}|ann", oauth.provider.url);
    assert_eq!(entered["result"]["structuredContent"]["user_id"], own, "{entered}");
    let mut foreign = call("enter_queue");
    foreign["params"]["arguments"] = json!({ "user_id": "ann" });
    let refused: Value = oauth.post("/mcp", &foreign).await.json().await.expect("JSON");
    assert_eq!(refused["result"]["isError"], true, "{refused}");
}
