//! The moderation routes of the operator under `/admin`: reports, look-ups and bans.
//!
//! Broadcasts, draining and the operator's tools are in `admin_operations.rs`.

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{RequestBuilder, StatusCode};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::server::{TestServer, fetch_json, http_client};

/// The operator's token.
const ADMIN: &str = "a-token-for-the-operator";

async fn admin_server() -> TestServer {
    TestServer::with(&[("ADMIN_TOKEN", ADMIN)], ConnectionLimits::default()).await
}

fn get(server: &TestServer, path: &str) -> RequestBuilder {
    http_client().get(format!("{}/admin/{path}", server.url)).bearer_auth(ADMIN)
}

async fn post(server: &TestServer, path: &str, body: Value) -> StatusCode {
    let request = http_client().post(format!("{}/admin/{path}", server.url)).bearer_auth(ADMIN);
    fetch_json(request.json(&body)).await.0
}

/// Gets the JSON of an admin route.
async fn list(server: &TestServer, path: &str) -> Value {
    let (status, list) = fetch_json(get(server, path)).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    list
}

/// Has each reporter chat with Ben and report him.
async fn report(server: &TestServer, reporters: &[&str]) {
    for reporter in reporters {
        server.clock.advance(std::time::Duration::from_secs(3 * 3_600));
        server.say("ben", "#meet").await;
        assert!(server.say(reporter, "#meet").await.contains("Connected!"));
        server.say("ben", "send me money").await;
        server.say(reporter, "#report wants my savings").await;
    }
}

#[tokio::test]
async fn admin_routes_need_the_admin_token() {
    let paths = ["reports", "log", "people/00000000", "nothing"];
    let (closed, open) = (TestServer::start().await, admin_server().await);
    for path in paths {
        let status =
            |request: RequestBuilder| async { request.send().await.expect("a response").status() };
        // Without `ADMIN_TOKEN` the routes do not exist, not even for an authorized caller.
        assert_eq!(status(closed.get(&format!("/admin/{path}"))).await, StatusCode::NOT_FOUND);
        assert_eq!(status(get(&closed, path)).await, StatusCode::UNAUTHORIZED);
        assert_ne!(status(open.get(&format!("/admin/{path}"))).await, StatusCode::OK);
    }
    assert!(
        open.get("/admin/reports").send().await.expect("a response").status().is_client_error()
    );
    let caller = http_client().get(format!("{}/mcp", open.url)).bearer_auth(ADMIN);
    let status = caller.send().await.expect("a response").status();
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the operator's token makes no calls");
    let tools = open.client(ProtocolVersion::V_2025_06_18).await;
    let tools = tools.0.list_all_tools().await.expect("the tools");
    assert!(tools.iter().all(|tool| !tool.name.contains("ban") && !tool.name.contains("report")));
}

#[tokio::test]
async fn admin_report_shows_evidence_until_resolved() {
    let server = admin_server().await;
    report(&server, &["ann"]).await;
    let reports = list(&server, "reports").await;
    assert_eq!(reports[0]["topic"], "other");
    let evidence = json!({ "words": "wants my savings", "said": ["send me money"] });
    assert_eq!(reports[0]["evidence"], evidence);
    assert!(server.say("ben", "#meet").await.contains("You were reported"));
    let path = format!("reports/{}", reports[0]["id"].as_str().expect("a report id"));
    assert_eq!(post(&server, &path, json!({ "verdict": "dismissed" })).await, StatusCode::OK);
    assert_eq!(list(&server, "reports").await, json!([]));
    assert!(
        server.say("ben", "#meet").await.contains("Looking for"),
        "a dismissed report no longer counts"
    );
    let unknown = post(&server, "reports/0123", json!({ "verdict": "upheld" })).await;
    assert_eq!(unknown, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn admin_ban_ends_the_chat_until_lifted() {
    let server = admin_server().await;
    report(&server, &["ann"]).await;
    let reports = list(&server, "reports").await;
    let ben = reports[0]["person"].as_str().expect("a user code").to_owned();
    server.clock.advance(std::time::Duration::from_secs(3 * 3_600));
    server.say("ben", "#meet").await;
    assert!(server.say("cid", "#meet").await.contains("Connected!"));
    assert_eq!(post(&server, &format!("people/{ben}/ban"), Value::Null).await, StatusCode::OK);
    assert!(server.say("cid", "#m").await.contains("left the chat"));
    for message in ["hello", "#meet"] {
        assert!(server.say("ben", message).await.contains("until a moderator has reviewed"));
    }
    let profile = list(&server, &format!("people/{ben}")).await;
    assert_eq!((&profile["banned"], &profile["reports"]), (&json!(true), &json!(1)));
    assert_eq!(post(&server, &format!("people/{ben}/unban"), Value::Null).await, StatusCode::OK);
    assert!(server.say("ben", "#meet").await.contains("Looking for"));
    let unknown = post(&server, "people/00000000/ban", Value::Null).await;
    assert_eq!(unknown, StatusCode::NOT_FOUND);
    let log = list(&server, "log").await.to_string();
    for action in ["listed reports", &format!("banned {ben}"), &format!("unbanned {ben}")] {
        assert!(log.contains(action), "{log}");
    }
}

#[tokio::test]
async fn penalty_seventh_reporter_bans_until_admin_lifts() {
    let server = admin_server().await;
    report(&server, &["r1", "r2", "r3", "r4"]).await;
    server.clock.advance(std::time::Duration::from_secs(12 * 3_600));
    report(&server, &["r5"]).await;
    server.clock.advance(std::time::Duration::from_secs(12 * 3_600));
    report(&server, &["r6"]).await;
    server.clock.advance(std::time::Duration::from_secs(72 * 3_600));
    report(&server, &["r7"]).await;
    assert!(server.say("ben", "#meet").await.contains("until a moderator has reviewed"));
    let reports = list(&server, "reports").await;
    assert_eq!(reports.as_array().map(Vec::len), Some(7));
    let ben = reports[0]["person"].as_str().expect("a user code");
    assert_eq!(post(&server, &format!("people/{ben}/unban"), Value::Null).await, StatusCode::OK);
    assert!(server.say("ben", "#meet").await.contains("Looking for"));
}
