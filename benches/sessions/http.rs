//! A minimal HTTP client for the load: keep-alive connections, event streams and background posts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::BenchResult;

/// Number of connections for answers to the server's pings.
///
/// More than [`WORKERS`](crate::WORKERS), because the server pushes nothing to an agent until it
/// has answered, and agents must not wait for each other.
const PONG_CONNECTIONS: usize = 256;

/// The address and token of a server.
#[derive(Debug)]
pub struct LoadTarget {
    pub address: SocketAddr,
    pub token: String,
}

impl LoadTarget {
    /// Opens a connection, which is reset instead of closed if `abrupt`.
    pub async fn stream(&self, abrupt: bool) -> BenchResult<TcpStream> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        if abrupt {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        }
        Ok(stream)
    }

    /// Returns the head of a request.
    fn head(&self, method: &str, path: &str, session: Option<&str>, length: usize) -> String {
        let session = session.map(|id| format!("mcp-session-id: {id}\r\n")).unwrap_or_default();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{session}\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {length}\r\n\r\n",
            self.address, self.token
        )
    }
}

/// A successful response.
pub struct HttpAnswer {
    pub session: Option<String>,
    /// The MCP message in the body; empty if there is none.
    pub message: String,
}

/// A keep-alive connection for one request at a time.
pub struct HttpConnection {
    target: Arc<LoadTarget>,
    stream: TcpStream,
    response: Vec<u8>,
}

impl HttpConnection {
    /// Connects to the server.
    pub async fn open(target: &Arc<LoadTarget>) -> BenchResult<Self> {
        let stream = target.stream(false).await?;
        Ok(Self { target: Arc::clone(target), stream, response: Vec::with_capacity(4096) })
    }

    pub fn target(&self) -> &Arc<LoadTarget> {
        &self.target
    }

    /// Sends a request and reads the whole response; fails unless its status is 2xx.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        session: Option<&str>,
        body: &str,
    ) -> BenchResult<HttpAnswer> {
        let request = self.target.head(method, path, session, body.len()) + body;
        self.stream.write_all(request.as_bytes()).await?;
        self.response.clear();
        loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(end) = end_of_head(&self.response) else { continue };
            let head = std::str::from_utf8(&self.response[..end])?;
            let body = &self.response[end..];
            let is_complete = match header(head, "content-length") {
                Some(length) => body.len() >= length.parse()?,
                None => body.ends_with(b"\r\n0\r\n\r\n"),
            };
            if !is_complete {
                continue;
            }
            let body = std::str::from_utf8(body)?;
            if !head.starts_with("HTTP/1.1 2") {
                return Err(format!("{method} {path}: {head}{body}").into());
            }
            let message = body.lines().rev().find_map(event).unwrap_or(body);
            let session = header(head, "mcp-session-id").map(str::to_owned);
            return Ok(HttpAnswer { session, message: message.to_owned() });
        }
    }
}

/// A stream of server-sent events.
pub struct EventReader {
    stream: TcpStream,
    /// Received bytes that are not parsed yet.
    buffer: Vec<u8>,
}

impl EventReader {
    /// Opens the stream and waits for the head of the response.
    pub async fn open(
        target: &LoadTarget,
        path: &str,
        session: Option<&str>,
        abrupt: bool,
    ) -> BenchResult<Self> {
        let mut stream = target.stream(abrupt).await?;
        stream.write_all(target.head("GET", path, session, 0).as_bytes()).await?;
        let mut buffer = Vec::with_capacity(512);
        loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err("the server closed the stream".into());
            }
            if let Some(end) = end_of_head(&buffer) {
                if !buffer.starts_with(b"HTTP/1.1 200 ") {
                    return Err(String::from_utf8_lossy(&buffer).into_owned().into());
                }
                buffer.drain(..end);
                return Ok(Self { stream, buffer });
            }
        }
    }

    /// Waits for the next event and returns its data; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.buffer.drain(..=end).collect();
                if let Some(data) = std::str::from_utf8(&line).ok().and_then(event) {
                    return Some(data.to_owned());
                }
            }
            if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0) {
                return None;
            }
        }
    }
}

/// Returns the data of an event line; `None` for other lines.
///
/// A message never spans lines, because JSON is sent without line breaks.
fn event(line: &str) -> Option<&str> {
    line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty())
}

/// Returns the index after the head of a response; `None` while it is incomplete.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|index| index + 4)
}

/// Returns the value of a header. The server writes header names in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!("\r\n{name}: "))?;
    rest.split_once("\r\n").map(|(value, _)| value)
}

/// A message that an agent posts without waiting for the response.
#[derive(Debug)]
struct PendingPost {
    path: String,
    session: Option<String>,
    body: String,
}

/// Posts messages in the background, over connections that all agents share.
pub struct PostQueue {
    queues: Vec<mpsc::UnboundedSender<PendingPost>>,
    next: AtomicUsize,
}

impl PostQueue {
    /// Starts the tasks that post.
    pub fn start(target: &Arc<LoadTarget>) -> Self {
        let queues = (0..PONG_CONNECTIONS).map(|_| {
            let (queue, posts) = mpsc::unbounded_channel();
            tokio::spawn(run_posts(Arc::clone(target), posts));
            queue
        });
        Self { queues: queues.collect(), next: AtomicUsize::new(0) }
    }

    /// Queues a message.
    pub fn send(&self, path: String, session: Option<String>, body: String) {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        // The tasks live as long as the queue.
        let _ = self.queues[number].send(PendingPost { path, session, body });
    }
}

/// Posts queued messages over one connection, and reconnects once per message.
///
/// Errors are ignored, because a session may have ended and the server closes idle connections. A
/// lost answer becomes visible as a redelivered event.
async fn run_posts(target: Arc<LoadTarget>, mut posts: mpsc::UnboundedReceiver<PendingPost>) {
    let mut connection = None;
    while let Some(PendingPost { path, session, body }) = posts.recv().await {
        for _ in 0..2 {
            if connection.is_none() {
                connection = HttpConnection::open(&target).await.ok();
            }
            let Some(connected) = &mut connection else { continue };
            if connected.send("POST", &path, session.as_deref(), &body).await.is_ok() {
                break;
            }
            connection = None;
        }
    }
}
