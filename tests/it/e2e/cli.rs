//! The binary: its commands, exit statuses and messages, and MCP over standard input.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, ClientConfig};
use rmcp::transport::TokioChildProcess;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

use crate::support::server::{TEST_TIMEOUT, fetch_json, http_client, text};

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");

/// Runs the binary with this input and no other environment variables.
fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The binary may have exited without reading; the test checks its status.
    drop(child.stdin.take().expect("standard input").write_all(input.as_bytes()));
    child.wait_with_output().expect("the binary exits")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Starts the binary without settings but these; returns it and the lines that it prints.
fn serve(variables: &[(&str, &str)]) -> (tokio::process::Child, Lines<BufReader<ChildStdout>>) {
    let mut server = tokio::process::Command::new(BINARY)
        .env_clear()
        .env("PORT", "0")
        .envs(variables.iter().copied())
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let lines = BufReader::new(server.stdout.take().expect("standard output")).lines();
    (server, lines)
}

/// Returns the first line that starts with `start`, without leading spaces.
async fn line_with(lines: &mut Lines<BufReader<ChildStdout>>, start: &str) -> String {
    let line = tokio::time::timeout(TEST_TIMEOUT, async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if line.trim().starts_with(start) {
                return line.trim().to_owned();
            }
        }
        panic!("no line starts with {start}");
    });
    line.await.expect("in time")
}

/// Returns the text between `before` and `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect("the start");
    rest.split_once(after).expect("the end").0
}

#[tokio::test]
async fn cli_serve_without_config_is_local_and_prints_a_working_curl_line() {
    let (_server, mut lines) = serve(&[]);
    let curl = line_with(&mut lines, "curl ").await;
    assert!(curl.contains("http://127.0.0.1:"), "{curl}");
    // The test sends the request itself, so that it needs no curl.
    let request = http_client().post(between(&curl, "curl -s ", " "));
    let request = request
        .bearer_auth(between(&curl, "Bearer ", "'"))
        .header("Content-Type", between(&curl, "Content-Type: ", "'"))
        .body(between(&curl, "-d '", "'").to_owned());
    let (status, body) = fetch_json(request).await;
    assert_eq!(status, 200);
    assert!(body["result"].as_str().expect("a text").starts_with("🔍 Looking for someone"));
}

#[tokio::test]
async fn page_never_contains_the_token_of_the_run() {
    let (_server, mut lines) = serve(&[]);
    let open = line_with(&mut lines, "Open ").await;
    let (url, token) = between(&open, "Open ", " in ").split_once("#token=").expect("a fragment");
    assert_eq!(token.len(), 64);
    let files = ["", "dashboard", "assets/playground.js", "assets/dashboard.js", "assets/gate.js"];
    for path in files.into_iter().chain(["assets/mcp.js", "assets/theme.js"]) {
        let response = http_client().get(format!("{url}{path}")).send().await.expect("a response");
        assert_eq!(response.status(), 200, "{path}");
        assert!(!format!("{:?}", response.headers()).contains(token), "{path}");
        assert!(!response.text().await.expect("text").contains(token), "{path}");
    }
}

#[test]
fn cli_bad_config_lists_all_problems_and_exits_2() {
    for command in ["serve", "stdio"] {
        let output = run(
            &[command],
            &[("PORT", "http"), ("LOG_LEVEL", "loud"), ("AUTH_TOKEN", "two words")],
            "",
        );
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            stderr.contains("PORT=\"http\": expected a number")
                && stderr.contains("LOG_LEVEL=\"loud\": expected error,")
        );
        assert!(
            stderr.contains("AUTH_TOKEN=(not shown): expected one token")
                && !stderr.contains("two words"),
            "{stderr}"
        );
    }
}

#[test]
fn cli_env_file_is_read_and_never_quoted() {
    let folder = std::env::temp_dir().join(format!("random-connect-env-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let error = |settings: &str| {
        std::fs::write(folder.join(".env"), settings).expect("written");
        let output = Command::new(BINARY)
            .env_clear()
            .current_dir(&folder)
            .output()
            .expect("the binary exits");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(error("# a comment\nPORT=http\n").contains("PORT=\"http\": expected a number"));
    let broken = error("AUTH_TOKEN my-secret\n");
    assert!(broken.contains("expected NAME=value") && !broken.contains("my-secret"), "{broken}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn cli_closed_stderr_keeps_the_exit_status() {
    let child = Command::new(BINARY).env_clear().env("PORT", "http").stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the binary starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("the binary exits").code(), Some(2));
}

#[test]
fn cli_port_in_use_is_a_clear_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(&[], &[("PORT", &port)], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains(&format!("error: can't listen on 127.0.0.1:{port}: "))
    );
}

#[test]
fn cli_mask_filters_stdin() {
    let output = run(&["mask"], &[], "Call me at 9876543210\r\nor not\n");
    assert_eq!(stdout(&output), "Call me at [hidden]\r\nor not\n");
    let output = run(
        &["mask", "--jsonl"],
        &[],
        "{\"id\": 1, \"text\": \"9876543210\"}\n{\"id\": 2, \"messages\": [\"hi\"]}\n",
    );
    assert_eq!(
        stdout(&output),
        "{\"id\":1,\"masked\":\"[hidden]\"}\n{\"id\":2,\"masked\":[\"hi\"]}\n"
    );
    let output = run(&["mask", "--explain"], &[], "hi\nme@example.com or 9876543210\n");
    let findings = "2\t0-14\temail\t\"me@example.com\"\n2\t18-28\tnational\t\"9876543210\"\n";
    assert_eq!(stdout(&output), findings);
    let output = run(&["mask", "--jsonl"], &[], "{\"id\": 1}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: line 1, column"));
}

#[test]
fn cli_mask_flushes_lines_and_survives_a_closed_pipe() {
    let mut child = Command::new(BINARY)
        .arg("mask")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = child.stdin.take().expect("standard input");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(
        child.stdout.take().expect("standard output"),
    ));
    for _ in 0..2 {
        input.write_all(b"9876543210\n").expect("written");
        assert_eq!(
            lines.next().expect("a line").expect("text"),
            "[hidden]",
            "each line is answered before the input ends"
        );
    }
    drop(lines);
    while input.write_all(b"9876543210\n").is_ok() {}
    assert_eq!(child.wait().expect("the binary exits").code(), Some(0));
}

#[test]
fn cli_token_is_strong_and_unique() {
    let tokens = [(); 2].map(|()| stdout(&run(&["token"], &[], "")).trim().to_owned());
    assert!(
        tokens
            .iter()
            .all(|token| token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()))
    );
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn cli_help_and_version_for_every_command() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["stdio", "--help"],
        &["mask", "--help"],
        &["chat", "--help"],
        &["token", "--help"],
        &["check", "--help"],
        &["code", "--help"],
        &["demo", "--help"],
        &["demo", "gateway", "--help"],
    ] {
        let output = run(command, &[], "");
        assert!(
            output.status.success() && stdout(&output).contains("Usage: random-connect"),
            "{command:?}"
        );
    }
    assert_eq!(
        stdout(&run(&["--version"], &[], "")).trim(),
        format!("random-connect {}", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run(&["nonsense"], &[], "").status.code(), Some(2));
}

#[tokio::test]
async fn stdio_serves_the_same_tools() {
    let mut command = tokio::process::Command::new(BINARY);
    command.arg("stdio").env_clear().current_dir(std::env::temp_dir());
    let client = ClientConfig::default()
        .serve(TokioChildProcess::new(command).expect("the binary starts"))
        .await
        .expect("a session");
    let mut replies = HashMap::new();
    for (user, message) in [("ann", "#meet"), ("ben", "#meet"), ("ben", "hello"), ("ann", "#m")] {
        let arguments = serde_json::json!({ "message": message, "puch_user_id": user });
        let request = CallToolRequestParams::new("handle_message")
            .with_arguments(arguments.as_object().cloned().expect("an object"));
        replies
            .insert((user, message), text(&client.call_tool(request).await.expect("a response")));
    }
    assert!(replies[&("ann", "#m")].ends_with(": hello"));
    client.cancel().await.expect("the binary exits");
}

#[test]
fn stdio_exits_at_end_of_input() {
    assert!(run(&["stdio"], &[], "").status.success());
    assert_eq!(
        run(&["stdio"], &[], "not the protocol\n").status.code(),
        Some(0),
        "an invalid line is skipped"
    );
}

#[test]
fn cli_jwt_is_signed_with_the_secret_of_the_settings() {
    let secret = ("JWT_SECRET", "a-secret-that-has-at-least-32-bytes");
    let printed = run(&["jwt", "--sub", "ann", "--minutes", "5"], &[secret], "");
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(stdout(&printed).trim().split('.').count(), 3, "{printed:?}");
    let refused = |arguments: &[&str], variables: &[(&str, &str)], problem: &str| {
        let output = run(&[&["jwt"], arguments].concat(), variables, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.stdout.is_empty() && output.status.code() == Some(2), "{output:?}");
        assert!(error.contains(problem) && !error.contains(secret.1), "{error}");
    };
    refused(&["--sub", "ann"], &[], "JWT_SECRET=(not set)");
    refused(&["--sub", "oidc:x"], &[secret], "the name of an owner");
    refused(&["--sub", "ann", "--role", "root"], &[secret], "invalid value");
    for minutes in ["0", "525601"] {
        refused(&["--sub", "ann", "--minutes", minutes], &[secret], "invalid value");
    }
}
