//! Access by credential: a token opens the same tools and resources on every path, and a user acts as
//! itself alone.

use std::collections::BTreeSet;

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Method, StatusCode};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport, string};
use crate::support::server::{TOKEN, TestServer, fetch_json, http_client};
use crate::support::stdio_client::StdioClient;

/// The token of the owner.
const OWNER: &str = "a-token-for-the-owner";

/// The tools that only read.
const READING: [&str; 5] = ["about", "get_history", "get_stats", "help", "validate"];

/// Starts a server with both toolsets and an owner, and with these variables.
async fn server(variables: &[(&str, &str)]) -> TestServer {
    let mut settings =
        vec![("TOOLSETS", "connect,penpal"), ("OWNER", "ann"), ("OWNER_TOKEN", OWNER)];
    settings.extend(variables);
    TestServer::with(&settings, ConnectionLimits::default()).await
}

/// Starts a server whose callers send the token of the owner.
async fn owned_server(variables: &[(&str, &str)]) -> TestServer {
    let mut server = server(variables).await;
    OWNER.clone_into(&mut server.token);
    server
}

/// The names of the tools in a list, and the arguments that each requires.
fn listed(answer: &Value) -> Vec<(String, Vec<String>)> {
    let tools = answer["result"]["tools"].as_array().expect("a list of tools");
    let required = |tool: &Value| {
        let names = tool["inputSchema"]["required"].as_array().into_iter().flatten();
        names.map(string).collect()
    };
    tools.iter().map(|tool| (string(&tool["name"]), required(tool))).collect()
}

fn names(answer: &Value) -> BTreeSet<String> {
    listed(answer).into_iter().map(|(name, _)| name).collect()
}

/// Sends a request to `/mcp`.
async fn request(server: &TestServer, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    fetch_json(server.post("/mcp").body(message.to_string())).await.1
}

/// Returns `true` if a call got past the question whether there is such a tool.
fn exists(answer: &Value) -> bool {
    answer["error"]["message"] != "Unknown tool."
}

#[tokio::test]
async fn access_is_the_same_on_every_path() {
    for (variables, expected) in [(vec![], 15), (vec![("READ_ONLY", "on")], READING.len())] {
        let server = owned_server(&variables).await;
        let over_http = request(&server, "tools/list", json!({})).await;
        let tools = names(&over_http);
        assert_eq!(tools.len(), expected, "{tools:?}");
        let mut clients = Vec::new();
        for transport in LIVE_TRANSPORTS {
            clients.push(LiveClient::connect(&server, transport).await);
        }
        for client in &mut clients {
            assert_eq!(names(&client.request("tools/list", json!({})).await), tools);
        }
        let all = names(&request(&server_without_limits().await, "tools/list", json!({})).await);
        for tool in &all {
            let call = json!({ "name": tool, "arguments": { "timeout_seconds": 0 } });
            let answer = request(&server, "tools/call", call.clone()).await;
            assert_eq!(exists(&answer), tools.contains(tool), "{tool}: {answer}");
            for client in &mut clients {
                let answer = client.request("tools/call", call.clone()).await;
                assert_eq!(exists(&answer), tools.contains(tool), "{tool}: {answer}");
            }
        }
        for method in ["handle_message", "get_stats"] {
            let (status, _) = server.short_form(method, json!({ "message": "#help" })).await;
            assert_eq!(status == StatusCode::OK, tools.contains(method), "{method}");
        }
        let templates = request(&server, "resources/templates/list", json!({})).await;
        let templates = templates["result"]["resourceTemplates"].as_array().map_or(0, Vec::len);
        let read = request(&server, "resources/read", json!({ "uri": "penpal://inbox/me" })).await;
        assert_eq!(read.get("result").is_some(), templates == 1, "{read}");
        let subscribed = json!({ "uri": "penpal://inbox/me" });
        for client in &mut clients {
            let answer = client.request("resources/subscribe", subscribed.clone()).await;
            assert_eq!(answer.get("result").is_some(), templates == 1, "{answer}");
        }
    }
}

/// A server whose list has every tool.
async fn server_without_limits() -> TestServer {
    server(&[]).await
}

#[tokio::test]
async fn access_of_a_user_is_to_itself() {
    let server = owned_server(&[]).await;
    let tools = listed(&request(&server, "tools/list", json!({})).await);
    for (tool, required) in &tools {
        let names_user = required.iter().any(|name| name == "user_id" || name == "puch_user_id");
        assert!(!names_user, "{tool} requires {required:?}");
    }
    let call = |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let server = &server;
        async move { request(server, "tools/call", params).await["result"].clone() }
    };
    let found = call("enter_queue", json!({})).await;
    assert_eq!(found["structuredContent"]["user_id"], "ann");
    for foreign in ["ben", "ANN", "oidc:x|ann"] {
        let refused = call("enter_queue", json!({ "user_id": foreign })).await;
        assert_eq!(refused["isError"], true, "{refused}");
        let text = refused["content"][0]["text"].as_str().unwrap_or_default();
        assert!(text.contains("names another user") && !text.contains(foreign), "{text}");
        let body = json!({ "message": "#who", "puch_user_id": foreign });
        assert_eq!(server.short_form("handle_message", body).await.0, StatusCode::BAD_REQUEST);
        let uri = json!({ "uri": "penpal://inbox/ben" });
        let read = request(&server, "resources/read", uri).await;
        assert_eq!(read["error"]["message"], "Unknown resource.");
    }
    // The same user on both toolsets.
    assert!(
        text_of(&call("handle_message", json!({ "message": "#bye" })).await)
            .contains("left the queue")
    );
    let own = json!({ "message": "#bye", "puch_user_id": "ann" });
    assert_eq!(server.short_form("handle_message", own).await.0, StatusCode::OK);
}

fn text_of(result: &Value) -> String {
    string(&result["content"][0]["text"])
}

#[tokio::test]
async fn access_of_a_user_can_not_be_named_by_a_connector() {
    let mut server = server(&[]).await;
    assert!(server.say("ann", "#meet").await.contains("Looking for"));
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.call("say", json!({ "user_id": "ann", "message": "#nick Impostor" })).await;
    OWNER.clone_into(&mut server.token);
    let status = server.short_form("handle_message", json!({ "message": "#who" })).await.1;
    assert!(string(&status["result"]).contains("not currently in a chat"), "{status}");
}

#[tokio::test]
async fn access_to_a_session_is_for_its_principal() {
    let mut server = server(&[]).await;
    OWNER.clone_into(&mut server.token);
    let mut ann = LiveClient::connect(&server, LiveTransport::Session).await;
    let session = ann.session().expect("a session").to_owned();
    TOKEN.clone_into(&mut server.token);
    let body = json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/list" }).to_string();
    let accept = "application/json, text/event-stream";
    let post = |id: &str| {
        let request = server.post("/mcp/session").header("mcp-session-id", id.to_owned());
        request.header("accept", accept).body(body.clone()).send()
    };
    let (foreign, unknown) = (post(&session).await, post("no-such-session").await);
    let (foreign, unknown) = (foreign.expect("answered"), unknown.expect("answered"));
    assert_eq!(foreign.status(), unknown.status());
    assert_eq!(foreign.text().await.expect("text"), unknown.text().await.expect("text"));
    for method in [Method::GET, Method::DELETE] {
        let is_read = method == Method::GET;
        let request = http_client()
            .request(method, format!("{}/mcp/session", server.url))
            .bearer_auth(TOKEN)
            .header("mcp-session-id", &session)
            .header("accept", "text/event-stream");
        // As for a session that does not exist, whose deletion has nothing to do.
        let status = request.send().await.expect("answered").status();
        assert_ne!(status.is_success(), is_read);
    }
    assert!(names(&ann.request("tools/list", json!({})).await).contains("handle_message"));
}

#[tokio::test]
async fn access_over_stdio_names_users_as_a_connector_does() {
    let variables = [("TOOLSETS", "penpal"), ("PLAYGROUND", "off")];
    let mut client = StdioClient::connect(&variables).await;
    let call = json!({ "name": "enter_queue", "arguments": { "user_id": "carl" } });
    let answer = client.request("tools/call", call).await;
    assert_eq!(answer["result"]["structuredContent"]["user_id"], "carl", "{answer}");
}

#[tokio::test]
async fn access_of_the_latest_protocol_is_that_of_others() {
    let server = owned_server(&[("READ_ONLY", "on")]).await;
    let client = server.client(ProtocolVersion::V_2026_07_28).await;
    let tools = client.0.list_all_tools().await.expect("a list");
    let tools: BTreeSet<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(tools, BTreeSet::from(READING));
}
