//! Stand-ins for the HTTP servers that this server sends requests to.
//!
//! [`StandIn`] accepts any request and fails on demand; [`GraphStandIn`] is Meta's Graph API and
//! checks every request.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::server::TEST_TIMEOUT;

/// The phone number id that requests to the Graph API must name.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// The Graph API token that requests must carry.
pub const TOKEN: &str = "graph-token-4711";

/// Reaction to a request, instead of an immediate 200.
#[derive(Clone)]
pub enum FailureMode {
    /// An empty JSON object with this status.
    Status(u16),
    /// A status, and the error code of the Graph API in the body.
    Code(u16, i64),
    /// No response.
    Hang,
    /// The connection is closed without a response.
    Drop,
    /// 200, but only once the semaphore has a permit.
    Hold(Arc<Semaphore>),
}

/// A request that a stand-in answered with 200.
pub struct ReceivedRequest {
    pub method: Method,
    pub path: String,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
    /// The id of the message in the response.
    pub id: String,
}

/// An HTTP server that fails the requests that a test chooses and records all others.
pub struct StandIn {
    pub url: String,
    state: Arc<StandInState>,
    /// Requests answered with 200, in order.
    requests: mpsc::UnboundedReceiver<ReceivedRequest>,
    running: AbortHandle,
}

/// State that the server task shares with its [`StandIn`].
struct StandInState {
    /// Reactions to the next requests, in order.
    failures: Mutex<VecDeque<FailureMode>>,
    /// Bodies of the failed requests.
    failed: Mutex<Vec<Bytes>>,
    /// Number of requests answered with 200.
    answered: AtomicUsize,
    requests: mpsc::UnboundedSender<ReceivedRequest>,
}

impl StandIn {
    /// Starts a stand-in on a free loopback port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, requests) = mpsc::unbounded_channel();
        let state = Arc::new(StandInState {
            failures: Mutex::default(),
            failed: Mutex::default(),
            answered: AtomicUsize::new(0),
            requests: sender,
        });
        let shared = Arc::clone(&state);
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| handle(request, Arc::clone(&shared)));
                // [`FailureMode::Drop`] ends the connection with an error.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, state, requests, running: running.abort_handle() }
    }

    /// Fails the next requests, one per failure mode.
    pub fn fail(&self, failures: impl IntoIterator<Item = FailureMode>) {
        self.state.failures.lock().extend(failures);
    }

    /// Returns `true` if every failure of [`Self::fail`] has happened.
    pub fn has_failed(&self) -> bool {
        self.state.failures.lock().is_empty()
    }

    /// Returns the bodies of the failed requests, in order.
    pub fn failed(&self) -> Vec<Bytes> {
        self.state.failed.lock().clone()
    }

    /// Waits for the next request that is answered with 200.
    pub async fn next(&mut self) -> ReceivedRequest {
        let request = timeout(TEST_TIMEOUT, self.requests.recv()).await;
        request.expect("a request in time").expect("the stand-in runs")
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn handle(
    request: Request<Incoming>,
    state: Arc<StandInState>,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let failure = state.failures.lock().pop_front();
    if !matches!(failure, None | Some(FailureMode::Hold(_))) {
        state.failed.lock().push(body.clone());
    }
    let respond = |status: u16, body: Value| {
        let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
        Ok(response.body(Full::from(body.to_string())).expect("a response"))
    };
    match failure {
        Some(FailureMode::Status(status)) => return respond(status, json!({})),
        Some(FailureMode::Code(status, code)) => {
            return respond(status, json!({ "error": { "message": "no", "code": code } }));
        }
        Some(FailureMode::Hang) => match pending::<Infallible>().await {},
        Some(FailureMode::Drop) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(FailureMode::Hold(gate)) => drop(gate.acquire().await.map_err(io::Error::other)?),
        None => {}
    }
    let path = parts.uri.path().to_owned();
    let number = state.answered.fetch_add(1, Ordering::Relaxed);
    let id = format!("wamid.out.{number}");
    let headers = parts.headers;
    let request = ReceivedRequest { method: parts.method, path, headers, body, id: id.clone() };
    state.requests.send(request).map_err(|_| io::ErrorKind::NotConnected)?;
    respond(200, json!({ "messaging_product": "whatsapp", "messages": [{ "id": id }] }))
}

/// A stand-in for the Graph API. Every request must be a valid text message.
pub struct GraphStandIn {
    pub server: StandIn,
    /// Messages received while [`Self::next`] waited for one to another recipient.
    pending: HashMap<String, VecDeque<String>>,
    /// Number of messages received.
    pub messages: usize,
    /// The id of the last message to each recipient.
    last_ids: HashMap<String, String>,
}

impl GraphStandIn {
    /// Starts the stand-in on a free loopback port.
    pub async fn start() -> Self {
        Self {
            server: StandIn::start().await,
            pending: HashMap::new(),
            messages: 0,
            last_ids: HashMap::new(),
        }
    }

    /// Waits for the next message to a recipient.
    pub async fn next(&mut self, to: &str) -> String {
        loop {
            if let Some(body) = self.pending.entry(to.to_owned()).or_default().pop_front() {
                return body;
            }
            let request = self.server.next().await;
            let (to, body) = check_message(&request);
            self.messages += 1;
            self.last_ids.insert(to.clone(), request.id);
            self.pending.entry(to).or_default().push_back(body);
        }
    }

    /// Returns the id of the last message received for a recipient.
    pub fn last_id(&self, to: &str) -> String {
        self.last_ids[to].clone()
    }

    /// Returns the messages to a recipient up to the one that contains `text`, one per line.
    pub async fn until(&mut self, to: &str, text: &str) -> String {
        let mut messages = String::new();
        while !messages.contains(text) {
            messages = format!("{messages}{}\n", self.next(to).await);
        }
        messages
    }
}

/// Asserts that a request is a valid text message; returns its recipient and text.
fn check_message(request: &ReceivedRequest) -> (String, String) {
    assert_eq!(
        (&request.method, request.path.as_str()),
        (&Method::POST, "/v23.0/106540352242922/messages")
    );
    assert_eq!(request.headers[AUTHORIZATION], format!("Bearer {TOKEN}"));
    assert_eq!(request.headers[CONTENT_TYPE], "application/json");
    let message: Value = serde_json::from_slice(&request.body).expect("JSON");
    let body = message["text"]["body"].as_str().expect("a text").to_owned();
    let key = if message.get("to").is_some() { "to" } else { "recipient" };
    let to = message[key].as_str().expect("an address").to_owned();
    let expected = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        key: to,
        "type": "text",
        "text": { "preview_url": false, "body": body },
    });
    assert_eq!(message, expected);
    assert!(!body.is_empty() && body.chars().count() <= 4_096);
    (to, body)
}

/// Returns the signature header of a body, as Meta and the bridge protocol compute it.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
