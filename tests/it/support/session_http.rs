//! [`SessionHttp`]: the connections of a [`LiveClient`](super::live_client::LiveClient) over HTTP.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::server::{TestServer, http_client};

/// The two HTTP transports: messages are posted to an address and return in event streams.
pub(super) struct SessionHttp {
    client: reqwest::Client,
    token: String,
    /// The URL that messages are posted to.
    address: String,
    pub(super) session: Option<String>,
    pub(super) messages: mpsc::UnboundedReceiver<Value>,
    sender: mpsc::UnboundedSender<Value>,
    pub(super) streams: Vec<AbortHandle>,
    /// The id of the last event on the stream of unsolicited messages.
    last_event: Arc<Mutex<Option<String>>>,
}

impl Drop for SessionHttp {
    fn drop(&mut self) {
        self.streams.iter().for_each(AbortHandle::abort);
    }
}

impl SessionHttp {
    pub(super) fn new(server: &TestServer, path: &str) -> Self {
        let (address, token) = (format!("{}{path}", server.url), server.token.clone());
        let (sender, messages) = mpsc::unbounded_channel();
        let client = http_client();
        let (streams, last_event) = (Vec::new(), Arc::default());
        Self { client, token, address, session: None, messages, sender, streams, last_event }
    }

    /// Opens the event stream of protocol 2024-11-05 and reads from it the address to post to.
    pub(super) async fn sse(server: &TestServer) -> Self {
        let mut http = Self::new(server, "/mcp/sse");
        http.listen().await;
        let first = http.messages.recv().await.expect("an address");
        let stream = url::Url::parse(&http.address).expect("an address");
        let messages = stream.join(first["endpoint"].as_str().expect("a path"));
        http.address = messages.expect("an address").into();
        http
    }

    /// Opens the stream of unsolicited messages.
    pub(super) async fn listen(&mut self) {
        let request = self.client.get(&self.address).bearer_auth(&self.token);
        let mut request = request.header("accept", "text/event-stream");
        if let Some(last) = self.last_event.lock().expect("no panic").clone() {
            request = request.header("last-event-id", last);
        }
        let response = self.with_session(request).send().await.expect("a stream");
        assert!(response.status().is_success(), "{}", response.status());
        let last_event = Arc::clone(&self.last_event);
        self.follow(response, move |id| *last_event.lock().expect("no panic") = Some(id));
    }

    pub(super) async fn end(&mut self) {
        let request = self.client.delete(&self.address).bearer_auth(&self.token);
        let response = self.with_session(request).send().await.expect("a response");
        assert!(response.status().is_success(), "{}", response.status());
    }

    fn with_session(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        }
    }

    /// Reads an event stream in a background task; `on_id` gets the id of each event.
    fn follow(&mut self, response: reqwest::Response, on_id: impl Fn(String) + Send + 'static) {
        let sender = self.sender.clone();
        let stream = tokio::spawn(async move {
            let mut bytes = response.bytes_stream();
            let mut buffer = Vec::new();
            while let Some(Ok(chunk)) = bytes.next().await {
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let event: Vec<u8> = buffer.drain(..end + 2).collect();
                    let (id, message) = parse_event(&event);
                    id.map(&on_id);
                    message.map(|message| sender.send(message));
                }
            }
        });
        self.streams.push(stream.abort_handle());
    }

    pub(super) async fn post(&mut self, message: Value) {
        let request = self.client.post(&self.address).bearer_auth(&self.token);
        let request = request.header("accept", "application/json, text/event-stream");
        let response = self.with_session(request.json(&message)).send().await.expect("a response");
        assert!(response.status().is_success(), "{}: {message}", response.status());
        if let Some(session) = response.headers().get("mcp-session-id") {
            self.session = Some(session.to_str().expect("text").to_owned());
        }
        let content_type =
            response.headers().get("content-type").map(|kind| kind.as_bytes().to_vec());
        let content_type = content_type.unwrap_or_default();
        if content_type.starts_with(b"text/event-stream") {
            self.follow(response, drop);
        } else if content_type == b"application/json" {
            self.sender.send(response.json().await.expect("JSON")).expect("the client exists");
        }
    }
}

/// Parses an event: its id, and its JSON or, for an `endpoint` event, the address.
fn parse_event(event: &[u8]) -> (Option<String>, Option<Value>) {
    let text = std::str::from_utf8(event).expect("UTF-8");
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let data = field("data:").unwrap_or_default();
    let message = if text.contains("event: endpoint") {
        Some(json!({ "endpoint": data }))
    } else {
        serde_json::from_str(&data).ok()
    };
    (field("id:"), message)
}
