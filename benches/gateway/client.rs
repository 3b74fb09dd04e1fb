//! [`GatewayClient`]: a connection that repeats a request to a model.

use std::net::SocketAddr;
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::BenchResult;
use crate::common::{Latencies, record};
use crate::stand_in::{MARK, now};

/// The requests of a gateway.
#[derive(Clone)]
pub struct GatewayRoute {
    pub address: SocketAddr,
    pub path: &'static str,
    /// Headers beyond those of every request, each with its line end.
    pub headers: String,
    pub model: &'static str,
    /// The credentials, which connections take in turn.
    pub tokens: Vec<String>,
}

impl GatewayRoute {
    /// A route without credentials.
    pub fn new(address: SocketAddr, path: &'static str, model: &'static str) -> Self {
        Self { address, path, headers: String::new(), model, tokens: Vec::new() }
    }

    fn request(&self, number: usize, stream: bool) -> Vec<u8> {
        let Self { address, path, headers, model, tokens } = self;
        let token = tokens.get(number % tokens.len().max(1));
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let token = token.unwrap_or_default();
        let messages = json!([{ "role": "user", "content": "word ".repeat(180) }]);
        let mut body = json!({ "model": model, "messages": messages, "max_tokens": 1_000 });
        if stream {
            body["stream"] = json!(true);
        }
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{headers}{token}\
             content-length: {}\r\n\r\n",
            body.len()
        );
        (head + &body).into_bytes()
    }
}

/// A keep-alive connection.
pub struct GatewayClient {
    stream: TcpStream,
    response: Vec<u8>,
    whole: Vec<u8>,
    streamed: Vec<u8>,
}

/// The delays of streams.
pub struct StreamDelays {
    /// From the request to the first delta.
    pub first: Latencies,
    /// From the provider's write of a delta to its arrival.
    pub frames: Latencies,
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

impl GatewayClient {
    pub async fn connect(route: &GatewayRoute, number: usize) -> BenchResult<Self> {
        let stream = TcpStream::connect(route.address).await?;
        stream.set_nodelay(true)?;
        let (whole, streamed) = (route.request(number, false), route.request(number, true));
        Ok(Self { stream, response: Vec::with_capacity(8_192), whole, streamed })
    }

    async fn read(&mut self) -> BenchResult<()> {
        match self.stream.read_buf(&mut self.response).await? {
            0 => Err("the gateway closed the connection".into()),
            _ => Ok(()),
        }
    }

    /// Returns the length of the response in `self.response`. `None` if it is incomplete.
    fn length(&self) -> BenchResult<Option<usize>> {
        let Some(head) = find(&self.response, b"\r\n\r\n") else { return Ok(None) };
        let body = head + 4;
        let head = std::str::from_utf8(&self.response[..head])?.to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            let text = String::from_utf8_lossy(&self.response);
            return Err(format!("an error of the gateway: {text}").into());
        }
        let length = head.split_once("content-length: ").map(|(_, rest)| rest);
        if let Some(length) = length {
            let length: usize = length.split("\r\n").next().unwrap_or_default().parse()?;
            return Ok((self.response.len() >= body + length).then_some(body + length));
        }
        let is_over = self.response[body..].ends_with(b"0\r\n\r\n");
        Ok(is_over.then_some(self.response.len()))
    }

    /// One request whose answer comes in one piece.
    pub async fn call(&mut self) -> BenchResult<()> {
        self.stream.write_all(&self.whole).await?;
        self.response.clear();
        while self.length()?.is_none() {
            self.read().await?;
        }
        if find(&self.response, b"completion_tokens").is_none() {
            return Err("an answer without usage".into());
        }
        Ok(())
    }

    /// Sends requests in turn for a time.
    pub async fn run(&mut self, duration: Duration, latencies: &mut Latencies) -> BenchResult<()> {
        let total = Stopwatch::start();
        while total.elapsed() < duration {
            let stopwatch = Stopwatch::start();
            self.call().await?;
            record(latencies, stopwatch.elapsed());
        }
        Ok(())
    }

    /// One request whose answer is streamed. Returns the number of its deltas.
    pub async fn stream(&mut self, delays: &mut StreamDelays) -> BenchResult<usize> {
        let stopwatch = Stopwatch::start();
        self.stream.write_all(&self.streamed).await?;
        self.response.clear();
        let (mut position, mut deltas) = (0, 0);
        loop {
            self.read().await?;
            let arrived = now();
            while let Some(start) = find(&self.response[position..], MARK.as_bytes()) {
                let start = position + start + MARK.len();
                let Some(end) = find(&self.response[start..], b";") else { break };
                // LiteLLM repeats texts in other fields, where they are cut.
                let written =
                    std::str::from_utf8(&self.response[start..start + end])?.parse::<u64>();
                let Ok(written) = written else {
                    position = start;
                    continue;
                };
                let delay = Duration::from_nanos(arrived.saturating_sub(written));
                if deltas == 0 {
                    record(&mut delays.first, stopwatch.elapsed());
                }
                record(&mut delays.frames, delay);
                deltas += 1;
                position = start + end;
            }
            if self.length()?.is_some() {
                return Ok(deltas);
            }
        }
    }
}
