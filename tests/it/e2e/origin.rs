//! Requests of web pages: foreign origins, CORS for allowed ones, and the paths that need no token.

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::server::{TOKEN, TestServer, http_client};

/// The origin of a page that the operator allows.
const APP: &str = "https://app.example";
/// The origin of any other page.
const EVIL: &str = "https://evil.example";

/// Paths of all kinds of routes.
const PATHS: [&str; 16] = [
    "/mcp",
    "/mcp/session",
    "/mcp/ws",
    "/mcp/sse",
    "/mcp/sse/messages?session=x",
    "/health",
    "/ready",
    "/stats",
    "/metrics",
    "/admin/log",
    "/admin/mcp",
    "/webhook",
    "/",
    "/dashboard",
    "/.well-known/oauth-protected-resource",
    "/nowhere",
];

async fn server() -> TestServer {
    let variables = [("ALLOWED_ORIGINS", APP), ("ADMIN_TOKEN", "a-token-for-the-operator")];
    TestServer::with(&variables, ConnectionLimits::default()).await
}

fn request(server: &TestServer, method: Method, path: &str) -> RequestBuilder {
    http_client().request(method, format!("{}{path}", server.url))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns `true` if a header is a list that contains all of `names`.
fn lists(headers: &HeaderMap, name: &str, names: &[&str]) -> bool {
    let listed = header(headers, name).to_ascii_lowercase();
    let listed: Vec<_> = listed.split(',').map(str::trim).collect();
    names.iter().all(|name| listed.contains(name))
}

#[tokio::test]
async fn origin_of_a_foreign_page_is_refused_on_every_path() {
    let server = server().await;
    for path in PATHS {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::DELETE] {
            for origin in [EVIL, "null", "http://127.0.0.1:1"] {
                let request = request(&server, method.clone(), path);
                let request = request.bearer_auth(TOKEN).header("Origin", origin);
                let request = request.header("Access-Control-Request-Method", "POST");
                let response = request.send().await.expect("a response");
                let context = format!("{method} {path} {origin}");
                assert_eq!(response.status(), StatusCode::FORBIDDEN, "{context}");
                assert!(header(response.headers(), "access-control-allow-origin").is_empty());
            }
        }
    }
    assert!(server.say("ann", "#help").await.contains("#meet"), "callers send no origin");
}

#[tokio::test]
async fn origin_of_a_page_whose_name_is_rebound_is_refused() {
    let server = server().await;
    let request = server.post("/mcp").header("Host", "evil.example:8086");
    let request = request.header("Origin", "http://evil.example:8086").body("{}");
    assert_eq!(request.send().await.expect("a response").status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn origin_of_an_allowed_page_passes_its_preflight_without_a_token() {
    let server = server().await;
    for origin in [APP, &server.url] {
        for path in ["/mcp", "/mcp/session", "/mcp/sse/messages", "/stats"] {
            let preflight = request(&server, Method::OPTIONS, path)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization, content-type");
            let response = preflight.send().await.expect("a response");
            assert!(response.status().is_success(), "{path}: {}", response.status());
            let headers = response.headers();
            assert_eq!(header(headers, "access-control-allow-origin"), origin);
            assert!(lists(headers, "access-control-allow-methods", &["get", "post", "delete"]));
            let needed = [
                "authorization",
                "content-type",
                "mcp-protocol-version",
                "mcp-session-id",
                "mcp-method",
                "mcp-name",
                "last-event-id",
            ];
            assert!(lists(headers, "access-control-allow-headers", &needed), "{headers:?}");
            assert!(lists(headers, "vary", &["origin"]));
        }
    }
}

#[tokio::test]
async fn origin_of_an_allowed_page_can_read_every_answer() {
    let server = server().await;
    let tools = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for (token, status) in [(TOKEN, StatusCode::OK), ("wrong", StatusCode::UNAUTHORIZED)] {
        let request = request(&server, Method::POST, "/mcp").bearer_auth(token);
        let response = request.header("Origin", APP).json(&tools).send().await.expect("a response");
        assert_eq!(response.status(), status);
        let headers = response.headers();
        assert_eq!(header(headers, "access-control-allow-origin"), APP);
        assert!(lists(headers, "vary", &["origin"]));
        let exposed = ["mcp-session-id", "www-authenticate"];
        assert!(lists(headers, "access-control-expose-headers", &exposed), "{headers:?}");
    }
}

#[tokio::test]
async fn origin_header_does_not_replace_the_token() {
    let server = server().await;
    let options = |with: &str| {
        let request = request(&server, Method::OPTIONS, "/mcp").header("Origin", APP);
        request.header(with, "POST").send()
    };
    let not_a_preflight = options("X-Other").await.expect("a response");
    assert_eq!(not_a_preflight.status(), StatusCode::UNAUTHORIZED);
    let no_page = request(&server, Method::OPTIONS, "/mcp");
    let no_page = no_page.header("Access-Control-Request-Method", "POST").send().await;
    assert_eq!(no_page.expect("a response").status(), StatusCode::UNAUTHORIZED);
    let post = request(&server, Method::POST, "/mcp").header("Origin", APP).body("{}").send().await;
    assert_eq!(post.expect("a response").status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn discovery_paths_are_not_found_without_a_token() {
    let server = server().await;
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/mcp/.well-known/openid-configuration",
        "/register",
        "/authorize?response_type=code",
        "/token",
    ] {
        for method in [Method::GET, Method::POST] {
            let response = request(&server, method, path).send().await.expect("a response");
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            let body: Value = response.json().await.expect("JSON");
            assert!(body["error"].is_string(), "{path}: {body}");
        }
    }
    for path in ["/health", "/ready"] {
        let response = request(&server, Method::GET, path).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn refusals_are_json() {
    let server = server().await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let refused = [
        (request(&server, Method::GET, "/mcp"), 401),
        (request(&server, Method::GET, "/nowhere"), 401),
        (server.get("/nowhere"), 404),
        (server.get("/mcp"), 405),
        (server.post("/mcp/sse"), 405),
        (server.post("/stats"), 405),
        (server.get("/mcp/ws"), 426),
        (server.get("/mcp/session").header("Mcp-Session-Id", "none"), 406),
        (server.post("/mcp/session").header("Mcp-Session-Id", "none").body(initialize), 404),
        (server.post("/mcp/sse/messages").body("{}"), 400),
        (server.post("/mcp/sse/messages?session=none").body("{}"), 404),
        (server.post("/mcp").body("x".repeat(70_000)), 413),
        (server.get("/stats").header("Origin", EVIL), 403),
        (request(&server, Method::GET, "/admin/log").bearer_auth("wrong"), 401),
        (request(&server, Method::GET, "/assets/none.js"), 404),
    ];
    for (request, status) in refused {
        let response = request.send().await.expect("a response");
        let context = response.url().path().to_owned();
        assert_eq!(response.status(), status, "{context}");
        assert_eq!(header(response.headers(), "content-type"), "application/json", "{context}");
        let body: Value = response.json().await.expect("JSON");
        let error = body["error"].as_str().or_else(|| body["error"]["message"].as_str());
        assert!(error.is_some_and(|error| !error.is_empty()), "{context}: {body}");
    }
}

#[tokio::test]
async fn auth_challenge_names_realm_and_error() {
    let server = server().await;
    let challenge = async |request: RequestBuilder| {
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        header(response.headers(), "www-authenticate").to_owned()
    };
    for path in ["/mcp", "/mcp/session", "/mcp/ws", "/stats", "/admin/log", "/nowhere"] {
        let without = challenge(request(&server, Method::GET, path)).await;
        assert_eq!(without, "Bearer realm=\"random-connect\"", "{path}");
        let wrong = challenge(request(&server, Method::GET, path).bearer_auth("wrong")).await;
        assert!(wrong.starts_with("Bearer realm=\"random-connect\", error=\"invalid_token\", "));
    }
}
