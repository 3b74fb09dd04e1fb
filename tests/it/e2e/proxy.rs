//! Proxies of the environment: plain requests never go through one, HTTPS requests only with CONNECT.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::graph_api::StandIn;
use crate::support::server::{TEST_TIMEOUT, http_client};

/// Starts the binary with a bridge at `callback` and these variables, and pairs Ann and Ben, so
/// that an event is posted.
async fn post_event(callback: &str, variables: &[(&str, &str)]) -> Child {
    let mut server = Command::new(env!("CARGO_BIN_EXE_random-connect"))
        .env_clear()
        .envs([("PORT", "0"), ("HOST", "127.0.0.1"), ("AUTH_TOKEN", "t")])
        .envs([("CALLBACK_URL", callback), ("CALLBACK_SECRET", "s")])
        .envs(variables.iter().copied())
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(server.stdout.take().expect("standard output")).lines();
    let line = lines.next_line().await.expect("a line").expect("the server listens");
    let (_, url) = line.split_once("listens on ").expect("the address");
    for user in ["ann", "ben"] {
        let params = json!({ "message": "#meet", "puch_user_id": user });
        let body = json!({ "method": "handle_message", "params": params });
        let response = http_client().post(url).bearer_auth("t").json(&body).send().await;
        assert_eq!(response.expect("a response").status(), 200);
    }
    server
}

#[tokio::test]
async fn proxy_never_receives_a_plain_request() {
    let (mut bridge, proxy) = (StandIn::start().await, StandIn::start().await);
    let names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let variables = names.map(|name| (name, proxy.url.as_str()));
    let _server = post_event(&format!("{}/events", bridge.url), &variables).await;
    assert_eq!(bridge.next().await.path, "/events");
}

#[tokio::test]
async fn proxy_receives_https_requests_with_connect() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = proxy.local_addr().expect("an address").to_string();
    let variables = [("HTTPS_PROXY", address.as_str())];
    let _server = post_event("https://bridge.example/events?key=1", &variables).await;
    let (mut stream, _) =
        timeout(TEST_TIMEOUT, proxy.accept()).await.expect("in time").expect("a connection");
    let mut head = [0; 8_192];
    let length = stream.read(&mut head).await.expect("a request");
    let head = String::from_utf8_lossy(&head[..length]);
    assert!(head.starts_with("CONNECT bridge.example:443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("key=1") && !head.contains("/events"), "{head}");
}
