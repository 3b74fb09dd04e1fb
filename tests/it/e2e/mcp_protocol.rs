//! MCP at `/mcp`: every protocol version with rmcp's client, and clients that omit headers.
//!
//! Tools are tested with their feature; the last test here holds the schema of each.

use reqwest::StatusCode;
use rmcp::model::ProtocolVersion;
use serde_json::json;

use random_connect::transport::http::limits::ConnectionLimits;

use crate::support::server::{
    MY_NUMBER, TOKEN, TestServer, fetch_json, http_client, partner_name, text,
};

#[tokio::test]
async fn mcp_every_protocol_version_initializes() {
    let server = TestServer::start().await;
    for version in ProtocolVersion::KNOWN_VERSIONS {
        let client = server.client(version.clone()).await;
        assert_eq!(
            client.0.peer_info().map(|info| info.protocol_version.clone()),
            Some(version.clone())
        );
        let tools = client.0.list_all_tools().await.expect("the tools");
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(
            names,
            ["about", "get_stats", "handle_message", "help", "validate"],
            "{version}"
        );
        assert!(client.say(version.as_str(), "#help").await.contains("#meet"));
    }
    assert_eq!(ProtocolVersion::KNOWN_VERSIONS.last(), Some(&ProtocolVersion::V_2026_07_28));
}

#[tokio::test]
async fn mcp_versions_and_short_form_interoperate() {
    let server = TestServer::start().await;
    let (old, new) = (
        server.client(ProtocolVersion::V_2024_11_05).await,
        server.client(ProtocolVersion::V_2026_07_28).await,
    );
    old.say("ann", "#meet").await;
    let ann = partner_name(&new.say("ben", "#meet").await);
    assert!(server.say("ann", "hello").await.ends_with(&format!("from {ann}: hello")));
    assert_eq!(new.say("ben", "#m").await, format!("💬 {ann}: hello"));
}

#[tokio::test]
async fn mcp_puch_tools_answer_as_expected() {
    let server = TestServer::start().await;
    let puch = server.client(ProtocolVersion::V_2025_03_26).await;
    let ignored = json!({ "bearer_token": "x", "token": 1 });
    assert_eq!(text(&puch.call("validate", ignored.clone()).await), MY_NUMBER);
    let about: serde_json::Value =
        serde_json::from_str(&text(&puch.call("about", ignored.clone()).await)).expect("JSON");
    assert_eq!(about["name"], "Random Connect");
    assert!(about["description"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(text(&puch.call("help", ignored.clone()).await).contains("#meet"));
    let stats = puch.call("get_stats", ignored).await;
    assert!(text(&stats).contains("0 active pairs"));
    assert_eq!(stats.structured_content.expect("structured content")["active_users"], 0);
}

#[tokio::test]
async fn mcp_validate_without_my_number_is_an_error() {
    let server = TestServer::with(&[("MY_NUMBER", "")], ConnectionLimits::default()).await;
    let result =
        server.client(ProtocolVersion::V_2025_06_18).await.call("validate", json!({})).await;
    assert_eq!(result.is_error, Some(true));
    assert_eq!(text(&result), "MY_NUMBER is not set on the server.");
}

#[tokio::test]
async fn mcp_rejected_call_is_a_tool_error() {
    let server = TestServer::start().await;
    let client = server.client(ProtocolVersion::V_2025_06_18).await;
    let result =
        client.call("handle_message", json!({ "message": "hi", "puch_user_id": "" })).await;
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).starts_with("The puch_user_id is empty"));
}

#[tokio::test]
async fn mcp_missing_accept_header_is_tolerated() {
    let server = TestServer::start().await;
    let call = r##"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"handle_message","arguments":{"message":"#who","puch_user_id":"ann"}}}"##;
    for (accept, content_type) in [
        ("*/*", "application/json"),
        ("application/json", "application/x-www-form-urlencoded"),
        ("text/html", ""),
    ] {
        let request = http_client().post(format!("{}/mcp", server.url)).bearer_auth(TOKEN);
        let request =
            request.header("Accept", accept).header("Content-Type", content_type).body(call);
        let (status, body) = fetch_json(request).await;
        assert_eq!(status, StatusCode::OK);
        let reply = &body["result"]["content"][0]["text"];
        assert_eq!(reply, "You're not currently in a chat. Use #meet to connect!");
    }
}

#[tokio::test]
async fn mcp_stateless_endpoint_ignores_session_ids() {
    let server = TestServer::start().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let (status, _) =
        fetch_json(server.post("/mcp").header("Mcp-Session-Id", "gone").body(call)).await;
    assert_eq!(status, StatusCode::OK);
    let stream =
        server.get("/mcp").header("Accept", "text/event-stream").send().await.expect("a response");
    assert_eq!(stream.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn mcp_errors_never_quote_input() {
    let server = TestServer::start().await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"handle_message","arguments":{"message":9876543210,"puch_user_id":"ann"}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"9876543210"}}"#,
        r#"{"method":"9876543210"}"#,
        r#"{"method":"handle_message","params":{"message":"hi","puch_user_id":9876543210}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":9876543210}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"nope-9876543210"}"#,
    ] {
        let response = server
            .post("/mcp")
            .body(body)
            .send()
            .await
            .expect("a response")
            .text()
            .await
            .expect("text");
        let is_error = response.contains(r#""error":"#) || response.contains(r#""isError":true"#);
        assert!(is_error && !response.contains("9876543210"), "{response}");
    }
}

/// The content of a call decides whether `StatelessCalls` or rmcp executes it. rmcp executes every
/// call with `_meta`.
#[tokio::test]
async fn mcp_stateless_path_matches_rmcp() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let calls = [
        (json!(1), json!({ "name": "about" })),
        (json!("a-1"), json!({ "name": "help", "arguments": {} })),
        (json!(7), json!({ "name": "validate", "arguments": { "token": 1 } })),
        (json!(1), json!({ "name": "nope", "arguments": {} })),
        (json!(1), json!({ "name": "handle_message", "arguments": {} })),
        (json!(1), json!({ "name": "handle_message", "arguments": [] })),
        (json!(1), json!({ "name": "handle_message", "arguments": null })),
        (json!(1), json!({ "name": "handle_message", "arguments": { "message": 1 } })),
        (json!(1), json!({ "name": 1 })),
        (json!(1), json!({})),
        (json!(null), json!({ "name": "about" })),
        (json!(1.5), json!({ "name": "about" })),
        (
            json!(1),
            json!({
                "name": "handle_message",
                "arguments": { "message": "#who", "puch_user_id": "ann", "more": "x" },
            }),
        ),
        (
            json!(1),
            json!({
                "name": "leave_chat", "arguments": { "room_id": "none", "user_id": "ann" },
            }),
        ),
    ];
    let versions = ["", "1999-01-01", "2025-06-18", "2026-07-28"];
    for (id, params) in &calls {
        for version in versions {
            for jsonrpc in ["2.0", "1.0"] {
                let mut for_rmcp = params.clone();
                for_rmcp["_meta"] = json!({});
                let mut responses = Vec::new();
                for params in [params, &for_rmcp] {
                    let call = json!({
                        "jsonrpc": jsonrpc, "id": id, "method": "tools/call", "params": params,
                    });
                    let mut request = server.post("/mcp").body(call.to_string());
                    if !version.is_empty() {
                        request = request.header("MCP-Protocol-Version", version);
                    }
                    let response = request.send().await.expect("a response");
                    let (status, headers) = (response.status(), response.headers().clone());
                    let content_type = headers.get("content-type").cloned();
                    responses.push((status, content_type, response.text().await.expect("text")));
                }
                assert_eq!(responses[0], responses[1], "{jsonrpc} {id} {params} {version}");
            }
        }
    }
}

#[tokio::test]
async fn mcp_tool_schemas_match_snapshots() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let client = server.client(ProtocolVersion::V_2025_06_18).await;
    for tool in client.0.list_all_tools().await.expect("the tools") {
        let name = format!("tool_{}", tool.name);
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(name, tool);
        });
    }
}
