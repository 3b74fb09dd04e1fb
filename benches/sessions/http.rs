//! HTTP as far as the load needs it: requests over kept-alive connections, and streams of events that
//! are read line by line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::BenchResult;

/// Connections over which agents answer the server's pings: more than there are posting, since nobody
/// is pushed anything further until they answered, and agents do not wait for one another.
const PONG_CONNECTIONS: usize = 256;

/// A server, and the token that it takes.
#[derive(Debug)]
pub struct LoadTarget {
    pub at: SocketAddr,
    pub token: String,
}

impl LoadTarget {
    /// A socket of its own; `abrupt` ones are reset when they close.
    pub async fn stream(&self, abrupt: bool) -> BenchResult<TcpStream> {
        let stream = TcpStream::connect(self.at).await?;
        stream.set_nodelay(true)?;
        if abrupt {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        }
        Ok(stream)
    }

    fn head(&self, method: &str, path: &str, session: Option<&str>, length: usize) -> String {
        let session = session.map(|id| format!("mcp-session-id: {id}\r\n")).unwrap_or_default();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{session}\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {length}\r\n\r\n",
            self.at, self.token
        )
    }
}

/// An answer to a request.
pub struct HttpAnswer {
    pub session: Option<String>,
    /// The message of the protocol in it; empty if there is none.
    pub message: String,
}

/// A kept-alive connection that carries one request at a time.
pub struct HttpConnection {
    target: Arc<LoadTarget>,
    stream: TcpStream,
    answer: Vec<u8>,
}

impl HttpConnection {
    pub async fn open(target: &Arc<LoadTarget>) -> BenchResult<Self> {
        let stream = target.stream(false).await?;
        Ok(Self { target: Arc::clone(target), stream, answer: Vec::with_capacity(4096) })
    }

    pub fn target(&self) -> &Arc<LoadTarget> {
        &self.target
    }

    /// Sends a request, and reads the whole answer, which has to be one of success.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        session: Option<&str>,
        body: &str,
    ) -> BenchResult<HttpAnswer> {
        let request = self.target.head(method, path, session, body.len()) + body;
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(end) = end_of_head(&self.answer) else { continue };
            let head = std::str::from_utf8(&self.answer[..end])?;
            let body = &self.answer[end..];
            let whole = match header(head, "content-length") {
                Some(length) => body.len() >= length.parse()?,
                None => body.ends_with(b"\r\n0\r\n\r\n"),
            };
            if !whole {
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

/// A stream of events.
pub struct EventReader {
    stream: TcpStream,
    read: Vec<u8>,
}

impl EventReader {
    /// Opens the stream, and waits until the server has begun it.
    pub async fn open(
        target: &LoadTarget,
        path: &str,
        session: Option<&str>,
        abrupt: bool,
    ) -> BenchResult<Self> {
        let mut stream = target.stream(abrupt).await?;
        stream.write_all(target.head("GET", path, session, 0).as_bytes()).await?;
        let mut read = Vec::with_capacity(512);
        loop {
            if stream.read_buf(&mut read).await? == 0 {
                return Err("the server refused the stream".into());
            }
            if let Some(end) = end_of_head(&read) {
                if !read.starts_with(b"HTTP/1.1 200 ") {
                    return Err(String::from_utf8_lossy(&read).into_owned().into());
                }
                read.drain(..end);
                return Ok(Self { stream, read });
            }
        }
    }

    /// The data of the next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.read.drain(..=end).collect();
                if let Some(data) = std::str::from_utf8(&line).ok().and_then(event) {
                    return Some(data.to_owned());
                }
            }
            if !matches!(self.stream.read_buf(&mut self.read).await, Ok(read) if read > 0) {
                return None;
            }
        }
    }
}

/// The data in a line of an event, if there is any. A message of the protocol has no line breaks.
fn event(line: &str) -> Option<&str> {
    line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty())
}

fn end_of_head(read: &[u8]) -> Option<usize> {
    read.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4)
}

/// The value of a header; the server writes their names in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!("\r\n{name}: "))?;
    rest.split_once("\r\n").map(|(value, _)| value)
}

/// What agents post without waiting for an answer.
#[derive(Debug)]
struct PendingPost {
    path: String,
    session: Option<String>,
    body: String,
}

/// Posts what agents say of their own, over connections that all share.
pub struct PostQueue {
    queues: Vec<mpsc::UnboundedSender<PendingPost>>,
    next: AtomicUsize,
}

impl PostQueue {
    pub fn begin(target: &Arc<LoadTarget>) -> Self {
        let queues = (0..PONG_CONNECTIONS).map(|_| {
            let (queue, posts) = mpsc::unbounded_channel();
            tokio::spawn(run_posts(Arc::clone(target), posts));
            queue
        });
        Self { queues: queues.collect(), next: AtomicUsize::new(0) }
    }

    pub fn send(&self, path: String, session: Option<String>, body: String) {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        // They end with this.
        let _ = self.queues[number].send(PendingPost { path, session, body });
    }
}

/// A session may have ended meanwhile, and an idle connection is closed, so failure is no failure here:
/// what is lost shows by the server bringing its news again.
async fn run_posts(target: Arc<LoadTarget>, mut posts: mpsc::UnboundedReceiver<PendingPost>) {
    let mut connection = None;
    while let Some(PendingPost { path, session, body }) = posts.recv().await {
        for _ in 0..2 {
            if connection.is_none() {
                connection = HttpConnection::open(&target).await.ok();
            }
            let Some(open) = &mut connection else { continue };
            if open.send("POST", &path, session.as_deref(), &body).await.is_ok() {
                break;
            }
            connection = None;
        }
    }
}
