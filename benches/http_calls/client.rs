//! [`LoadClient`]: pairs of users that chat over keep-alive connections.

use std::net::SocketAddr;
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Latencies, record};
use crate::{BenchResult, SENT};

/// Ordinary messages, some with digits that the masker must examine.
const TEXTS: &[&str] = &[
    "Hello! How are you?",
    "I'm fine, thanks. Where are you from?",
    "Mumbai, and you? It has been raining here since 7:30 this morning 🌧️",
    "नमस्ते! मैं दिल्ली से हूँ, यहाँ 42 डिग्री है",
    "haha ok",
    "Did you see the match yesterday? 287/4 after 50 overs, I could not believe it!",
    "Yes!! What do you do when you are not watching cricket?",
    "I study maths, second year. My exam is on 12/05 and I have not even started",
];

/// The form of a call.
#[derive(Clone, Copy)]
pub enum CallForm {
    /// A `tools/call` of MCP.
    ToolsCall,
    /// The short form.
    Short,
}

impl CallForm {
    fn body(self, message: &str, user: &str) -> Value {
        let arguments = json!({ "message": message, "puch_user_id": user });
        match self {
            Self::ToolsCall => json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "handle_message", "arguments": arguments },
            }),
            Self::Short => json!({ "method": "handle_message", "params": arguments }),
        }
    }

    fn request(self, address: SocketAddr, message: &str, user: &str, token: &str) -> Vec<u8> {
        let body = self.body(message, user).to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        (head + &body).into_bytes()
    }
}

/// A keep-alive connection with the requests that it repeats.
pub struct LoadClient {
    stream: TcpStream,
    response: Vec<u8>,
    requests: Vec<Vec<u8>>,
    /// Index of the next request.
    next: usize,
}

impl LoadClient {
    /// Connects and matches the two users of this connection.
    pub async fn connect(
        address: SocketAddr,
        form: CallForm,
        token: &str,
        number: usize,
    ) -> BenchResult<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let users = [format!("ann-{number}"), format!("bob-{number}")];
        let turns = TEXTS.iter().zip(users.iter().cycle());
        let requests = turns.map(|(text, user)| form.request(address, text, user, token)).collect();
        let mut client = Self { stream, response: Vec::with_capacity(4096), requests, next: 0 };
        for user in &users {
            client.call(&form.request(address, "#meet", user, token)).await?;
        }
        Ok(client)
    }

    /// Sends a request; returns `true` if the response is 200 and confirms a sent message.
    async fn call(&mut self, request: &[u8]) -> BenchResult<bool> {
        self.stream.write_all(request).await?;
        self.response.clear();
        loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(head_end) = self.response.windows(4).position(|bytes| bytes == b"\r\n\r\n")
            else {
                continue;
            };
            let (head, body) = self.response.split_at(head_end + 4);
            let head = std::str::from_utf8(head)?;
            let length = head.split_once("content-length: ").and_then(|(_, rest)| {
                rest.split_once("\r\n").and_then(|(length, _)| length.parse::<usize>().ok())
            });
            if body.len() >= length.ok_or("a response without a length")? {
                let body = std::str::from_utf8(body)?;
                return Ok(head.starts_with("HTTP/1.1 200 ") && body.contains(SENT));
            }
        }
    }

    /// Sends requests in turn for a time; returns the number of wrong responses.
    pub async fn run(&mut self, duration: Duration, latencies: &mut Latencies) -> BenchResult<u64> {
        let requests = std::mem::take(&mut self.requests);
        let (total, mut wrong) = (Stopwatch::start(), 0);
        while total.elapsed() < duration {
            let stopwatch = Stopwatch::start();
            let is_right = self.call(&requests[self.next]).await?;
            record(latencies, stopwatch.elapsed());
            wrong += u64::from(!is_right);
            self.next = (self.next + 1) % requests.len();
        }
        self.requests = requests;
        Ok(wrong)
    }
}
