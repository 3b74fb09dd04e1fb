//! Errors of MCP: malformed parameters, invalid arguments, methods and cursors that are not there, and
//! batches, over every transport.

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::penpal::server;
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TestServer, fetch_json};
use crate::support::stdio_client::StdioClient;

const VERSIONS: [&str; 6] =
    ["", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// Malformed parameters of known methods, and the member that the error names.
fn malformed() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("tools/call", json!([]), "params must be an object"),
        ("tools/call", json!({}), "name is missing"),
        ("tools/call", json!({ "name": 9_876 }), "name must be a string"),
        ("tools/call", json!({ "name": "help", "arguments": [] }), "arguments must be an object"),
        ("tools/call", json!({ "name": "help", "arguments": "{}" }), "arguments must be an object"),
        ("tools/list", json!({ "cursor": 9_876 }), "cursor must be a string"),
        ("resources/templates/list", json!([]), "params must be an object"),
        ("resources/read", json!({}), "uri is missing"),
    ]
}

/// Invalid arguments of tools, and the error that the model reads.
fn invalid_arguments() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("handle_message", json!({}), "message is missing, it must be a string"),
        (
            "handle_message",
            json!({ "message": "hi", "puch_user_id": 9_876 }),
            "puch_user_id must be a string",
        ),
        ("enter_queue", json!({ "interests": "9876" }), "interests must be an array of strings"),
        (
            "wait_for_message",
            json!({ "user_id": "a", "timeout_seconds": "9876" }),
            "timeout_seconds must be a number",
        ),
        (
            "set_typing",
            json!({ "room_id": "a", "user_id": "a" }),
            "typing is missing, it must be true or false",
        ),
        (
            "get_history",
            json!({ "room_id": "a", "user_id": "a", "limit": -1 }),
            "limit must be a whole number, not negative",
        ),
    ]
}

/// Posts a request as a client of this protocol version does.
async fn post(
    server: &TestServer,
    version: &str,
    method: &str,
    mut params: Value,
) -> (StatusCode, Value) {
    let mut request = server.post("/mcp");
    if !version.is_empty() {
        request = request.header("MCP-Protocol-Version", version);
    }
    if version == "2026-07-28" {
        request = request.header("Mcp-Method", method);
        for name in ["name", "uri", "taskId"] {
            if let Some(value) = params[name].as_str() {
                request = request.header("Mcp-Name", value);
            }
        }
        if let Some(params) = params.as_object_mut() {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientInfo": { "name": "x", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            params.insert("_meta".to_owned(), meta);
        }
    }
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    fetch_json(request.body(body.to_string())).await
}

fn assert_unknown_method(response: &Value) {
    assert_eq!(response["error"]["code"], -32601, "{response}");
    // The SDK itself answers methods of tasks and those that the protocol version has not.
    let own = ["Unknown method.", "tasks/get", "resources/subscribe", "logging/setLevel"];
    let is_own = own.map(|text| response["error"]["message"] == text);
    assert!(is_own.contains(&true), "{response}");
}

fn assert_invalid_params(response: &Value, problem: &str) {
    assert_eq!(response["error"]["code"], -32602, "{response}");
    let message = response["error"]["message"].as_str().expect("a text");
    assert!(message.contains(problem) && !message.contains("9876"), "{response}: {problem}");
}

fn assert_tool_error(response: &Value, problem: &str) {
    assert_eq!(response["result"]["isError"], true, "{response}");
    let message = response["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(message.contains(problem) && !message.contains("9876"), "{response}: {problem}");
}

#[tokio::test]
async fn mcp_malformed_params_name_the_field_on_every_transport() {
    let server = server().await;
    for (method, params, problem) in malformed() {
        for version in VERSIONS {
            let (status, response) = post(&server, version, method, params.clone()).await;
            assert_eq!((status, &response["id"]), (StatusCode::OK, &json!(7)), "{version}");
            assert_invalid_params(&response, problem);
        }
    }
    for transport in LIVE_TRANSPORTS {
        let mut client = LiveClient::connect(&server, transport).await;
        for (method, params, problem) in malformed() {
            assert_invalid_params(&client.request(method, params).await, problem);
        }
    }
    let mut client = StdioClient::connect(&[("TOOLSETS", "connect,penpal")]).await;
    for (method, params, problem) in malformed() {
        assert_invalid_params(&client.request(method, params).await, problem);
    }
}

#[tokio::test]
async fn mcp_invalid_argument_is_a_tool_error_on_every_transport() {
    let server = server().await;
    for (tool, arguments, problem) in invalid_arguments() {
        let params = json!({ "name": tool, "arguments": arguments });
        for version in VERSIONS {
            let (status, response) = post(&server, version, "tools/call", params.clone()).await;
            assert_eq!(status, StatusCode::OK);
            assert_tool_error(&response, problem);
        }
        // `_meta` sends the call through rmcp.
        let params = json!({ "name": tool, "arguments": arguments, "_meta": {} });
        assert_tool_error(&post(&server, "", "tools/call", params).await.1, problem);
    }
    for transport in LIVE_TRANSPORTS {
        let mut client = LiveClient::connect(&server, transport).await;
        for (tool, arguments, problem) in invalid_arguments() {
            let params = json!({ "name": tool, "arguments": arguments });
            assert_tool_error(&client.request("tools/call", params).await, problem);
        }
    }
    let (status, body) = server.short_form("handle_message", json!({ "message": 9_876 })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_invalid_params(&body, "message must be a string");
}

#[tokio::test]
async fn mcp_unknown_tool_is_a_protocol_error() {
    let server = server().await;
    let params = json!({ "name": "nope", "arguments": {} });
    for version in VERSIONS {
        let (_, response) = post(&server, version, "tools/call", params.clone()).await;
        assert_invalid_params(&response, "Unknown tool");
    }
}

#[tokio::test]
async fn mcp_null_argument_counts_as_omitted() {
    let server = server().await;
    let arguments =
        json!({ "user_id": null, "display_name": null, "interests": null, "push": null });
    let params = json!({ "name": "enter_queue", "arguments": arguments });
    let (_, response) = post(&server, "", "tools/call", params).await;
    assert_eq!(response["result"]["structuredContent"]["status"], "waiting", "{response}");
}

#[tokio::test]
async fn mcp_undeclared_method_is_unknown() {
    let server = server().await;
    let complete = json!({
        "ref": { "type": "ref/prompt", "name": "x" }, "argument": { "name": "a", "value": "b" },
    });
    let undeclared = [
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "x" })),
        ("completion/complete", complete),
        ("logging/setLevel", json!({ "level": "info" })),
        ("tasks/get", json!({ "taskId": "x" })),
        ("nope", json!({})),
    ];
    for (method, params) in undeclared.clone() {
        for version in VERSIONS {
            let (_, response) = post(&server, version, method, params.clone()).await;
            assert_unknown_method(&response);
        }
    }
    for transport in LIVE_TRANSPORTS {
        let mut client = LiveClient::connect(&server, transport).await;
        for (method, params) in undeclared.clone() {
            let response = client.request(method, params).await;
            assert_unknown_method(&response);
        }
    }
    // Resources belong to the penpal toolset.
    let server = TestServer::with(&[("PLAYGROUND", "off")], ConnectionLimits::default()).await;
    for (method, params) in [
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "penpal://inbox/a" })),
        ("resources/subscribe", json!({ "uri": "penpal://inbox/a" })),
    ] {
        for version in VERSIONS {
            let (_, response) = post(&server, version, method, params.clone()).await;
            assert_unknown_method(&response);
        }
    }
}

#[tokio::test]
async fn mcp_unknown_cursor_is_rejected() {
    let server = server().await;
    for method in ["tools/list", "resources/list", "resources/templates/list"] {
        for version in VERSIONS {
            for cursor in ["9876", ""] {
                let params = json!({ "cursor": cursor });
                let (_, response) = post(&server, version, method, params).await;
                assert_invalid_params(&response, "cursor");
            }
            let (_, response) = post(&server, version, method, json!({})).await;
            assert!(response["result"].is_object(), "{response}");
        }
    }
}

#[tokio::test]
async fn mcp_batch_of_protocol_2025_03_26_is_answered() {
    let server = server().await;
    let ping = |id: &str| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    let call = json!({
        "jsonrpc": "2.0", "id": "call", "method": "tools/call",
        "params": { "name": "handle_message", "arguments": { "message": "#who", "puch_user_id": "a" } },
    });
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let batch = json!([ping("a"), call, note, { "jsonrpc": "2.0", "id": "bad" }, 5]);
    for version in ["", "2025-03-26"] {
        let mut request = server.post("/mcp").body(batch.to_string());
        if !version.is_empty() {
            request = request.header("MCP-Protocol-Version", version);
        }
        let (status, answers) = fetch_json(request).await;
        assert_eq!(status, StatusCode::OK);
        let ids: Vec<_> = answers.as_array().expect("a batch").iter().map(|a| &a["id"]).collect();
        assert_eq!(ids, [&json!("a"), &json!("call"), &json!("bad"), &json!(null)], "{answers}");
        let text = answers[1]["result"]["content"][0]["text"].as_str().expect("a text");
        assert!(text.contains("#meet"), "{text}");
        assert_eq!(answers[2]["error"]["code"], -32600);
    }
    let response = server.post("/mcp").body(json!([note, note]).to_string()).send().await;
    assert_eq!(response.expect("a response").status(), StatusCode::ACCEPTED);
    for (version, batch) in [
        ("2025-06-18", batch),
        ("2026-07-28", json!([ping("a")])),
        ("2025-03-26", json!([])),
        ("2025-03-26", Value::Array(vec![ping("a"); 33])),
    ] {
        let request = server.post("/mcp").header("MCP-Protocol-Version", version);
        let (status, response) = fetch_json(request.body(batch.to_string())).await;
        assert_eq!(
            (status, &response["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!(-32600)),
            "{version}"
        );
    }
}

#[tokio::test]
async fn mcp_batch_in_a_session_over_http_is_answered_at_once() {
    let server = TestServer::with(&[("TOOLSETS", "penpal")], ConnectionLimits::default()).await;
    let session = |client: &LiveClient| client.session().expect("a session").to_owned();
    let client = LiveClient::try_connect_with(&server, LiveTransport::Session, "2025-03-26").await;
    let mut ann = client.expect("a session");
    let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ann.enter(json!({ "push": false })).await;
    ben.enter(json!({})).await;
    let ping = |id: &str| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    let wait = |id: &str| {
        let params = json!({ "name": "wait_for_message", "arguments": { "timeout_seconds": 0 } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let batch = json!([ping("a"), wait("b"), note, { "jsonrpc": "2.0", "id": "bad" }, wait("c")]);
    let post = |batch: &Value| {
        let request = server.post("/mcp/session").header("Mcp-Session-Id", session(&ann));
        request.body(batch.to_string())
    };
    let (status, answers) = fetch_json(post(&batch)).await;
    assert_eq!(status, StatusCode::OK);
    let ids: Vec<_> = answers.as_array().expect("a batch").iter().map(|a| &a["id"]).collect();
    assert_eq!(ids, ["a", "b", "bad", "c"], "{answers}");
    let events = |answer: &Value| answer["result"]["structuredContent"]["events"].clone();
    assert_eq!(events(&answers[1])[0]["type"], "chatroom.found", "{answers}");
    assert_eq!(answers[2]["error"]["code"], -32600);
    let (_, again) = fetch_json(post(&json!([wait("d")]))).await;
    assert_eq!(events(&again[0]), json!([]), "the events are delivered once");
    let response = post(&json!([note, note])).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let request = post(&json!([ping("a")])).header("MCP-Protocol-Version", "2025-06-18");
    let (status, refused) = fetch_json(request).await;
    assert_eq!((status, &refused["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32600)));
}

#[tokio::test]
async fn mcp_batch_in_a_live_session_is_answered() {
    let server = server().await;
    let ping = |id: &str| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    let mut client = StdioClient::connect(&[]).await;
    client.send(&json!([ping("a"), ping("b")])).await;
    let mut ids = [client.next().await, client.next().await].map(|answer| answer["id"].clone());
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, [json!("a"), json!("b")]);
    for transport in LIVE_TRANSPORTS.into_iter().skip(1) {
        let client = LiveClient::try_connect_with(&server, transport, "2025-03-26").await;
        let mut client = client.expect("a session");
        client.send(json!([ping("a"), ping("b")])).await;
        let mut ids = Vec::new();
        while ids.len() < 2 {
            ids.extend(client.next().await.map(|answer| answer["id"].clone()));
        }
        ids.sort_by_key(Value::to_string);
        assert_eq!(ids, [json!("a"), json!("b")], "{transport:?}");
        // A later version has no batches.
        let mut client = LiveClient::connect(&server, transport).await;
        if transport == LiveTransport::WebSocket {
            let refused = client.send_junk(&json!([ping("a")]).to_string()).await;
            assert_eq!(refused["error"]["code"], -32600, "{refused}");
        }
    }
}

/// Protocol 2026-07-28 requires the header for requests only.
#[tokio::test]
async fn mcp_notification_without_a_method_header_is_accepted() {
    let server = server().await;
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    for path in ["/mcp", "/mcp/session"] {
        let request = server.post(path).header("MCP-Protocol-Version", "2026-07-28");
        let response = request.body(note.to_string()).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{path}");
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let request = server.post("/mcp").header("MCP-Protocol-Version", "2026-07-28");
    let (status, response) = fetch_json(request.body(body.to_string())).await;
    assert_eq!((status, &response["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32020)));
}

#[tokio::test]
async fn mcp_line_of_stdio_over_64_kib_is_refused() {
    let mut client = StdioClient::connect(&[]).await;
    let line = |id: u64, length: usize| {
        let start =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":{{"_meta":{{"x":""#);
        let end = r#""}}}"#;
        format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()))
    };
    // The limit includes the newline.
    client.send_line(&line(90, 64 * 1024 - 1)).await;
    assert_eq!(client.next().await["id"], 90);
    for length in [64 * 1024, 1024 * 1024] {
        client.send_line(&line(91, length)).await;
        let refused = client.next().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(null), &json!(-32600)));
        assert!(client.request("tools/list", json!({})).await["result"].is_object(), "{length}");
    }
}

#[tokio::test]
async fn mcp_line_of_stdio_that_is_no_message_is_answered() {
    let mut client = StdioClient::connect(&[]).await;
    for (line, code) in [("{", -32700), ("5", -32600), (r#"{"jsonrpc":"2.0","id":9}"#, -32600)] {
        client.send_line(line).await;
        assert_eq!(client.next().await["error"]["code"], code, "{line}");
    }
    client.send_line("").await;
    assert!(client.request("tools/list", json!({})).await["result"].is_object());
}
