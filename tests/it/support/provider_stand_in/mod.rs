//! [`ProviderStandIn`]: a provider of language models on loopback, in both formats, with faults and an invoice.
//!
//! - `script.rs`: the answer to one request, with its faults.
//! - `chat.rs`, `messages.rs`: an answer as steps of a stream, or as one JSON, in each format.
//! - `invoice.rs`: the tokens that each request was charged for.
//! - `tokens.rs`: the counter of tokens.
//!
//! It uses no crate that only tests have, so that a separate process can [`serve`] it.

mod chat;
mod invoice;
mod messages;
mod script;
mod tokens;

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use futures_util::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use invoice::InvoiceRow;
use invoice::OpenRow;
pub(crate) use script::{AnswerScript, ScriptedCall, ScriptedUsage, StandInFault};
use script::{PlayedStep, StandInFormat};
pub(crate) use tokens::count_tokens;

/// A request that the stand-in received.
#[derive(Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// The scripts and the records of a stand-in.
pub(crate) struct StandInState {
    scripts: Mutex<VecDeque<AnswerScript>>,
    /// The script of a request when the queue is empty.
    fallback: AnswerScript,
    requests: Mutex<Vec<ReceivedRequest>>,
    invoice: Mutex<Vec<InvoiceRow>>,
    /// Number of answers that are being sent.
    open: watch::Sender<usize>,
    connections: AtomicUsize,
}

impl StandInState {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            scripts: Mutex::default(),
            fallback: AnswerScript::of(["Hello", ", ", "world", "."]),
            requests: Mutex::default(),
            invoice: Mutex::default(),
            open: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
        })
    }

    /// Adds the script of a later request.
    pub(crate) fn add(&self, script: AnswerScript) {
        self.scripts.lock().push_back(script);
    }

    /// Removes the scripts that no request has used.
    pub(crate) fn clear(&self) {
        self.scripts.lock().clear();
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().clone()
    }

    /// A row for each request, in the order of their arrival.
    pub(crate) fn invoice(&self) -> Vec<InvoiceRow> {
        self.invoice.lock().clone()
    }

    pub(crate) fn connection_count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until `count` answers are being sent.
    pub(crate) async fn wait_for_open(&self, count: usize) {
        let mut open = self.open.subscribe();
        // The sender lives as long as `self`.
        let _ = open.wait_for(|open| *open == count).await;
    }
}

/// Serves `/v1/chat/completions` and `/v1/messages` until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, state: Arc<StandInState>) -> std::io::Result<()> {
    let counted = Arc::clone(&state);
    let listener = listener.tap_io(move |stream| {
        counted.connections.fetch_add(1, Ordering::SeqCst);
        // Otherwise small frames wait for each other.
        let _ = stream.set_nodelay(true);
    });
    let chat = |state, headers, body| answer(state, StandInFormat::Chat, headers, body);
    let messages = |state, headers, body| answer(state, StandInFormat::Messages, headers, body);
    let router = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/messages", post(messages))
        .with_state(state);
    axum::serve(listener, router).await
}

/// A stand-in on a free port of loopback. It ends with its value.
pub(crate) struct ProviderStandIn {
    pub(crate) url: String,
    pub(crate) state: Arc<StandInState>,
    task: JoinHandle<std::io::Result<()>>,
}

impl ProviderStandIn {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let state = StandInState::new();
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { url, state, task }
    }

    /// Starts a stand-in with the scripts of its requests.
    pub(crate) async fn with(scripts: impl IntoIterator<Item = AnswerScript>) -> Self {
        let stand_in = Self::start().await;
        scripts.into_iter().for_each(|script| stand_in.state.add(script));
        stand_in
    }
}

impl Drop for ProviderStandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(state): State<Arc<StandInState>>,
    format: StandInFormat,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "no JSON").into_response();
    };
    let key = format.key(&headers);
    let request = ReceivedRequest { path: format.path().to_owned(), headers, body: body.clone() };
    state.requests.lock().push(request);
    let script = state.scripts.lock().pop_front();
    let script = script.unwrap_or_else(|| state.fallback.clone());
    if let Some(pause) = script.headers_pause() {
        wait(pause).await;
    }
    if let Some((status, headers, error)) = script.refusal() {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return (status, headers, error.to_string()).into_response();
    }
    let row = OpenRow::new(&state, key, &body);
    let (id, model, input) = row.facts();
    let is_stream = body.get("stream") == Some(&json!(true));
    if !is_stream || script.answers_whole() {
        let (answer, output) = match format {
            StandInFormat::Chat => chat::whole(&script, &id, &model, input),
            StandInFormat::Messages => messages::whole(&script, &id, &model, input),
        };
        row.add_output(output);
        row.end(!matches!(script.usage, ScriptedUsage::Never | ScriptedUsage::Zeros));
        let headers = [("content-type", "application/json"), (format.id_header(), id.as_str())];
        return (headers, answer.to_string()).into_response();
    }
    let steps = match format {
        StandInFormat::Chat => chat::steps(&script, &id, &model, input, &body),
        StandInFormat::Messages => messages::steps(&script, &id, &model, input),
    };
    let headers = [("content-type", "text/event-stream"), (format.id_header(), id.as_str())];
    (headers, play(row, script.pace, steps)).into_response()
}

/// Plays the steps as fast as they are read. Dropping the body cancels the answer.
fn play(row: OpenRow, pace: Duration, steps: VecDeque<PlayedStep>) -> Body {
    Body::from_stream(stream::unfold((row, steps), move |(row, mut steps)| async move {
        loop {
            match steps.pop_front()? {
                PlayedStep::Data { bytes, output, has_usage } => {
                    if output > 0 && !pace.is_zero() {
                        wait(pace).await;
                    }
                    row.add_output(output);
                    if has_usage {
                        row.send_usage();
                    }
                    if steps.iter().all(|step| matches!(step, PlayedStep::Wait(_))) {
                        row.finish();
                    }
                    return Some((Ok::<_, std::io::Error>(Bytes::from(bytes)), (row, steps)));
                }
                PlayedStep::Wait(pause) => wait(pause).await,
                PlayedStep::Hang => pending::<()>().await,
                PlayedStep::Disconnect => {
                    let error = std::io::Error::other("disconnect of the script");
                    return Some((Err(error), (row, steps)));
                }
            }
        }
    }))
}

async fn wait(pause: Duration) {
    let _ = timeout(pause, pending::<()>()).await;
}
