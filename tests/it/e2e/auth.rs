//! Admission: tokens, the routes that each token opens, and host names.

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Method, StatusCode};

use super::http_limits::{connect, rest};
use crate::support::server::{TOKEN, TestServer, http_client};

/// The operator's token.
const ADMIN: &str = "a-token-for-the-operator";
/// The token of the monitoring system.
const MONITOR: &str = "a-token-for-monitoring";
/// The headers of an upgrade to a WebSocket.
const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
];

async fn server() -> TestServer {
    let variables = [
        ("ADMIN_TOKEN", ADMIN),
        ("MONITOR_TOKEN", MONITOR),
        ("TOOLSETS", "connect,penpal"),
        ("ALLOWED_HOSTS", "chat.example,127.0.0.1"),
    ];
    TestServer::with(&variables, ConnectionLimits::default()).await
}

/// Returns the status of a raw request. `headers` are whole lines.
async fn status(server: &TestServer, first_line: &str, headers: &[&str]) -> u16 {
    let authorization = format!("Authorization: Bearer {TOKEN}");
    let lines = [first_line, &authorization, "Connection: close"].into_iter();
    let lines: String =
        lines.chain(headers.iter().copied()).map(|line| line.to_owned() + "\r\n").collect();
    let response = rest(connect(server, &(lines + "\r\n")).await).await;
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn auth_every_mcp_method_needs_the_token() {
    let server = TestServer::with(&[], ConnectionLimits::default()).await;
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST"] {
        for path in ["/mcp", "/mcp/", "/mcp?a=b", "//mcp", "/%6dcp", "/mcp/nowhere"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            let response = rest(connect(&server, &request).await).await;
            assert!(response.starts_with("HTTP/1.1 401 "), "{method} {path}: {response}");
        }
    }
}

#[tokio::test]
async fn auth_allowed_hosts_are_enforced() {
    let server =
        TestServer::with(&[("ALLOWED_HOSTS", "chat.example")], ConnectionLimits::default()).await;
    for (host, status) in [
        ("chat.example", 200),
        ("chat.example:8086", 200),
        ("evil.example", 403),
        ("127.0.0.1", 403),
    ] {
        let response = server.get("/stats").header("Host", host).send().await.expect("a response");
        assert_eq!(response.status(), status, "{host}");
    }
    let health = server.get("/health").header("Host", "10.0.0.1").send().await.expect("a response");
    assert_eq!(health.status(), StatusCode::OK, "health checks may use any host");
}

#[tokio::test]
async fn auth_request_names_one_host() {
    let server = server().await;
    let (good, evil) = ("Host: chat.example", "Host: evil.example");
    for path in ["/mcp", "/stats", "/mcp/session", "/admin/log", "/health", "/", "/assets/base.css"]
    {
        let first = format!("GET {path} HTTP/1.1");
        for hosts in [&[good, evil][..], &[evil, good], &[good, good], &[]] {
            assert_eq!(status(&server, &first, hosts).await, 400, "{path} {hosts:?}");
        }
    }
    let absolute = |host: &str| format!("GET http://{host}/stats HTTP/1.1");
    assert_eq!(status(&server, &absolute("chat.example"), &[good]).await, 200);
    assert_eq!(status(&server, &absolute("evil.example"), &[evil]).await, 403);
    for (target, hosts) in [
        ("evil.example", &[good][..]),
        ("chat.example", &[evil]),
        ("chat.example", &[]),
        ("chat.example@evil.example", &["Host: chat.example@evil.example"]),
    ] {
        assert_eq!(status(&server, &absolute(target), hosts).await, 400, "{target} {hosts:?}");
    }
    assert_eq!(status(&server, "GET /stats HTTP/1.0", &[]).await, 403);
    assert_eq!(status(&server, "GET /health HTTP/1.0", &[]).await, 200);
}

#[tokio::test]
async fn auth_subprotocol_token_opens_only_the_websocket() {
    let server = server().await;
    let hex: String = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
    let get = async |path: &str, upgrade: &[(&str, &str)]| {
        let mut request = http_client().get(format!("{}{path}", server.url));
        for (name, value) in upgrade {
            request = request.header(*name, *value);
        }
        let request = request.header("Sec-WebSocket-Protocol", format!("mcp, mcp.bearer.{hex}"));
        request.send().await.expect("a response").status()
    };
    for path in ["/mcp/ws", "/mcp/ws/"] {
        assert_eq!(get(path, &UPGRADE).await, StatusCode::SWITCHING_PROTOCOLS, "{path}");
        assert_eq!(get(path, &[]).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in
        ["/mcp", "/mcp/session", "/mcp/sse", "/stats", "/metrics", "/dashboard/live", "/other"]
    {
        assert_eq!(get(path, &UPGRADE).await, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn auth_each_token_opens_its_routes() {
    let server = server().await;
    let get = async |method: Method, path: &str, token: &str| {
        let request = http_client().request(method, format!("{}{path}", server.url));
        let response = request.bearer_auth(token).send().await.expect("a response");
        response.status() != StatusCode::UNAUTHORIZED
    };
    for (path, opened_by) in [
        ("/stats", &[TOKEN, ADMIN, MONITOR][..]),
        ("/metrics", &[TOKEN, ADMIN, MONITOR]),
        ("/dashboard/live", &[TOKEN, ADMIN, MONITOR]),
        ("/mcp", &[TOKEN]),
        ("/mcp/session", &[TOKEN]),
        ("/mcp/sse", &[TOKEN]),
        ("/mcp/ws", &[TOKEN]),
        ("/other", &[TOKEN]),
        ("/admin/log", &[ADMIN]),
        ("/admin/mcp", &[ADMIN]),
        ("/admin/mcp/", &[ADMIN]),
    ] {
        for token in [TOKEN, ADMIN, MONITOR, "another"] {
            let is_open = opened_by.contains(&token);
            assert_eq!(get(Method::GET, path, token).await, is_open, "{path} {token}");
        }
    }
}
