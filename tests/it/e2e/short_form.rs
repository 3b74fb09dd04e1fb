//! The short form of `/mcp`, and the routes `/stats`, `/health`, `/ready` and `/metrics`.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::server::{TOKEN, TestServer, fetch_json, http_client};
use crate::support::temp_database::TempDatabase;

#[tokio::test]
async fn short_form_readme_curl_lines_work() {
    let server = TestServer::start().await;
    let meet = r##"{"method": "handle_message", "params": {"message": "#meet", "puch_user_id": "test_user_1"}}"##;
    let (status, body) = fetch_json(server.post("/mcp").body(meet)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body["result"]
            .as_str()
            .expect("a text")
            .starts_with("🔍 Looking for someone to chat with...")
    );

    let stats = r#"{"method": "get_stats", "params": {}}"#;
    let (status, body) = fetch_json(server.post("/mcp/").body(stats)).await;
    assert_eq!(status, StatusCode::OK);
    let mut expected = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": 0, "active_users": 1,
        "waiting_users": 1, "active_pairs": 0, "messages_relayed": 0, "longest_wait_seconds": 0,
    });
    assert_eq!(body, json!({ "result": expected }));
    expected["store"] = json!("up");
    assert_eq!(fetch_json(server.get("/stats")).await, (StatusCode::OK, expected));
}

#[tokio::test]
async fn short_form_unknown_method_is_32601() {
    let server = TestServer::start().await;
    for method in ["nope", "tools/call", "HANDLE_MESSAGE", ""] {
        let (status, body) = server.short_form(method, json!({})).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!(-32601)),
            "{method}"
        );
    }
}

#[tokio::test]
async fn short_form_has_no_method_of_a_disabled_toolset() {
    let variables = [("TOOLSETS", "penpal")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    let params = json!({ "message": "#meet", "puch_user_id": "ann" });
    let (status, body) = server.short_form("handle_message", params).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32601)));
}

#[tokio::test]
async fn health_is_public_and_reports_the_version() {
    let server = TestServer::start().await;
    let (status, body) = fetch_json(http_client().get(format!("{}/health", server.url))).await;
    assert_eq!(status, StatusCode::OK);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(body, json!({ "status": "ok", "version": version, "store": "up" }));
    let ready = http_client().get(format!("{}/ready", server.url)).send().await;
    assert_eq!(ready.expect("a response").status(), StatusCode::OK);
    // The lobby is in memory, but the moderation store is gone.
    let file = TempDatabase::new();
    let (address, key) = (format!("sqlite:{}", file.file().display()), "ab".repeat(32));
    let variables = [
        ("STATE_DB", address.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", key.as_str()),
    ];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    server.database.as_ref().expect("a database").close().await;
    let ready = http_client().get(format!("{}/ready", server.url)).send().await;
    assert_eq!(ready.expect("a response").status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn health_includes_the_store_of_api_keys() {
    let file = TempDatabase::new();
    let address = format!("sqlite:{}", file.file().display());
    let server = TestServer::with(&[("DATABASE_URL", &address)], ConnectionLimits::default()).await;
    let up = "random_connect_store_up{store=\"credentials\"}";
    assert!(server.metrics().await.contains(&format!("{up} 1")));
    let database = file.open().await;
    sqlx::query("DROP TABLE api_keys").execute(&database).await.expect("dropped");
    server.clock.advance(Duration::from_secs(2));
    let ready = http_client().get(format!("{}/ready", server.url)).send().await;
    let ready = ready.expect("a response");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.text().await.expect("text"), "the store is down: credentials\n");
    let (status, health) = fetch_json(http_client().get(format!("{}/health", server.url))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(health["down"], json!(["credentials"]), "{health}");
    assert!(server.metrics().await.contains(&format!("{up} 0")));
}

#[tokio::test]
async fn metrics_count_calls_users_and_messages() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ben", "9876543210").await;
    server.say("cat", "#meet").await;
    server.short_form("handle_message", json!({ "message": "hi", "puch_user_id": "" })).await;
    server.short_form("secret-9876543210", json!({})).await;
    let text = server.get("/metrics").send().await.expect("a response").text().await.expect("text");
    for line in [
        r#"random_connect_tool_calls_total{tool="handle_message",toolset="connect",outcome="ok"} 4"#,
        r#"random_connect_tool_calls_total{tool="handle_message",toolset="connect",outcome="refused"} 1"#,
        r#"random_connect_tool_calls_total{tool="unknown",toolset="unknown",outcome="refused"} 1"#,
        r#"random_connect_tool_call_duration_seconds_count{tool="handle_message",toolset="connect"} 5"#,
        "random_connect_active_users 3",
        "random_connect_waiting_users 1",
        "random_connect_active_pairs 1",
        "random_connect_messages_relayed_total 1",
        "random_connect_numbers_masked_total 1",
        "random_connect_evictions_total 0",
    ] {
        assert!(text.lines().any(|listed| listed == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("9876543210"));
}

#[tokio::test]
async fn auth_only_health_is_public() {
    let server = TestServer::start().await;
    let http = http_client();
    for (path, token) in [
        ("/mcp", None),
        ("/mcp/", Some("wrong")),
        ("/stats", Some("")),
        ("/metrics", Some(&TOKEN[1..])),
        ("/nothing-here", None),
    ] {
        let request = http.post(format!("{}{path}", server.url)).body("{}");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenge = response.headers()["www-authenticate"].to_str().expect("text");
        assert!(challenge.starts_with("Bearer realm=\"random-connect\""), "{challenge}");
    }
    let response = server.get("/nothing-here").send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn short_form_invalid_body_is_rejected() {
    let server = TestServer::start().await;
    for (body, code) in [
        ("", -32700),
        ("{\"method\": ", -32700),
        ("{\"method\": \"handle_message\"} trailing", -32700),
        ("\u{0}", -32700),
        ("[]", -32600),
        ("null", -32600),
        ("\"#meet\"", -32600),
        ("{}", -32600),
        (r#"{"method": 5}"#, -32600),
        (r#"{"jsonrpc": "2.0", "hello": 1}"#, -32600),
        (r#"{"jsonrpc": "2.0", "id": 7, "method": 5}"#, -32600),
        (r##"{"method": "handle_message", "params": ["#who", "zed"]}"##, -32602),
        (r#"{"method": "handle_message", "params": 5}"#, -32602),
        (r#"{"method": "handle_message"}"#, -32602),
        (r#"{"method": "handle_message", "params": []}"#, -32602),
        (r#"{"method": "handle_message", "params": {"message": "hi"}}"#, -32602),
        (
            r#"{"method": "handle_message", "params": {"message": 5, "puch_user_id": "ann"}}"#,
            -32602,
        ),
    ] {
        let (status, response) = fetch_json(server.post("/mcp").body(body)).await;
        assert_eq!(
            (status, &response["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!(code)),
            "{body}"
        );
    }
    let (status, response) = fetch_json(server.post("/mcp").body(b"\xff\xfe{}".to_vec())).await;
    assert_eq!((status, &response["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32700)));
    assert_eq!(fetch_json(server.get("/stats")).await.1["active_users"], 0);
}

#[tokio::test]
async fn short_form_out_of_range_arguments_are_rejected() {
    let server = TestServer::start().await;
    let call = |message: String, id: String, key: Value| json!({ "message": message, "puch_user_id": id, "message_id": key, "unknown": [1, 2] });
    let (longest, id) = ("é".repeat(4_096), "ü".repeat(256));
    for (params, error) in [
        (
            call(format!("{longest}x"), id.clone(), json!(null)),
            "The message must be at most 4096 characters.",
        ),
        (call("#meet".into(), String::new(), json!(null)), "The puch_user_id is empty"),
        (call("#meet".into(), " \n".into(), json!(null)), "The puch_user_id is empty"),
        (
            call("#meet".into(), format!("{id}x"), json!(null)),
            "The puch_user_id must be at most 256 characters.",
        ),
        (
            call("#meet".into(), id.clone(), json!("k".repeat(257))),
            "The message_id must be at most 256 characters.",
        ),
    ] {
        let (status, body) = server.short_form("handle_message", params).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32602)));
        assert!(body["error"]["message"].as_str().expect("a text").starts_with(error), "{body}");
    }
    assert_eq!(fetch_json(server.get("/stats")).await.1["active_users"], 0);
    let (status, _) =
        server.short_form("handle_message", call(longest, id, json!("k".repeat(256)))).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn short_form_unknown_arguments_are_ignored() {
    let server = TestServer::start().await;
    for extra in [json!(5), json!([1]), json!({"a": 1}), json!(null), json!(true)] {
        let params = json!({ "message": "#who", "puch_user_id": "ann", "user_nickname": extra, "message_id": extra, "x": extra });
        assert_eq!(server.short_form("handle_message", params).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn command_trailing_text_is_reported() {
    let server = TestServer::start().await;
    let reply = server.say("ann", "#bye see you").await;
    assert!(
        reply.ends_with("💡 The command was run, but the text after it was not sent."),
        "{reply}"
    );
}

#[tokio::test]
async fn relay_longest_message_arrives_whole() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    let sent = server.say("ben", &"é".repeat(4_096)).await;
    assert!(sent.ends_with('…') && sent.chars().count() == 4_096);
    let read = format!("{}{}", server.say("ann", "#m").await, server.say("ann", "#m").await);
    assert_eq!(read.matches('é').count(), 4_096);
}
