//! The operator's look-ups, broadcasts and draining, and the tools at `/admin/mcp`.
//!
//! Reports and bans are in `admin_moderation.rs`.

use random_connect::kernel::id::{IdHasher, Realm};
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::redis_server::RedisServer;
use crate::support::server::{TOKEN, TestServer, fetch_json, http_client};

/// The operator's token.
const ADMIN: &str = "a-token-for-the-operator";
/// The `ID_SALT` of servers on Redis.
const SALT: &str = "a salt of some length";

async fn admin_server() -> TestServer {
    let variables = [("ADMIN_TOKEN", ADMIN), ("TOOLSETS", "connect,penpal")];
    TestServer::with(&variables, ConnectionLimits::default()).await
}

async fn get(server: &TestServer, path: &str) -> (StatusCode, Value) {
    fetch_json(http_client().get(format!("{}/admin/{path}", server.url)).bearer_auth(ADMIN)).await
}

async fn post(server: &TestServer, path: &str, body: Value) -> (StatusCode, Value) {
    let request = http_client().post(format!("{}/admin/{path}", server.url)).bearer_auth(ADMIN);
    fetch_json(request.json(&body)).await
}

/// Sends a JSON-RPC request without a session to `path`; returns the response.
async fn mcp(server: &TestServer, path: &str, token: &str, method: &str, params: Value) -> Value {
    let request = http_client().post(format!("{}{path}", server.url)).bearer_auth(token);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (status, body) = fetch_json(request.json(&body)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// Calls a tool of the operator; returns its result.
async fn tool(server: &TestServer, name: &str, arguments: Value) -> Value {
    let params = json!({ "name": name, "arguments": arguments });
    mcp(server, "/admin/mcp", ADMIN, "tools/call", params).await["result"].clone()
}

/// Returns the user code in the logs of a server with [`SALT`].
fn user_code(user: &str) -> String {
    IdHasher::from_salt(SALT.as_bytes()).user_id(Realm::Puch, user).to_string()
}

#[tokio::test]
async fn admin_look_up_finds_lobby_only_users() {
    let redis = RedisServer::start(&[]);
    let (url, key) = (redis.url(), "ab".repeat(32));
    let variables = [
        ("ADMIN_TOKEN", ADMIN),
        ("REDIS_URL", url.as_str()),
        ("ID_SALT", SALT),
        ("INBOX_KEY", key.as_str()),
    ];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    let path = format!("people/{}", user_code("ann"));
    assert_eq!(get(&server, &path).await.0, StatusCode::NOT_FOUND);
    let presence = async || get(&server, &path).await.1["standing"].clone();
    server.say("ann", "#who").await;
    assert_eq!(presence().await, "idle");
    server.say("ann", "#meet").await;
    assert_eq!(presence().await, "waiting");
    server.say("ben", "#meet").await;
    let (status, profile) = get(&server, &path).await;
    assert_eq!((status, &profile["standing"]), (StatusCode::OK, &json!("chatting")));
    assert!(!profile.to_string().contains(&user_code("ben")), "the partner is not named");
    assert_eq!(post(&server, &format!("{path}/ban"), Value::Null).await.0, StatusCode::OK);
    assert!(server.say("ben", "#m").await.contains("left the chat"));
    let (_, profile) = get(&server, &path).await;
    assert_eq!((&profile["standing"], &profile["banned"]), (&json!("idle"), &json!(true)));
    assert_eq!(get(&server, "people/00000000").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&server, "people/xyz").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn admin_broadcast_reaches_every_channel_once() {
    let server = admin_server().await;
    server.say("ann", "#who").await;
    let mut agents = Vec::new();
    for transport in LIVE_TRANSPORTS {
        let mut agent = LiveClient::connect(&server, transport).await;
        agent.call("say", json!({ "user_id": format!("{transport:?}"), "message": "#who" })).await;
        agents.push(agent);
    }
    let broadcast = json!({ "text": " We restart at noon. " });
    let (status, progress) = post(&server, "broadcast", broadcast.clone()).await;
    let expected = json!({ "complete": true, "told": 4, "told_before": 0, "inbox_full": 0 });
    assert_eq!((status, progress), (StatusCode::OK, expected));
    for agent in &mut agents {
        assert_eq!(agent.notification("operator.notice").await["message"], "We restart at noon.");
    }
    assert_eq!(server.say("ann", "#m").await, "📢 We restart at noon.");
    assert_eq!(post(&server, "broadcast", broadcast).await.1["told_before"], 4);
    let again = json!({ "text": "We restart at noon.", "id": "tuesday" });
    assert_eq!(post(&server, "broadcast", again).await.1["told"], 4);
    for text in [" ".to_owned(), "é".repeat(1_001)] {
        let (status, body) = post(&server, "broadcast", json!({ "text": text })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body["error"].as_str().is_some_and(|message| message.contains("1 to 1,000")));
    }
    let longest = json!({ "text": "é".repeat(1_000) });
    assert_eq!(post(&server, "broadcast", longest).await.1["told"], 4);
    let (_, log) = get(&server, "log").await;
    let log = log.to_string();
    assert!(log.contains("sent broadcast") && !log.contains("noon"), "{log}");
}

#[tokio::test]
async fn admin_drain_ends_and_rejects_sessions() {
    let server = admin_server().await;
    let ready = async || {
        let request = http_client().get(format!("{}/ready", server.url));
        let response = request.send().await.expect("a response");
        (response.status(), response.text().await.expect("text"))
    };
    let mut agents = Vec::new();
    for transport in LIVE_TRANSPORTS {
        agents.push(LiveClient::connect(&server, transport).await);
    }
    assert_eq!(post(&server, "drain", json!({})).await.0, StatusCode::OK);
    assert_eq!(ready().await, (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()));
    for agent in &mut agents {
        agent.ended().await;
    }
    for path in ["/mcp/session", "/mcp/sse", "/mcp/ws"] {
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let request = match path {
            "/mcp/sse" => server.get(path),
            "/mcp/ws" => server
                .get(path)
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            _ => server.post(path).json(&hello),
        };
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    assert!(server.say("ann", "#meet").await.contains("Looking for"), "calls are answered");
    assert_eq!(post(&server, "drain", json!({ "drain": false })).await.0, StatusCode::OK);
    assert_eq!(ready().await.0, StatusCode::OK);
    for transport in LIVE_TRANSPORTS {
        let mut agent = LiveClient::connect(&server, transport).await;
        agent.call("say", json!({ "user_id": format!("{transport:?}"), "message": "#who" })).await;
    }
    let (_, log) = get(&server, "log").await;
    let actions: Vec<_> =
        log.as_array().expect("a list").iter().map(|entry| &entry["what"]).collect();
    assert_eq!(actions, ["started draining", "stopped draining"]);
}

#[tokio::test]
async fn admin_unknown_fields_are_refused() {
    let server = admin_server().await;
    let reports = "reports/00000000000000000000000000000000";
    for (path, body) in [
        ("drain", json!({ "drian": false })),
        ("broadcast", json!({ "text": "hello", "drian": false })),
        (reports, json!({ "verdict": "upheld", "drian": false })),
        ("people/00000000/ban", json!({ "drian": false })),
        ("people/00000000/unban", json!({ "drian": false })),
    ] {
        let (status, answer) = post(&server, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        assert!(
            answer["error"].as_str().is_some_and(|error| error.contains("`drian`")),
            "{answer}"
        );
    }
    assert_eq!(post(&server, "drain?drain=false", json!({})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(post(&server, "drain", json!([false])).await.0, StatusCode::BAD_REQUEST);
    for (name, arguments) in [
        ("drain", json!({ "drian": false })),
        ("broadcast", json!({ "text": "hello", "drian": false })),
        ("resolve_report", json!({ "id": "0", "verdict": "upheld", "drian": false })),
        ("ban", json!({ "code": "00000000", "drian": false })),
        ("unban", json!({ "code": "00000000", "drian": false })),
        ("look_up", json!({ "code": "00000000", "drian": false })),
        ("list_reports", json!({ "drian": false })),
        ("audit_log", json!({ "drian": false })),
    ] {
        let params = json!({ "name": name, "arguments": arguments });
        let answer = mcp(&server, "/admin/mcp", ADMIN, "tools/call", params).await;
        assert_eq!(answer["result"]["isError"], true, "{name}: {answer}");
        assert!(answer["result"]["content"].to_string().contains("`drian`"), "{answer}");
    }
    assert_eq!(get(&server, "log").await.1, json!([]), "no action was run");
}

#[tokio::test]
async fn admin_body_needs_no_content_type() {
    let server = admin_server().await;
    let drain = async |body: &str| {
        let request = http_client().post(format!("{}/admin/drain", server.url)).bearer_auth(ADMIN);
        fetch_json(request.body(body.to_owned())).await.0
    };
    let ready = async || {
        let response = http_client().get(format!("{}/ready", server.url)).send().await;
        response.expect("a response").status()
    };
    assert_eq!(drain("").await, StatusCode::OK);
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(drain(r#"{"drain": false}"#).await, StatusCode::OK);
    assert_eq!(ready().await, StatusCode::OK);
}

#[tokio::test]
async fn admin_tools_are_only_on_admin_mcp() {
    let server = admin_server().await;
    let listed = mcp(&server, "/admin/mcp", ADMIN, "tools/list", json!({})).await;
    let listed = listed["result"]["tools"].as_array().expect("tools").clone();
    let names: Vec<_> = listed.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    let expected = "audit_log ban broadcast drain list_cases list_keys list_reports list_suspended look_up resolve_report revoke_key unban";
    assert_eq!(names.join(" "), expected);
    for tool in &listed {
        let name = format!("admin_{}", tool["name"].as_str().expect("a name"));
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(name, tool);
        });
    }
    let public = mcp(&server, "/mcp", TOKEN, "tools/list", json!({})).await;
    let public = public["result"]["tools"].as_array().expect("tools");
    assert!(public.iter().all(|tool| !names.contains(&tool["name"].as_str().expect("a name"))));
    let ban = json!({ "name": "ban", "arguments": { "code": "00000000" } });
    let unknown = mcp(&server, "/mcp", TOKEN, "tools/call", ban).await;
    assert_eq!(unknown["error"]["message"], "Unknown tool.");
    let response = server.post("/admin/mcp").body("{}").send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let closed = TestServer::start().await;
    let response = closed.post("/admin/mcp").body("{}").send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);

    server.say("ben", "#meet").await;
    server.say("ann", "#meet").await;
    server.say("ben", "send me money").await;
    server.say("ann", "#report scam").await;
    let reports = tool(&server, "list_reports", json!({})).await["structuredContent"].clone();
    let (id, ben) = (&reports["reports"][0]["id"], &reports["reports"][0]["person"]);
    assert_eq!(reports["reports"][0]["evidence"]["said"], json!(["send me money"]));
    let verdict = json!({ "id": id, "verdict": "dismissed" });
    let resolved = tool(&server, "resolve_report", verdict).await;
    assert_eq!(resolved["structuredContent"], json!({ "ok": true }));
    tool(&server, "ban", json!({ "code": ben })).await;
    let profile = tool(&server, "look_up", json!({ "code": ben })).await;
    let profile = &profile["structuredContent"];
    assert_eq!((&profile["banned"], &profile["dismissed"]), (&json!(true), &json!(1)));
    tool(&server, "unban", json!({ "code": ben })).await;
    assert!(server.say("ben", "#meet").await.contains("Looking for"));
    let sent = tool(&server, "broadcast", json!({ "text": "hello" })).await;
    assert_eq!(sent["structuredContent"]["told"], 2);
    tool(&server, "drain", json!({})).await;
    let mut request = http_client().get(format!("{}/ready", server.url));
    assert_eq!(request.send().await.expect("a response").status(), 503);
    tool(&server, "drain", json!({ "drain": false })).await;
    request = http_client().get(format!("{}/ready", server.url));
    assert_eq!(request.send().await.expect("a response").status(), 200);
    let unknown = tool(&server, "ban", json!({ "code": "00000000" })).await;
    assert_eq!(unknown["isError"], true);
    let invalid =
        json!({ "name": "resolve_report", "arguments": { "id": id, "verdict": "maybe" } });
    let invalid = mcp(&server, "/admin/mcp", ADMIN, "tools/call", invalid).await;
    let text = &invalid["result"]["content"][0]["text"];
    assert_eq!(text, "Invalid arguments: verdict must be one of upheld, dismissed.");
    let log = tool(&server, "audit_log", json!({})).await["structuredContent"].to_string();
    for action in
        ["listed reports", "Dismissed", "banned", "looked up", "sent broadcast", "started draining"]
    {
        assert!(log.contains(action), "{action}: {log}");
    }
}

#[tokio::test]
async fn admin_broadcast_retries_full_inboxes() {
    let server = admin_server().await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.enter(json!({ "push": false })).await;
    server.say("ann", "#meet").await;
    for n in 0..199 {
        assert!(server.say("ann", &n.to_string()).await.contains("Message sent"));
    }
    let broadcast = async || post(&server, "broadcast", json!({ "text": "hello" })).await.1;
    let full = json!({ "complete": true, "told": 1, "told_before": 0, "inbox_full": 1 });
    assert_eq!(broadcast().await, full);
    let wait = json!({ "user_id": agent.user_id, "timeout_seconds": 0 });
    assert_eq!(
        agent.call("wait_for_message", wait.clone()).await["events"][0]["type"],
        "chatroom.found"
    );
    // The next call settles the answer of the last one as delivered.
    agent.call("wait_for_message", wait.clone()).await;
    assert_eq!(broadcast().await["told"], 1);
    assert_eq!(agent.call("wait_for_message", wait).await["events"][0]["message"], "hello");
}
