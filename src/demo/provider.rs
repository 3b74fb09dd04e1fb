//! [`DemoProvider`]: a provider of language models in place of a real one, on loopback.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt;
use futures_util::stream::iter;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::gateway::catalog::prompt::text_tokens;
use crate::kernel::model::ModelUsage;

/// Tokens of a request beyond those of its text.
const FRAME_TOKENS: u64 = 7;

/// A provider that answers every request with the same text, in the formats of OpenAI and Anthropic. Dropping it ends
/// its server.
pub(super) struct DemoProvider {
    /// Without a path.
    pub url: String,
    state: Arc<DemoProviderState>,
    _server: JoinSet<()>,
}

struct DemoProviderState {
    answer: &'static str,
    /// Pause before each piece of an answer.
    pause: Duration,
    is_down: AtomicBool,
    /// Requests that were answered, with their models.
    invoice: Mutex<Vec<(String, ModelUsage)>>,
}

impl DemoProvider {
    /// Listens on any free port.
    pub async fn start(answer: &'static str, pause: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (is_down, invoice) = (AtomicBool::new(false), Mutex::default());
        let state = Arc::new(DemoProviderState { answer, pause, is_down, invoice });
        let router = Router::new()
            .route("/v1/chat/completions", post(complete_chat))
            .route("/v1/messages", post(create_message))
            .with_state(Arc::clone(&state));
        let mut server = JoinSet::new();
        server.spawn(async move {
            // Without the server, the requests fail and end the script.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, state, _server: server })
    }

    /// Answers every later request with status 503.
    pub fn fail(&self) {
        self.state.is_down.store(true, Ordering::SeqCst);
    }

    /// The model and the tokens of each request that was answered.
    pub fn invoice(&self) -> Vec<(String, ModelUsage)> {
        self.state.invoice.lock().clone()
    }
}

impl DemoProviderState {
    /// Counts a request. Returns its model, its tokens and those of the answer. `None` while the provider is down.
    fn accept(&self, body: &Value) -> Option<(String, u64, u64)> {
        if self.is_down.load(Ordering::SeqCst) {
            return None;
        }
        let model = body["model"].as_str().unwrap_or_default().to_owned();
        let messages = body["messages"].as_array().into_iter().flatten();
        let question: u64 = messages.map(|message| text_tokens(&text(&message["content"]))).sum();
        let (input, output) = (question + FRAME_TOKENS, text_tokens(self.answer));
        let usage = ModelUsage {
            input_tokens: Some(input),
            output_tokens: Some(output),
            ..ModelUsage::default()
        };
        self.invoice.lock().push((model.clone(), usage));
        Some((model, input, output))
    }

    /// Streams events, each as its name and its data. Those with the text of the answer come after a pause.
    fn stream(&self, events: Vec<(&'static str, String, bool)>) -> Response {
        let pause = self.pause;
        let stream = iter(events).then(move |(name, data, is_text)| async move {
            if is_text {
                sleep(pause).await;
            }
            let event = Event::default().data(data);
            Ok::<_, Infallible>(if name.is_empty() { event } else { event.event(name) })
        });
        Sse::new(stream).into_response()
    }
}

fn out_of_order() -> Response {
    let error = json!({ "error": { "type": "overloaded", "message": "Out of order" } });
    (StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response()
}

/// The text of a message, which is in blocks for some clients.
fn text(content: &Value) -> String {
    let blocks = content.as_array().into_iter().flatten();
    let blocks: String = blocks.filter_map(|block| block["text"].as_str()).collect();
    content.as_str().map_or(blocks, str::to_owned)
}

/// Answers as OpenAI's API does.
async fn complete_chat(
    State(state): State<Arc<DemoProviderState>>,
    Json(body): Json<Value>,
) -> Response {
    let Some((model, input, output)) = state.accept(&body) else { return out_of_order() };
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 0, "model": model,
            "choices": choices, "usage": usage,
        });
        chunk.to_string()
    };
    let pieces = state.answer.split_inclusive(' ').map(|piece| {
        let delta = json!({ "role": "assistant", "content": piece });
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
        ("", chunk(choices, Value::Null), true)
    });
    let finish = json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]);
    let usage = json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
    });
    let end = [chunk(finish, Value::Null), chunk(json!([]), usage), "[DONE]".to_owned()];
    state.stream(pieces.chain(end.map(|data| ("", data, false))).collect())
}

/// Answers as Anthropic's API does.
async fn create_message(
    State(state): State<Arc<DemoProviderState>>,
    Json(body): Json<Value>,
) -> Response {
    let Some((model, input, output)) = state.accept(&body) else { return out_of_order() };
    let event = |name: &'static str, mut fields: Value| {
        fields["type"] = json!(name);
        (name, fields.to_string(), name == "content_block_delta")
    };
    let message = json!({
        "id": "msg_demo", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "usage": { "input_tokens": input, "output_tokens": 1 },
    });
    let block = json!({ "index": 0, "content_block": { "type": "text", "text": "" } });
    let begin = [
        event("message_start", json!({ "message": message })),
        event("content_block_start", block),
    ];
    let pieces = state.answer.split_inclusive(' ').map(|piece| {
        let delta = json!({ "type": "text_delta", "text": piece });
        event("content_block_delta", json!({ "index": 0, "delta": delta }))
    });
    let delta = json!({ "stop_reason": "end_turn" });
    let usage = json!({ "output_tokens": output });
    let end = [
        event("content_block_stop", json!({ "index": 0 })),
        event("message_delta", json!({ "delta": delta, "usage": usage })),
        event("message_stop", json!({})),
    ];
    state.stream(begin.into_iter().chain(pieces).chain(end).collect())
}
