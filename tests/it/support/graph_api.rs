//! A stand-in for servers that this one sends requests to: Meta's Graph API, which checks every
//! request, and in general one that fails as told.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;

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

pub const PHONE_NUMBER_ID: &str = "106540352242922";
pub const TOKEN: &str = "graph-token-4711";

/// What becomes of a request instead of an answer of 200.
#[derive(Clone)]
pub enum FailureMode {
    Status(u16),
    /// The API's own error, with this status.
    Code(u16, i64),
    /// No answer at all.
    Hang,
    /// The connection is closed without one.
    Drop,
    /// It is answered well, but not before there is a permit.
    Hold(Arc<Semaphore>),
}

/// What was asked of a stand-in.
pub struct ReceivedRequest {
    pub method: Method,
    pub path: String,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

/// A server that takes requests, and fails as often and in such ways as told.
pub struct StandIn {
    pub url: String,
    state: Arc<StandInState>,
    /// Those it took, in order.
    taken: mpsc::UnboundedReceiver<ReceivedRequest>,
    running: AbortHandle,
}

struct StandInState {
    troubles: Mutex<VecDeque<FailureMode>>,
    /// The bodies of the requests that it let fail.
    failed: Mutex<Vec<Bytes>>,
    takes: mpsc::UnboundedSender<ReceivedRequest>,
}

impl StandIn {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (takes, taken) = mpsc::unbounded_channel();
        let state = StandInState { troubles: Mutex::default(), failed: Mutex::default(), takes };
        let state = Arc::new(state);
        let shared = Arc::clone(&state);
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| take(request, Arc::clone(&shared)));
                // A connection that is dropped on purpose ends with an error.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, state, taken, running: running.abort_handle() }
    }

    /// Lets the coming requests fail, each in its way.
    pub fn fail(&self, troubles: impl IntoIterator<Item = FailureMode>) {
        self.state.troubles.lock().extend(troubles);
    }

    /// Whether all the failures that were asked for have happened.
    pub fn has_failed(&self) -> bool {
        self.state.troubles.lock().is_empty()
    }

    /// The bodies of the requests that failed so far.
    pub fn failed(&self) -> Vec<Bytes> {
        self.state.failed.lock().clone()
    }

    /// The next request that was answered well.
    pub async fn next(&mut self) -> ReceivedRequest {
        timeout(TEST_TIMEOUT, self.taken.recv()).await.expect("in time").expect("it runs")
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn take(
    request: Request<Incoming>,
    state: Arc<StandInState>,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let trouble = state.troubles.lock().pop_front();
    if !matches!(trouble, None | Some(FailureMode::Hold(_))) {
        state.failed.lock().push(body.clone());
    }
    let answer = |status: u16, body: Value| {
        let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
        Ok(response.body(Full::from(body.to_string())).expect("a response"))
    };
    match trouble {
        Some(FailureMode::Status(status)) => return answer(status, json!({})),
        Some(FailureMode::Code(status, code)) => {
            return answer(status, json!({ "error": { "message": "no", "code": code } }));
        }
        Some(FailureMode::Hang) => match pending::<Infallible>().await {},
        Some(FailureMode::Drop) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(FailureMode::Hold(gate)) => drop(gate.acquire().await.map_err(io::Error::other)?),
        None => {}
    }
    let path = parts.uri.path().to_owned();
    let asked = ReceivedRequest { method: parts.method, path, headers: parts.headers, body };
    state.takes.send(asked).map_err(|_| io::ErrorKind::NotConnected)?;
    answer(200, json!({ "messaging_product": "whatsapp", "messages": [{ "id": "wamid.out" }] }))
}

/// The Graph API.
pub struct GraphStandIn {
    pub server: StandIn,
    /// What was read while something for somebody else was awaited.
    known: HashMap<String, VecDeque<String>>,
    /// How many messages people got.
    pub messages: usize,
}

impl GraphStandIn {
    pub async fn start() -> Self {
        Self { server: StandIn::start().await, known: HashMap::new(), messages: 0 }
    }

    /// The next message that somebody gets.
    pub async fn next(&mut self, to: &str) -> String {
        loop {
            if let Some(body) = self.known.entry(to.to_owned()).or_default().pop_front() {
                return body;
            }
            let asked = self.server.next().await;
            let (to, body) = checked(&asked);
            self.messages += 1;
            self.known.entry(to).or_default().push_back(body);
        }
    }

    /// All that somebody gets until this text has come.
    pub async fn until(&mut self, to: &str, text: &str) -> String {
        let mut all = String::new();
        while !all.contains(text) {
            all = format!("{all}{}\n", self.next(to).await);
        }
        all
    }
}

/// What a request brings to whom, if it is as the API wants it.
fn checked(asked: &ReceivedRequest) -> (String, String) {
    assert_eq!(
        (&asked.method, asked.path.as_str()),
        (&Method::POST, "/v23.0/106540352242922/messages")
    );
    assert_eq!(asked.headers[AUTHORIZATION], format!("Bearer {TOKEN}"));
    assert_eq!(asked.headers[CONTENT_TYPE], "application/json");
    let message: Value = serde_json::from_slice(&asked.body).expect("JSON");
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

/// The signature of a body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
