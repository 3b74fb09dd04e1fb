//! [`StdioClient`]: `random-connect stdio` as a child process, with its lines.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::server::TEST_TIMEOUT;

/// A client in the session of a child process. It answers the server's pings.
pub struct StdioClient {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    pub stderr: Lines<BufReader<ChildStderr>>,
    next_id: u64,
}

impl StdioClient {
    /// Starts the process with these variables.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_random-connect"));
        command.arg("stdio").env_clear().envs(variables.iter().copied());
        command.current_dir(std::env::temp_dir()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("piped")).lines();
        Self { child, stdin, stdout, stderr, next_id: 0 }
    }

    /// Starts the process and initializes the session.
    pub async fn connect(variables: &[(&str, &str)]) -> Self {
        let mut client = Self::start(variables);
        let hello = json!({
            "protocolVersion": "2025-03-26",
            "capabilities": {},
            "clientInfo": { "name": "agent", "version": "1" },
        });
        client.request("initialize", hello).await;
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        client
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    pub async fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("an open input");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("written");
    }

    /// Sends a request, and returns its id.
    pub async fn start_request(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request).await;
        id
    }

    /// Sends a request and waits for its response.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start_request(method, params).await;
        loop {
            let message = self.next().await;
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// Calls a tool; returns its structured content.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        let response = self.request("tools/call", params).await;
        let content = &response["result"]["structuredContent"];
        assert!(content.is_object(), "{tool}: {response}");
        content.clone()
    }

    /// Starts a call and cancels it, which gets no response.
    pub async fn call_and_cancel(&mut self, tool: &str, arguments: Value) {
        let params = json!({ "name": tool, "arguments": arguments });
        let id = self.start_request("tools/call", params).await;
        self.cancel(id).await;
    }

    pub async fn cancel(&mut self, id: u64) {
        let (method, params) = ("notifications/cancelled", json!({ "requestId": id }));
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Reads the next message that is no ping.
    pub async fn next(&mut self) -> Value {
        loop {
            let line = timeout(TEST_TIMEOUT, self.stdout.next_line()).await.expect("in time");
            let line = line.expect("readable").expect("an open output");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            if message["method"] != "ping" {
                return message;
            }
            self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} })).await;
        }
    }
}
