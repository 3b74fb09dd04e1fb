//! API keys as their users see them: the access that a key gives, and its end on a running server.

use std::process::Stdio;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::support::backends::memory_only;
use crate::support::key_commands::{
    ADMIN, CREATE, INBOX_KEY, SALT, admin, create, fail, id_of, rpc, server, start, status,
    succeed, tool_names,
};
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient};
use crate::support::postgres_server::TestPostgres;
use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer, fetch_json, http_client};
use crate::support::server_process::command;
use crate::support::temp_database::TempDatabase;

#[tokio::test]
async fn api_key_of_the_command_line_is_valid_at_once_and_acts_as_its_owner() {
    let (mut server, url, _folder) = server().await;
    assert_eq!(succeed(&url, &["key", "list"]).await.lines().count(), 1, "no key at first");
    server.token = create(&url, &[]).await;
    let call = |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let server = &server;
        async move { rpc(server, "tools/call", params).await.1["result"].clone() }
    };
    let found = call("enter_queue", json!({})).await;
    assert_eq!(found["structuredContent"]["user_id"], "zoe-the-owner");
    let refused = call("enter_queue", json!({ "user_id": "ben" })).await;
    assert_eq!(refused["isError"], true);
    let text = refused["content"][0]["text"].as_str().unwrap_or_default();
    assert!(text.contains("names another user"), "{text}");
    let left = call("handle_message", json!({ "message": "#bye" })).await;
    assert!(left["content"][0]["text"].as_str().unwrap_or_default().contains("left the queue"));
    let foreign = json!({ "message": "#who", "puch_user_id": "ben" });
    assert_eq!(server.short_form("handle_message", foreign).await.0, StatusCode::BAD_REQUEST);
    for path in ["/admin/keys", "/metrics"] {
        let response = server.get(path).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let listed = succeed(&url, &["key", "list"]).await;
    let row: Vec<_> = listed.lines().nth(1).expect("a key").split('\t').collect();
    assert_eq!(row[..3], [id_of(&server.token), "active", "read_write"]);
    assert_eq!(row[5..7], ["zoe-the-owner", "a laptop"]);
    assert!(!listed.contains(&server.token[16..]), "the secret is shown once");
}

#[tokio::test]
async fn api_key_levels_and_globs_narrow_tools() {
    let (mut server, url, _folder) = server().await;
    let reading = ["about", "get_history", "get_stats", "help", "validate"];
    for (arguments, expected) in [
        (vec!["--level", "read_only"], reading.to_vec()),
        (vec!["--level", "read_only", "--deny", "get_*"], vec!["about", "help", "validate"]),
        (vec!["--allow", "get_*", "--allow", "say", "--deny", "get_h*"], vec!["get_stats", "say"]),
        (vec!["--level", "read_only", "--allow", "say"], vec![]),
    ] {
        let mut all = CREATE.to_vec();
        if arguments[0] == "--level" {
            all.drain(6..8);
        }
        server.token = succeed(&url, &[&all[..], &arguments].concat()).await.trim().to_owned();
        assert_eq!(tool_names(&server).await, expected, "{arguments:?}");
        for tool in ["get_stats", "get_history", "say"] {
            let call = json!({ "name": tool, "arguments": { "message": "hi" } });
            let (_, answer) = rpc(&server, "tools/call", call).await;
            let is_known = answer["error"]["message"] != "Unknown tool.";
            assert_eq!(is_known, expected.contains(&tool), "{arguments:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn api_key_globs_know_both_names_of_the_inbox_of_an_owner() {
    let (mut server, url, _folder) = server().await;
    let own = ["penpal://inbox/me", "penpal://inbox/zoe-the-owner"];
    for (option, glob, is_readable) in [
        ("--allow", own[0], true),
        ("--allow", own[1], true),
        ("--allow", "penpal://inbox/ben", false),
        ("--deny", own[0], false),
        ("--deny", own[1], false),
        ("--deny", "penpal://inbox/ben", true),
    ] {
        server.token = create(&url, &[option, glob]).await;
        for uri in own {
            let (_, answer) = rpc(&server, "resources/read", json!({ "uri": uri })).await;
            assert_eq!(answer.get("result").is_some(), is_readable, "{option} {glob}: {answer}");
        }
        let (_, answer) = rpc(&server, "resources/templates/list", json!({})).await;
        let templates = answer["result"]["resourceTemplates"].as_array().expect("a list");
        assert_eq!(!templates.is_empty(), is_readable, "{option} {glob}: {answer}");
    }
}

#[tokio::test]
async fn api_key_revocation_ends_sessions_and_refuses_calls() {
    let (mut server, url, _folder) = server().await;
    for transport in LIVE_TRANSPORTS {
        server.token = create(&url, &[]).await;
        let mut client = LiveClient::connect(&server, transport).await;
        client.enter(json!({})).await;
        assert_eq!(status(&server).await, StatusCode::OK);
        let id = id_of(&server.token).to_owned();
        succeed(&url, &["key", "revoke", &id]).await;
        client.ended().await;
        let response = server.post("/mcp").body("{}").send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()["www-authenticate"].to_str().expect("text");
        assert!(challenge.contains("invalid_token"), "{challenge}");
        succeed(&url, &["key", "revoke", &id]).await;
        let listed = succeed(&url, &["key", "list"]).await;
        assert!(listed.contains(&format!("{id}\trevoked")), "{listed}");
    }
}

/// Waits until a call of `wait_for_message` was answered.
async fn until_waited(server: &TestServer) {
    let name = "random_connect_tool_calls_total{tool=\"wait_for_message\",toolset=\"penpal\",outcome=\"ok\"}";
    let counted = async {
        let mut reader = http_client().get(format!("{}/metrics", server.url)).bearer_auth(TOKEN);
        while !text_of(&mut reader).await.contains(&format!("{name} 1")) {
            tokio::task::yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, counted).await.expect("a call in time");
}

async fn text_of(request: &mut RequestBuilder) -> String {
    let request = request.try_clone().expect("no stream");
    request.send().await.expect("a response").text().await.expect("text")
}

#[tokio::test]
async fn api_key_revocation_ends_a_call_that_waits_and_loses_no_event() {
    let (mut server, url, _folder) = server().await;
    let (revoked, other) = (create(&url, &[]).await, create(&url, &[]).await);
    server.say("ben", "#meet").await;
    server.token.clone_from(&revoked);
    let entered =
        rpc(&server, "tools/call", json!({ "name": "enter_queue", "arguments": {} })).await;
    assert!(entered.1["result"]["structuredContent"]["room_id"].is_string(), "{}", entered.1);
    TOKEN.clone_into(&mut server.token);
    server.say("ben", "an important message").await;
    server.token = revoked;
    // The first call takes the message, the second waits for longer than the test does.
    let call = |seconds: u32| {
        let arguments = json!({ "timeout_seconds": seconds });
        let params = json!({ "name": "wait_for_message", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": seconds, "method": "tools/call", "params": params })
    };
    let waiting = tokio::spawn(server.post("/mcp").json(&json!([call(0), call(60)])).send());
    until_waited(&server).await;
    let path = format!("keys/{}/revoke", id_of(&server.token));
    assert_eq!(admin(&server, Method::POST, &path, Some(json!({}))).await.0, StatusCode::OK);
    let cut = timeout(TEST_TIMEOUT, waiting).await.expect("an answer in time");
    let cut = cut.expect("no panic").expect("a response");
    assert_eq!(cut.status(), StatusCode::UNAUTHORIZED);
    let challenge = cut.headers()["www-authenticate"].to_str().expect("text").to_owned();
    let is_named = ["invalid_token", "revoked"].map(|word| challenge.contains(word));
    assert_eq!(is_named, [true; 2], "{challenge}");
    server.token = other;
    let again = json!({ "name": "wait_for_message", "arguments": { "timeout_seconds": 20 } });
    let (_, answer) = rpc(&server, "tools/call", again).await;
    assert!(answer.to_string().contains("an important message"), "{answer}");
}

#[tokio::test]
async fn api_key_rotation_leaves_the_old_key_for_a_day() {
    let (mut server, url, _folder) = server().await;
    let old = create(&url, &[]).await;
    let new = succeed(&url, &["key", "rotate", id_of(&old)]).await.trim().to_owned();
    for key in [&old, &new] {
        server.token.clone_from(key);
        assert_eq!(status(&server).await, StatusCode::OK);
    }
    let again = fail(&url, &["key", "rotate", id_of(&old)]).await;
    assert!(again.0 == Some(1) && again.1.contains(id_of(&new)), "{again:?}");
    server.clock.advance(std::time::Duration::from_secs(24 * 60 * 60 + 60));
    assert_eq!(status(&server).await, StatusCode::OK);
    server.token = old;
    assert_eq!(status(&server).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn api_key_that_is_malformed_is_refused() {
    let (mut server, url, _folder) = server().await;
    let key = create(&url, &[]).await;
    for token in [
        "rc_".to_owned(),
        key[..58].to_owned(),
        format!("{key}a"),
        key.to_uppercase(),
        format!("rc_{}", "_".repeat(56)),
        format!("{}{}", &key[..16], "A".repeat(43)),
        "rc_'; DROP TABLE api_keys; --".to_owned(),
    ] {
        server.token = token;
        assert_eq!(status(&server).await, StatusCode::UNAUTHORIZED);
    }
    server.token = key;
    assert_eq!(status(&server).await, StatusCode::OK);
}

#[tokio::test]
async fn api_key_revocation_on_one_instance_is_seen_by_the_other() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let (first, mut second) = (start(&postgres.url, &[]).await, start(&postgres.url, &[]).await);
    let key = create(&postgres.url, &[]).await;
    second.token.clone_from(&key);
    let mut client = LiveClient::connect(&second, LIVE_TRANSPORTS[0]).await;
    assert_eq!(status(&second).await, StatusCode::OK);
    let path = format!("keys/{}/revoke", id_of(&key));
    assert_eq!(admin(&first, Method::POST, &path, None).await.0, StatusCode::OK);
    client.ended().await;
    assert_eq!(status(&second).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn api_key_and_its_owner_are_in_no_log() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let key = create(&url, &[]).await;
    let variables = [
        ("DATABASE_URL", url.as_str()),
        ("ID_SALT", SALT),
        ("INBOX_KEY", INBOX_KEY),
        ("TOOLSETS", "connect,penpal"),
        ("LOG_LEVEL", "trace"),
        ("RUST_LOG", "trace"),
        ("ADMIN_TOKEN", ADMIN),
    ];
    let mut process = command(0, &variables).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stderr = process.stderr.take().expect("standard error");
    let reading = tokio::spawn(async move {
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.expect("text");
        log
    });
    let mut stdout = tokio::io::BufReader::new(process.stdout.take().expect("standard output"));
    let mut line = String::new();
    let announced = tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut line);
    tokio::time::timeout(TEST_TIMEOUT, announced).await.expect("in time").expect("a line");
    let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
    let post = |token: &str, body: Value| {
        http_client().post(&address).bearer_auth(token).json(&body).send()
    };
    let call = json!({ "method": "handle_message", "params": { "message": "#meet" } });
    let wrong = format!("{}{}", &key[..16], "B".repeat(43));
    assert_eq!(post(&key, call.clone()).await.expect("a response").status(), StatusCode::OK);
    assert_eq!(
        post(&wrong, call.clone()).await.expect("a response").status(),
        StatusCode::UNAUTHORIZED
    );
    let body = json!({ "name": "b", "owner": "yan-the-owner", "level": "admin", "days": 1 });
    let create = http_client().post(address.replace("/mcp", "/admin/keys")).bearer_auth(ADMIN);
    let issued = fetch_json(create.json(&body)).await.1;
    succeed(&url, &["key", "revoke", id_of(&key)]).await;
    let refused = async {
        while post(&key, call.clone()).await.expect("a response").status() == StatusCode::OK {}
    };
    tokio::time::timeout(TEST_TIMEOUT, refused).await.expect("in time");
    process.kill().await.expect("it runs");
    let log = reading.await.expect("no panic");
    assert!(log.contains("listening"), "{log}");
    let other = issued["key"].as_str().expect("a key");
    let ids = random_connect::kernel::id::IdHasher::from_salt(SALT.as_bytes());
    let hash: String =
        ids.credential_hash(key.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    for secret in [&key[16..], &other[16..], &wrong[16..], "zoe-the", "yan-the", &hash] {
        assert!(!log.contains(secret), "{secret} leaked");
    }
}
