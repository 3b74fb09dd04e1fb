//! [`ServerProcess`]: the binary as a separate process, for tests that kill it or change its view
//! of the machine.

use std::process::Stdio;
use std::time::Duration;

use random_connect::transport::channels::outbound;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The `AUTH_TOKEN` of every [`ServerProcess`].
pub const TOKEN: &str = "a-token-for-processes";

/// Time limit for one call, and for the start of a process.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A server process. Dropping it kills the process.
pub struct ServerProcess {
    child: Child,
    pub port: u16,
    http: reqwest::Client,
}

impl ServerProcess {
    /// Starts a process on a port, 0 for a free one, with these environment variables.
    pub async fn start(port: u16, variables: &[(&str, &str)]) -> Self {
        let mut child = command(port, variables).spawn().expect("the binary starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output"));
        let announced = timeout(TIMEOUT, stdout.read_line(&mut line)).await;
        announced.expect("in time").expect("a line");
        let port = line.trim().trim_end_matches("/mcp").rsplit(':').next().expect("a port");
        let http = outbound::http_client(None).expect("a client");
        Self { child, port: port.parse().expect("a number"), http }
    }

    /// Starts a process that must refuse to run; returns its exit status and its errors.
    pub async fn refuse(variables: &[(&str, &str)]) -> (Option<i32>, String) {
        let mut command = command(0, variables);
        let output = timeout(TIMEOUT, command.stderr(Stdio::piped()).output()).await;
        let output = output.expect("it exits").expect("the binary starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Kills the process, as a crash would.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process runs");
    }

    /// Sends a user's message once. `None` unless it was answered.
    pub async fn try_say(&self, user: &str, message: &str, id: &str) -> Option<String> {
        let params = json!({ "message": message, "puch_user_id": user, "message_id": id });
        let body = json!({ "method": "handle_message", "params": params });
        self.post(&body).await?["result"].as_str().map(str::to_owned)
    }

    /// Calls a tool and returns its structured content, null for none.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let answer = self.post(&body).await.expect("an answer");
        answer["result"]["structuredContent"].clone()
    }

    async fn post(&self, body: &Value) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/mcp", self.port);
        let request = self.http.post(url).bearer_auth(TOKEN).timeout(TIMEOUT);
        let request = request.header("accept", "application/json, text/event-stream");
        let request = request.header("content-type", "application/json").body(body.to_string());
        request.send().await.ok()?.json().await.ok()
    }

    /// Sends a user's message, again and again until it is answered.
    pub async fn say(&self, user: &str, message: &str, id: &str) -> String {
        let answered = timeout(TIMEOUT, async {
            loop {
                if let Some(answer) = self.try_say(user, message, id).await {
                    return answer;
                }
            }
        });
        answered.await.expect("the server answers")
    }

    /// Returns the status code of `/ready`, and its text.
    pub async fn ready(&self) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        let response = self.http.get(url).timeout(TIMEOUT).send().await.expect("a response");
        (response.status().as_u16(), response.text().await.expect("a text"))
    }
}

/// Returns the command that starts the server on a port, 0 for a free one, with these variables.
pub fn command(port: u16, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_random-connect"));
    command
        .env_clear()
        .current_dir(std::env::temp_dir())
        .envs([("AUTH_TOKEN", TOKEN), ("HOST", "127.0.0.1"), ("LOG_LEVEL", "error")])
        .envs([("ID_SALT", "a salt of some length"), ("INBOX_KEY", &"ab".repeat(32))])
        .env("PORT", port.to_string())
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}
