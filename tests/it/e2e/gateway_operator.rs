//! The credits of the gateway as operators see them: the commands of `gateway` beside a running server.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use random_connect::kernel::clock::Clock as _;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::key_commands::{ADMIN, INBOX_KEY, SALT, admin, run_with};
use crate::support::server::TestServer;
use crate::support::temp_database::TempDatabase;
use crate::support::tokens::jwt;

const SECRET: &str = "a secret of at least thirty-two bytes";
const GATEWAY: (&str, &str) = ("TOOLSETS", "gateway");

/// A server with the gateway on a new SQLite database, and the URL of the database.
pub async fn server() -> (TestServer, String, TempDatabase) {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let variables = [
        GATEWAY,
        ("ADMIN_TOKEN", ADMIN),
        ("DATABASE_URL", &url),
        ("ID_SALT", SALT),
        ("INBOX_KEY", INBOX_KEY),
        ("JWT_SECRET", SECRET),
        ("GATEWAY_START_CREDITS", "0.5"),
    ];
    (TestServer::with(&variables, ConnectionLimits::default()).await, url, folder)
}

/// The credits of a user, as the server tells the user.
pub async fn balance(server: &mut TestServer, user: &str) -> Value {
    let expires_at = server.clock.now().as_millis() / 1_000 + 600;
    server.token = jwt(SECRET, &json!({ "sub": user, "exp": expires_at }));
    let params = json!({ "name": "balance", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let response = server.post("/mcp").body(body.to_string()).send().await.expect("a response");
    let answer: Value = response.json().await.expect("JSON");
    let text = answer["result"]["content"][0]["text"].as_str();
    let balance: Value = serde_json::from_str(text.unwrap_or_default()).expect("credits");
    balance["balance"].clone()
}

/// Runs `gateway credit` with these arguments; returns its exit status, its output and its errors.
async fn credit(url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let arguments = [&["gateway", "credit"], arguments].concat();
    let variables = [GATEWAY, ("GATEWAY_START_CREDITS", "0.5")];
    let output = run_with(url, &variables, &arguments).await;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn gateway_credit_is_seen_by_a_running_server() {
    let (mut server, url, _folder) = server().await;
    assert_eq!(balance(&mut server, "ann-the-user").await, json!(0.5));
    let (status, printed, note) = credit(&url, &["ann-the-user", "12.25"]).await;
    assert_eq!((status, printed.as_str()), (Some(0), "12.75\n"), "{note}");
    assert_eq!(balance(&mut server, "ann-the-user").await, json!(12.75));
    let once = ["ann-the-user", "-0.000001", "--reason", "rounding", "--key", "first"];
    for _ in 0..2 {
        assert_eq!(credit(&url, &once).await.1, "12.749999\n");
    }
    let (status, printed, error) = credit(&url, &["ann-the-user", "1", "--key", "first"]).await;
    assert_eq!((status, printed.as_str()), (Some(1), ""));
    assert!(error.contains("the key belongs to another change"), "{error}");
    let (status, _, error) = credit(&url, &["ann-the-user", "-12.75"]).await;
    assert_eq!(status, Some(1));
    assert!(error.contains("12.749999 credits that no request holds"), "{error}");
    let (status, _, error) = credit(&url, &["ann-the-user", "1000000000"]).await;
    assert!(status == Some(1) && error.contains("a billion"), "{error}");
    assert_eq!(balance(&mut server, "ann-the-user").await, json!(12.749_999));
    assert_eq!(balance(&mut server, "ben").await, json!(0.5));

    let (_, log) = admin(&server, Method::GET, "log", None).await;
    let log = log.to_string();
    assert!(log.contains("by 12.25 credits") && log.contains("command-line"), "{log}");
    assert!(!log.contains("ann-the-user") && !note.contains("ann-the-user"), "{log}{note}");
}

#[tokio::test]
async fn gateway_credit_reads_the_user_from_standard_input() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let read = async |lines: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_random-connect"));
        command.args(["gateway", "credit", "-", "2"]).env_clear().current_dir(std::env::temp_dir());
        let secrets = [("ID_SALT", SALT), ("INBOX_KEY", INBOX_KEY)];
        command.envs([GATEWAY, ("DATABASE_URL", &url)]).envs(secrets);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary starts");
        let mut input = child.stdin.take().expect("standard input");
        input.write_all(lines).expect("written");
        drop(input);
        let exited =
            tokio::task::spawn_blocking(move || child.wait_with_output().expect("it exits"));
        let output = exited.await.expect("no panic");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    assert_eq!(read(b"ann\r\n\n").await, (Some(0), "2\n".to_owned()));
    assert_eq!(read(b"ann\nben\n").await, (Some(2), String::new()), "only one user is changed");
    assert_eq!(credit(&url, &["ann", "1"]).await.1, "3\n");
    assert_eq!(credit(&url, &["ben", "1"]).await.1, "1.5\n");
}

#[tokio::test]
async fn gateway_credit_refuses_bad_input_and_changes_nothing() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let long = "x".repeat(301);
    for (arguments, expected) in [
        (&["ann"] as &[&str], "AMOUNT"),
        (&["ann", "1,5"], "up to six decimal places"),
        (&["ann", "1e3"], "up to six decimal places"),
        (&["ann", "0.0000001"], "up to six decimal places"),
        (&["ann", "1000000001"], "at most a billion"),
        (&["ann", "-0"], "zero changes nothing"),
        (&["ann", "1", "--reason", ""], "a reason has"),
        (&["ann", "1", "--reason", &long], "a reason has"),
        (&["ann", "1", "--key", ""], "a key has"),
        (&["", "1"], "the name of an owner"),
        (&[" ann", "1"], "the name of an owner"),
        (&["oidc:nothing", "1"], "the name of an owner"),
        (&["-", "1"], "the name of an owner"),
    ] {
        let (status, printed, error) = credit(&url, arguments).await;
        assert_eq!((status, printed.as_str()), (Some(2), ""), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    for (variables, expected) in [
        (vec![], "TOOLSETS does not have gateway"),
        (vec![GATEWAY, ("GATEWAY_START_CREDITS", "some")], "GATEWAY_START_CREDITS"),
        (vec![GATEWAY, ("CREDIT_SERVICE_URL", "http://credits")], "its service has the balances"),
    ] {
        let output = run_with(&url, &variables, &["gateway", "credit", "ann", "1"]).await;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(expected), "{error}");
    }
    assert!(!folder.file().exists(), "no database was created");
}

#[tokio::test]
async fn gateway_check_prints_the_catalog_without_keys() {
    let folder = TempDatabase::new();
    let file = folder.file().with_extension("toml");
    let text = "[providers.near]\nformat = \"chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\ncredentials = [\"NEAR_API_KEY\", \"OTHER_API_KEY\"]\n\
        [models.tiny]\nprovider = \"near\"\nmax_input_tokens = 1000\nmax_output_tokens = 100\n[models.tiny.price]\ninput = \"0.5\"\noutput = \"1.25\"\n\
        [[models.tiny.price.tiers]]\nabove = 500\ninput = \"1\"\noutput = \"2.5\"\n\
        [aliases]\nsmall = \"tiny\"\n[roles.trial]\nmodels = [\"tiny\"]\n";
    fs::write(&file, text).expect("a file");
    let path = file.to_str().expect("a path");
    let variables = [
        ("GATEWAY_CONFIG", path),
        ("NEAR_API_KEY", "sk-never-shown"),
        ("CLAUDE_API_KEY", " "),
        ("CREDIT_SERVICE_URL", "http://credits:8080/v2/"),
        ("CREDIT_SERVICE_TOKEN", "a-token-never-shown"),
        ("AUTH_SERVICE_URL", "https://auth.example"),
    ];
    // TOOLSETS is not set: the gateway is not enabled.
    let output = run_with("", &variables, &["gateway", "check"]).await;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<String> =
        report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "near chat http://127.0.0.1:9/v1 NEAR_API_KEY: set OTHER_API_KEY: not set",
        "openai chat https://api.openai.com/v1 OPENAI_API_KEY: not set",
        "tiny near 0.5 0.5 0.5 0.5 1.25",
        "above 500 input tokens 1 1 1 1 2.5",
        "small tiny",
        "Tokens are confirmed by https://auth.example AUTH_SERVICE_TOKEN: not set",
        "Balances are at http://credits:8080/v2 CREDIT_SERVICE_TOKEN: set",
        "trial 20 20000 1024 4 8 tiny",
        "superadmin 1000 1000000 32768 64 8 all",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {report}");
    }
    assert!(report.contains("not offered: no key") && report.contains("not set: OTHER_API_KEY"));
    assert!(!report.contains("never-shown"), "{report}");
    let open = [("CREDIT_SERVICE_URL", "http://credits.example")];
    let output = run_with("", &open, &["gateway", "check"]).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("https://"), "{error}");

    fs::write(&file, "[aliases]\nsmall = \"nothing\"\n").expect("a file");
    let output = run_with("", &variables, &["gateway", "check"]).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && output.stdout.is_empty(), "{error}");
    let problem = "a file without errors: line 2, aliases.small: nothing is no model";
    assert!(error.contains(&format!("GATEWAY_CONFIG={path:?}: expected {problem}")), "{error}");
}

#[tokio::test]
async fn gateway_port_that_is_the_port_of_the_server_is_a_problem_of_the_settings() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let (gateway, main) = (|port| ("GATEWAY_PORT", port), |port| ("PORT", port));
    for (variables, status) in [
        (&[gateway("8086")] as &[_], Some(2)),
        (&[gateway("3003"), main("3003")], Some(2)),
        (&[gateway("8086"), main("3003")], Some(0)),
        (&[gateway("0"), main("0")], Some(0)),
    ] {
        for (toolsets, command) in
            [("connect", &["gateway", "check"] as &[_]), ("gateway", &["check"])]
        {
            let variables = [variables, &[("TOOLSETS", toolsets)]].concat();
            let output = run_with(&url, &variables, command).await;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_named = error.contains(": expected a port other than PORT");
            assert_eq!((output.status.code(), is_named), (status, status == Some(2)), "{error}");
        }
    }
}
