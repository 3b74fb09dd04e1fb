//! Declared capabilities, and titles, annotations and schemas of the tools.

use random_connect::transport::http::limits::ConnectionLimits;
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use super::penpal::server;
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::{TestServer, fetch_json};

#[tokio::test]
async fn mcp_tool_has_a_title_and_annotations() {
    let server = server().await;
    let client = server.client(ProtocolVersion::V_2025_06_18).await;
    for tool in client.0.list_all_tools().await.expect("the tools") {
        let title = tool.title.as_deref().expect("a title");
        assert!(!title.is_empty() && title != tool.name, "{}", tool.name);
        let annotations = tool.annotations.as_ref().expect("annotations");
        assert_eq!(annotations.title.as_deref(), Some(title));
        let hints = [annotations.read_only_hint, annotations.open_world_hint];
        assert!(hints.iter().all(Option::is_some), "{}", tool.name);
        if annotations.read_only_hint == Some(false) {
            let hints = [annotations.destructive_hint, annotations.idempotent_hint];
            assert!(hints.iter().all(Option::is_some), "{}", tool.name);
        }
    }
}

fn formats<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    match schema {
        Value::Object(members) => {
            found.extend(members.get("format").and_then(Value::as_str));
            members.values().for_each(|member| formats(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| formats(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn mcp_tool_schemas_have_no_format_and_no_dialect() {
    let server = server().await;
    let client = server.client(ProtocolVersion::V_2025_06_18).await;
    for tool in client.0.list_all_tools().await.expect("the tools") {
        let schemas = json!([tool.input_schema, tool.output_schema]);
        let mut found = Vec::new();
        formats(&schemas, &mut found);
        assert!(found.is_empty(), "{}: {found:?}", tool.name);
        assert!(!schemas.to_string().contains("$schema"), "{}", tool.name);
        assert!(schemas[0]["properties"].is_object(), "{}", tool.name);
    }
}

#[tokio::test]
async fn mcp_declares_only_the_capabilities_of_its_toolsets() {
    let hello = json!({
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" },
    });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello });
    for (toolsets, capabilities) in [
        // Without a session there is no stream for updates of resources.
        ("connect,penpal", json!({ "tools": {}, "resources": {} })),
        ("connect", json!({ "tools": {} })),
    ] {
        let variables = [("TOOLSETS", toolsets), ("PLAYGROUND", "off")];
        let server = TestServer::with(&variables, ConnectionLimits::default()).await;
        let (_, response) = fetch_json(server.post("/mcp").body(hello.to_string())).await;
        assert_eq!(response["result"]["capabilities"], capabilities);
    }
}

#[tokio::test]
async fn mcp_session_notifies_subscribers_of_resource_updates() {
    let server = server().await;
    for transport in LIVE_TRANSPORTS {
        let mut ann = LiveClient::connect(&server, transport).await;
        let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
        ann.enter(json!({ "push": false })).await;
        let uri = format!("penpal://inbox/{}", ann.user_id);
        let subscribed = ann.request("resources/subscribe", json!({ "uri": uri })).await;
        assert_eq!(subscribed["result"], json!({}), "{transport:?}");
        ben.enter(json!({})).await;
        let updated = ann.notification("notifications/resources/updated").await;
        assert_eq!(updated, json!({ "uri": uri }));
        let read = ann.request("resources/read", json!({ "uri": uri })).await;
        let text = read["result"]["contents"][0]["text"].as_str().expect("a text");
        assert!(text.contains("chatroom.found"), "{text}");
        let ended = ann.request("resources/unsubscribe", json!({ "uri": uri })).await;
        assert_eq!(ended["result"], json!({}));
        let unknown = ann.request("resources/subscribe", json!({ "uri": "file:///x" })).await;
        assert_eq!(unknown["error"]["code"], -32002, "{unknown}");
        let arguments = json!({ "room_id": ben.room_id, "user_id": ben.user_id });
        ben.call("leave_chat", arguments).await;
    }
}

#[tokio::test]
async fn mcp_instructions_name_only_enabled_tools() {
    let all = ["connect,penpal", "connect", "penpal"].map(|toolsets| async move {
        let variables = [("TOOLSETS", toolsets), ("PLAYGROUND", "off")];
        let server = TestServer::with(&variables, ConnectionLimits::default()).await;
        let client = server.client(ProtocolVersion::V_2025_06_18).await;
        let tools = client.0.list_all_tools().await.expect("the tools");
        let names: Vec<_> = tools.iter().map(|tool| tool.name.to_string()).collect();
        let instructions = client.0.peer_info().and_then(|info| info.instructions.clone());
        (names, instructions.expect("instructions"))
    });
    let [all, connect, penpal] = all;
    let (all, both) = all.await;
    for (enabled, instructions) in [connect.await, penpal.await] {
        let named = |name: &&String| {
            instructions.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == *name)
        };
        let mut disabled = all.iter().filter(|name| !enabled.contains(name));
        assert_eq!(disabled.find(|name| named(name)), None, "{instructions}");
        assert!(both.contains(&instructions));
        assert!(enabled.iter().any(|name| named(&name)), "{instructions}");
    }
    // A host that is no bot has no id of a Puch user.
    assert!(both.contains("puch_user_id") && both.contains("invent one"));
}
