//! A provider with the protocol of OpenAI on loopback. It answers without a delay, and streams a delta each 20 ms.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use futures_util::stream;
use random_connect::kernel::clock::Stopwatch;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use crate::BenchResult;

/// Number of deltas of a stream.
pub const DELTAS: usize = 64;

/// Time between two deltas.
const PACE: Duration = Duration::from_millis(20);

/// Before the time at which a delta was written, in nanoseconds.
pub const MARK: &str = "t=";

/// The clock of the marks.
static CLOCK: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::start);

/// The time of the marks, in nanoseconds.
pub fn now() -> u64 {
    u64::try_from(CLOCK.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Starts the provider on this runtime, and returns its address.
pub async fn start() -> BenchResult<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Otherwise small frames wait for each other.
        let _ = stream.set_nodelay(true);
    });
    let routes = Router::new().route("/v1/chat/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn answer(body: Bytes) -> Response {
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    if body["stream"] == true { streamed() } else { whole() }
}

/// An answer of about 1 KB.
fn whole() -> Response {
    let text = "word ".repeat(130);
    let answer = format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1795824000,\
         \"model\":\"gpt-6-luna\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
         \"content\":\"{text}\",\"refusal\":null}},\"finish_reason\":\"stop\"}}],\
         \"usage\":{{\"prompt_tokens\":200,\"completion_tokens\":131,\"total_tokens\":331,\
         \"prompt_tokens_details\":{{\"cached_tokens\":0}},\
         \"completion_tokens_details\":{{\"reasoning_tokens\":0}}}}}}"
    );
    ([(CONTENT_TYPE, "application/json")], answer).into_response()
}

fn chunk(choices: &str, usage: &str) -> Bytes {
    let chunk = format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1795824000,\
         \"model\":\"gpt-6-luna\",\"choices\":{choices},\"usage\":{usage}}}\n\n"
    );
    Bytes::from(chunk)
}

fn streamed() -> Response {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let steps = stream::unfold((0, ticks), |(number, mut ticks)| async move {
        let bytes = match number {
            0..DELTAS => {
                ticks.tick().await;
                let role = if number == 0 { "\"role\":\"assistant\"," } else { "" };
                let content = format!("{MARK}{};", now());
                let delta = format!("{{{role}\"content\":\"{content}\"}}");
                let choice = format!("[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]");
                chunk(&choice, "null")
            }
            DELTAS => chunk("[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]", "null"),
            65 => chunk(
                "[]",
                "{\"prompt_tokens\":200,\"completion_tokens\":640,\"total_tokens\":840}",
            ),
            66 => Bytes::from_static(b"data: [DONE]\n\n"),
            _ => return None,
        };
        Some((Ok::<_, Infallible>(bytes), (number + 1, ticks)))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(steps)).into_response()
}
