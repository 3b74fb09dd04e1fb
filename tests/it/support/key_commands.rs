//! The commands of `key` beside servers on the same database.

use std::process::{Command, Output, Stdio};

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::server::{TestServer, fetch_json, http_client};
use super::temp_database::TempDatabase;

pub const ADMIN: &str = "a-token-for-the-operator";

/// The secrets of servers and commands.
pub const SALT: &str = "a salt of some length";
pub const INBOX_KEY: &str = "abababababababababababababababababababababababababababababababab";

/// The arguments of `key create` without globs.
pub const CREATE: [&str; 10] = [
    "key",
    "create",
    "--name",
    "a laptop",
    "--owner",
    "zoe-the-owner",
    "--level",
    "read_write",
    "--days",
    "30",
];

/// Runs a command to its end, with this database.
pub async fn run(url: &str, arguments: &[&str]) -> Output {
    run_with(url, &[], arguments).await
}

/// Runs a command to its end, with this database and these further variables.
pub async fn run_with(url: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_random-connect"));
    command.args(arguments).env_clear().current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command.envs([("DATABASE_URL", url), ("ID_SALT", SALT), ("INBOX_KEY", INBOX_KEY)]);
    command.envs(variables.iter().copied());
    let exited = tokio::task::spawn_blocking(move || command.output().expect("the binary runs"));
    exited.await.expect("no panic")
}

/// Runs a command that succeeds; returns its standard output.
pub async fn succeed(url: &str, arguments: &[&str]) -> String {
    let output = run(url, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that fails; returns its exit status and its error.
pub async fn fail(url: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(url, arguments).await;
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Creates a key with these further arguments.
pub async fn create(url: &str, further: &[&str]) -> String {
    let printed = succeed(url, &[&CREATE, further].concat()).await;
    printed.strip_suffix('\n').expect("a line").to_owned()
}

pub fn id_of(key: &str) -> &str {
    &key[3..15]
}

pub async fn start(url: &str, variables: &[(&str, &str)]) -> TestServer {
    let mut all = vec![
        ("TOOLSETS", "connect,penpal"),
        ("ADMIN_TOKEN", ADMIN),
        ("DATABASE_URL", url),
        ("ID_SALT", SALT),
        ("INBOX_KEY", INBOX_KEY),
    ];
    all.extend(variables);
    TestServer::with(&all, ConnectionLimits::default()).await
}

/// A server on a new SQLite database, and the URL of the database.
pub async fn server() -> (TestServer, String, TempDatabase) {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    (start(&url, &[]).await, url, folder)
}

pub async fn rpc(server: &TestServer, method: &str, params: Value) -> (StatusCode, Value) {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let response = server.post("/mcp").body(body.to_string()).send().await.expect("a response");
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

pub async fn status(server: &TestServer) -> StatusCode {
    rpc(server, "tools/list", json!({})).await.0
}

pub async fn tool_names(server: &TestServer) -> Vec<String> {
    let (_, answer) = rpc(server, "tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().expect("tools").clone();
    let name = |tool: &Value| tool["name"].as_str().expect("a name").to_owned();
    let mut names: Vec<_> = tools.iter().map(name).collect();
    names.sort();
    names
}

pub async fn admin(
    server: &TestServer,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let request = http_client().request(method, format!("{}/admin/{path}", server.url));
    let request = request.bearer_auth(ADMIN);
    fetch_json(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}
