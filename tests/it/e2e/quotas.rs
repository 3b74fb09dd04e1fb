//! Quotas of everything beside messages, searches and reports, and what refused calls count.

use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};

use super::penpal::{pair, server_with};
use crate::support::live_client::LiveTransport;
use crate::support::server::TestServer;

/// Every command that is no search and no report.
const COMMANDS: [&str; 16] = [
    "#nick Ann",
    "#hide on",
    "#who",
    "#m",
    "#lang en",
    "#lang",
    "#help",
    "#bye",
    "#block",
    "#good",
    "#bad",
    "#agree",
    "#forget",
    "#forget yes",
    "#repot",
    "#hide and seek",
];

#[tokio::test]
async fn quota_limits_every_command() {
    let variables = [("RATE_LIMITS", "commands=6,newcomers=0")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    for (number, command) in COMMANDS.into_iter().enumerate() {
        let user = format!("user-{number}");
        for _ in 0..2 {
            let reply = server.say(&user, command).await;
            assert!(!reply.contains("too fast"), "{command}: {reply}");
        }
        let reply = server.say(&user, command).await;
        assert!(reply.contains("too fast") && reply.contains("10 seconds"), "{command}: {reply}");
    }
}

#[tokio::test]
async fn quota_refusal_still_shows_the_inbox() {
    let variables = [("RATE_LIMITS", "commands=3,newcomers=0")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ben", "#who").await;
    server.say("ann", "are you there?").await;
    let reply = server.say("ben", "#who").await;
    assert!(reply.contains("too fast") && reply.contains("are you there?"), "{reply}");
}

#[tokio::test]
async fn quota_limits_every_penpal_tool() {
    let variables = [("RATE_LIMITS", "commands=6,newcomers=0")];
    let server = server_with(&variables, ConnectionLimits::default()).await;
    for (tool, extra) in [
        ("set_typing", json!({ "typing": true })),
        ("get_history", json!({})),
        ("wait_for_message", json!({ "timeout_seconds": 0 })),
        ("rejoin", json!({})),
        ("leave_chat", json!({})),
        ("block", json!({})),
    ] {
        let [ann, mut ben] = pair(&server, [LiveTransport::WebSocket; 2]).await;
        let mut arguments = json!({ "user_id": ben.user_id });
        if tool != "rejoin" {
            arguments["room_id"] = json!(ben.room_id);
        }
        let extra: Value = extra;
        for (name, value) in extra.as_object().expect("an object") {
            arguments[name] = value.clone();
        }
        for _ in 0..2 {
            let result = ben.try_call(tool, arguments.clone()).await;
            assert!(!result.is_err_and(|error| error.contains("too fast")), "{tool}");
        }
        let refused = ben.try_call(tool, arguments).await.expect_err("the third is refused");
        assert!(refused.contains("too fast"), "{tool}: {refused}");
        drop(ann);
    }
}

#[tokio::test]
async fn new_user_limit_does_not_count_refused_calls() {
    let variables = [("RATE_LIMITS", "newcomers=3"), ("TOOLSETS", "connect,penpal")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    let long = "x".repeat(5_000);
    let call = async |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let response = server.post("/mcp").json(&call).send().await.expect("a response");
        response.json::<Value>().await.expect("JSON")
    };
    for number in 0..20 {
        let id = format!("user-{number}");
        for (tool, arguments) in [
            ("handle_message", json!({ "puch_user_id": id, "message": long })),
            ("handle_message", json!({ "puch_user_id": id })),
            ("handle_message", json!({ "puch_user_id": long, "message": "#help" })),
            ("enter_queue", json!({ "display_name": "Admin" })),
            ("enter_queue", json!({ "display_name": long })),
            ("enter_queue", json!({ "interests": ["98765 43210"] })),
            ("enter_queue", json!({ "interests": 5 })),
            ("enter_queue", json!({ "user_id": id, "display_name": "Admin" })),
            ("send_message", json!({ "user_id": id, "room_id": "none", "message": "hi" })),
            ("wait_for_message", json!({ "user_id": id, "timeout_seconds": -1 })),
        ] {
            let body = call(tool, arguments).await;
            let is_refused = body["result"]["isError"] == true || body["error"].is_object();
            assert!(is_refused && !body.to_string().contains("new users"), "{tool}: {body}");
        }
        let arguments = json!({ "puch_user_id": id, "message": long });
        let (status, _) = server.short_form("handle_message", arguments).await;
        assert_eq!(status, 400);
    }
    for number in 0..3 {
        assert!(server.say(&format!("new-{number}"), "#help").await.contains("#meet"));
    }
    let body = call("handle_message", json!({ "puch_user_id": "d", "message": "#help" })).await;
    assert!(body.to_string().contains("new users"), "{body}");
}
