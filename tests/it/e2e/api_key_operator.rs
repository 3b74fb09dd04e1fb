//! API keys as operators see them: the commands of `key`, and the routes and tools below `/admin`.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::key_commands::{
    ADMIN, CREATE, admin, create, fail, id_of, server, status, succeed, tool_names,
};
use crate::support::server::{TestServer, fetch_json, http_client};
use crate::support::temp_database::TempDatabase;

#[tokio::test]
async fn api_key_commands_refuse_invalid_arguments_and_change_nothing() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    for (name, value, expected) in [
        ("--days", "0", "a key lives for 1 to 365 days"),
        ("--days", "366", "a key lives for 1 to 365 days"),
        ("--level", "root", "read_only, read_write and admin"),
        ("--name", "", "the name of a key has 1 to 100"),
        ("--owner", "oidc:x|ann", "neither with oidc: nor"),
        ("--allow", "[a]", "a glob has 1 to 200"),
        ("--deny", "", "a glob has 1 to 200"),
    ] {
        let mut arguments = CREATE.to_vec();
        match arguments.iter().position(|argument| *argument == name) {
            Some(at) => arguments[at + 1] = value,
            None => arguments.extend([name, value]),
        }
        let (status, error) = fail(&url, &arguments).await;
        assert!(status == Some(2) && error.contains(expected), "{error}");
    }
    for missing in ["--days", "--level", "--owner", "--name"] {
        let mut arguments = CREATE.to_vec();
        let at = arguments.iter().position(|argument| *argument == missing).expect("it is there");
        arguments.drain(at..at + 2);
        let (status, error) = fail(&url, &arguments).await;
        assert!(status == Some(2) && error.contains(missing), "{error}");
    }
    for id in ["", "short", "rc_0123456789ab", "0123456789aB"] {
        let (status, error) = fail(&url, &["key", "revoke", id]).await;
        assert!(status == Some(2) && error.contains("12 lower-case letters"), "{error}");
    }
    assert!(!folder.file().exists(), "no database was created");
    for action in ["revoke", "rotate"] {
        let (status, error) = fail(&url, &["key", action, "0123456789ab"]).await;
        assert!(status == Some(1) && error.contains("no key with this id"), "{error}");
    }
    let (status, error) = fail("", &["key", "list"]).await;
    assert!(status == Some(2) && error.contains("set DATABASE_URL"), "{error}");
    let server = TestServer::with(&[("ADMIN_TOKEN", ADMIN)], ConnectionLimits::default()).await;
    let (status, answer) = admin(&server, Method::GET, "keys", None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(answer["error"].as_str().expect("a text").contains("DATABASE_URL"));
}

#[tokio::test]
async fn api_key_routes_of_the_operator_do_what_the_commands_do() {
    let (mut server, url, _folder) = server().await;
    let valid = json!({ "name": "a phone", "owner": "ann", "level": "read_only", "deny": ["help"], "days": 7 });
    for (field, value) in [
        ("name", json!("")),
        ("owner", json!(" ann")),
        ("level", json!("root")),
        ("days", json!(0)),
        ("days", json!(366)),
        ("deny", json!(["?"])),
        ("allow", json!("x")),
        ("role", json!("admin")),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        let (status, answer) = admin(&server, Method::POST, "keys", Some(body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}: {answer}");
    }
    let (status_code, issued) = admin(&server, Method::POST, "keys", Some(valid)).await;
    assert_eq!(status_code, StatusCode::OK, "{issued}");
    server.token = issued["key"].as_str().expect("a key").to_owned();
    assert_eq!(issued["id"], id_of(&server.token));
    assert_eq!(tool_names(&server).await, ["about", "get_history", "get_stats", "validate"]);
    let path = |action: &str| format!("keys/{}/{action}", issued["id"].as_str().expect("an id"));
    // The list is in the order of creation.
    server.clock.advance(Duration::from_millis(1));
    let (_, rotated) = admin(&server, Method::POST, &path("rotate"), None).await;
    let (conflict, _) = admin(&server, Method::POST, &path("rotate"), None).await;
    assert_eq!(conflict, StatusCode::CONFLICT);
    let (_, page) = admin(&server, Method::GET, "keys", None).await;
    assert_eq!(page["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!((&page["keys"][0]["state"], &page["next"]), (&json!("replaced"), &json!(null)));
    assert_eq!(page["keys"][0]["replaced_by"], rotated["id"]);
    assert_eq!(page["keys"][1]["deny"], json!(["help"]));
    let after = format!("keys?cursor={}", rotated["id"].as_str().expect("an id"));
    assert_eq!(admin(&server, Method::GET, &after, None).await.1["keys"], json!([]));
    let (_, done) = admin(&server, Method::POST, &path("revoke"), None).await;
    assert_eq!(done, json!({ "ok": true }));
    assert_eq!(status(&server).await, StatusCode::UNAUTHORIZED);
    server.token = rotated["key"].as_str().expect("a key").to_owned();
    assert_eq!(status(&server).await, StatusCode::OK);
    for unknown in ["keys/0123456789ab/revoke", "keys/x/rotate"] {
        let (status, _) = admin(&server, Method::POST, unknown, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    let (_, log) = admin(&server, Method::GET, "log", None).await;
    let actions: Vec<_> =
        log.as_array().expect("a list").iter().map(|line| &line["what"]).collect();
    assert_eq!(
        *actions[0],
        json!(format!("created key {}", id_of(issued["key"].as_str().expect("a key"))))
    );
    let listed = succeed(&url, &["key", "list"]).await;
    for output in [&page.to_string(), &log.to_string(), &listed] {
        for key in [&issued, &rotated] {
            assert!(!output.contains(&key["key"].as_str().expect("a key")[16..]));
        }
    }
    assert!(!log.to_string().contains("ann"), "the audit log names no owner");
}

#[tokio::test]
async fn api_key_tools_of_the_operator_list_and_revoke() {
    let (mut server, url, _folder) = server().await;
    server.token = create(&url, &[]).await;
    let call = async |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = http_client().post(format!("{}/admin/mcp", server.url)).bearer_auth(ADMIN);
        fetch_json(request.json(&body)).await.1["result"]["structuredContent"].clone()
    };
    let listed = call("list_keys", json!({})).await;
    assert_eq!(listed["keys"][0]["owner"], "zoe-the-owner");
    assert!(!listed.to_string().contains(&server.token[16..]));
    let revoked = call("revoke_key", json!({ "id": listed["keys"][0]["id"] })).await;
    assert_eq!(revoked, json!({ "ok": true }));
    assert_eq!(status(&server).await, StatusCode::UNAUTHORIZED);
}
