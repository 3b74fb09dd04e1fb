//! Push latency from `send_message` to the partner's notification, and pushes per second.
//!
//! Server and clients share the process and its cores, so the results include the work of both and
//! the response to every call. The clients are those of rmcp, over streamable HTTP with sessions.

mod common;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::token::AuthTokens;
use random_connect::transport::channels::outbound;
use random_connect::transport::http::limits::ConnectionLimits;
use rmcp::model::{CallToolRequestParams, CustomNotification};
use rmcp::service::{NotificationContext, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Number of connected agents.
const SESSIONS: usize = 1_000;
/// Number of messages sent one after the other, each by another agent.
const MESSAGES: usize = 5_000;
/// Number of pairs that send concurrently.
const BUSY_PAIRS: usize = 64;
/// Number of messages of each of these pairs per round.
const BUSY_MESSAGES: usize = 100;
/// Number of concurrent rounds.
const ROUNDS: usize = 5;
/// Required limit of open files: the sockets of both sides, a few per session.
const FD_LIMIT: u64 = 16_384;

/// Forwards method and parameters of each notification.
struct NotificationSink(mpsc::UnboundedSender<(String, Value)>);

impl ClientHandler for NotificationSink {
    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        _context: NotificationContext<RoleClient>,
    ) {
        let CustomNotification { method, params, .. } = notification;
        // The receiver is gone once the benchmark is over.
        let _ = self.0.send((method, params.unwrap_or_default()));
    }
}

/// A connected agent in a chat.
struct PushAgent {
    client: RunningService<RoleClient, NotificationSink>,
    notifications: mpsc::UnboundedReceiver<(String, Value)>,
    user_id: String,
    room_id: String,
}

impl PushAgent {
    /// Connects and enters the queue.
    async fn connect(url: &str, token: &str) -> BenchResult<Self> {
        let (sender, notifications) = mpsc::unbounded_channel();
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{url}/mcp/session"))
            .auth_header(token);
        let client = NotificationSink(sender)
            .serve(StreamableHttpClientTransport::with_client(outbound::http_client(None)?, config))
            .await?;
        let mut agent =
            Self { client, notifications, user_id: String::new(), room_id: String::new() };
        let entered = agent.call("enter_queue", json!({})).await?;
        agent.user_id = string(&entered["user_id"]);
        agent.room_id = string(&entered["room_id"]);
        Ok(agent)
    }

    /// Calls a tool; returns its structured content.
    async fn call(&self, tool: &'static str, arguments: Value) -> BenchResult<Value> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.client.call_tool(request).await?;
        result.structured_content.ok_or_else(|| format!("{tool} was rejected").into())
    }

    /// Waits for the next notification of this method and skips others.
    async fn notification(&mut self, method: &str) -> BenchResult<Value> {
        loop {
            let (received, params) =
                self.notifications.recv().await.ok_or("the session has ended")?;
            if received == method {
                return Ok(params);
            }
        }
    }
}

/// Returns the text of a JSON string; empty for any other value.
fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Two agents in a chat.
struct AgentPair(PushAgent, PushAgent);

impl AgentPair {
    /// Connects two agents, which are matched with each other.
    async fn meet(url: &str, token: &str) -> BenchResult<Self> {
        let mut first = PushAgent::connect(url, token).await?;
        let second = PushAgent::connect(url, token).await?;
        let found = first.notification("chatroom.found").await?;
        first.room_id = string(&found["room_id"]);
        Ok(Self(first, second))
    }

    /// Sends a message and swaps the roles; returns the latency until it arrived.
    async fn exchange(&mut self) -> BenchResult<Duration> {
        let Self(sender, receiver) = self;
        let arguments = json!({
            "room_id": sender.room_id, "message": "Hello! How are you?", "user_id": sender.user_id,
        });
        let stopwatch = Stopwatch::start();
        let arrived = async {
            receiver.notification("message.received").await?;
            BenchResult::Ok(stopwatch.elapsed())
        };
        let (sent, took) = tokio::join!(sender.call("send_message", arguments), arrived);
        sent?;
        std::mem::swap(&mut self.0, &mut self.1);
        took
    }
}

/// Starts the server; returns its URL.
async fn start(tokens: AuthTokens) -> BenchResult<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let setting = |name: &str| match name {
        "TOOLSETS" => Some("penpal".into()),
        "RATE_LIMITS" => Some("off".into()),
        _ => None,
    };
    let config = Config::from_lookup(TOOLSETS, setting).map_err(|_| "invalid settings")?;
    let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))
        .expect("the server starts");
    let limits = ConnectionLimits::with_sessions(8 * SESSIONS);
    tokio::spawn(async move {
        app.serve_http(listener, tokens, limits, CancellationToken::new()).await;
    });
    Ok(url)
}

/// Measures and prints the results.
async fn measure(url: String, token: String) -> BenchResult<()> {
    let mut pairs = Vec::with_capacity(SESSIONS / 2);
    for _ in 0..SESSIONS / 2 {
        pairs.push(AgentPair::meet(&url, &token).await?);
    }
    let mut sequential = latencies();
    for number in 0..MESSAGES {
        let pair = number * 7 % pairs.len();
        record(&mut sequential, pairs[pair].exchange().await?);
    }
    let mut concurrent = latencies();
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let stopwatch = Stopwatch::start();
        let mut busy = JoinSet::new();
        for mut pair in pairs.drain(..BUSY_PAIRS) {
            busy.spawn(async move {
                let mut elapsed = Vec::with_capacity(BUSY_MESSAGES);
                for _ in 0..BUSY_MESSAGES {
                    elapsed.push(pair.exchange().await?);
                }
                BenchResult::Ok((elapsed, pair))
            });
        }
        while let Some(result) = busy.join_next().await {
            let (elapsed, pair) = result??;
            elapsed.into_iter().for_each(|took| record(&mut concurrent, took));
            pairs.push(pair);
        }
        let seconds = stopwatch.elapsed().as_secs_f64();
        rates.push(float((BUSY_PAIRS * BUSY_MESSAGES) as u64) / seconds);
    }
    print(&sequential, &concurrent, median(rates));
    Ok(())
}

fn print(sequential: &Latencies, concurrent: &Latencies, per_second: f64) {
    println!("| `send_message` to notification, {SESSIONS} sessions | p50 | p99 | max |");
    println!("|---|---:|---:|---:|");
    for (name, latencies) in [("one at a time", sequential), ("64 pairs concurrently", concurrent)]
    {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| micros(latencies, quantile) / 1e3);
        println!("| {name} | {p50:.2} ms | {p99:.2} ms | {max:.2} ms |");
    }
    println!(
        "\n{} {} messages per second concurrently; clients and server share the cores.",
        machine(),
        grouped(per_second)
    );
}

fn main() -> BenchResult<ExitCode> {
    rlimit::increase_nofile_limit(FD_LIMIT)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let tokens = AuthTokens::generate(&mut seeded_rng());
    let token = tokens.current().to_owned();
    runtime.block_on(runtime.spawn(async move {
        let url = start(tokens).await?;
        measure(url, token).await
    }))??;
    Ok(ExitCode::SUCCESS)
}
