//! How long a message takes from `send_message` to the notification at the other side, with many
//! agents connected, and how many such messages a second the server brings.
//!
//! Server and clients share the machine and its cores, so a figure includes the work of both, and
//! the way back of every answer. The clients are rmcp's own, over streamable HTTP with sessions.

mod common;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::token::AuthTokens;
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

use common::{Latencies, float, grouped, latencies, machine, median, micros, record};

// As in the binary: the server is measured as it runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SESSIONS: usize = 1_000;
/// Messages sent one after the other, each by another agent.
const MESSAGES: usize = 5_000;
/// Then pairs that all write at once, so many messages each.
const BUSY_PAIRS: usize = 64;
const BUSY_MESSAGES: usize = 100;
const ROUNDS: usize = 5;
/// Files that may be open: sockets of both sides, a few for each session.
const FD_LIMIT: u64 = 16_384;

/// Passes on what the server notifies of.
struct NotificationSink(mpsc::UnboundedSender<(String, Value)>);

impl ClientHandler for NotificationSink {
    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        _context: NotificationContext<RoleClient>,
    ) {
        let CustomNotification { method, params, .. } = notification;
        // Nobody listens any more once the benchmark is over.
        let _ = self.0.send((method, params.unwrap_or_default()));
    }
}

/// A connected agent in a chat.
struct PushAgent {
    client: RunningService<RoleClient, NotificationSink>,
    told: mpsc::UnboundedReceiver<(String, Value)>,
    user_id: String,
    room_id: String,
}

impl PushAgent {
    async fn connect(url: &str, token: &str) -> BenchResult<Self> {
        let (heard, told) = mpsc::unbounded_channel();
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{url}/mcp/session"))
            .auth_header(token);
        let client = NotificationSink(heard)
            .serve(StreamableHttpClientTransport::from_config(config))
            .await?;
        let mut agent = Self { client, told, user_id: String::new(), room_id: String::new() };
        let entered = agent.call("enter_queue", json!({})).await?;
        agent.user_id = string(&entered["user_id"]);
        agent.room_id = string(&entered["room_id"]);
        Ok(agent)
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> BenchResult<Value> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.client.call_tool(request).await?;
        result.structured_content.ok_or_else(|| format!("{tool} was refused").into())
    }

    async fn notification(&mut self, method: &str) -> BenchResult<Value> {
        loop {
            let (told, params) = self.told.recv().await.ok_or("the session has ended")?;
            if told == method {
                return Ok(params);
            }
        }
    }
}

/// The text of a value; empty where it is none.
fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Two agents in a chat.
struct AgentPair(PushAgent, PushAgent);

impl AgentPair {
    async fn meet(url: &str, token: &str) -> BenchResult<Self> {
        let mut one = PushAgent::connect(url, token).await?;
        let other = PushAgent::connect(url, token).await?;
        let found = one.notification("chatroom.found").await?;
        one.room_id = string(&found["room_id"]);
        Ok(Self(one, other))
    }

    /// Sends a message; how long it took to arrive.
    async fn exchange(&mut self) -> BenchResult<Duration> {
        let Self(sender, receiver) = self;
        let arguments = json!({
            "room_id": sender.room_id, "message": "Hello! How are you?", "user_id": sender.user_id,
        });
        let stopwatch = Stopwatch::start();
        let arrived = async {
            receiver.notification("message.received").await?;
            Ok::<_, Box<dyn Error + Send + Sync>>(stopwatch.elapsed())
        };
        let (sent, took) = tokio::join!(sender.call("send_message", arguments), arrived);
        sent?;
        std::mem::swap(&mut self.0, &mut self.1);
        took
    }
}

async fn start(tokens: AuthTokens) -> BenchResult<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let setting = |name: &str| match name {
        "TOOLSETS" => Some("penpal".into()),
        "RATE_LIMITS" => Some("off".into()),
        _ => None,
    };
    let config = Config::from_lookup(setting).map_err(|_| "the settings are refused")?;
    let app =
        App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>)).expect("a server");
    let limits = ConnectionLimits::with_sessions(8 * SESSIONS);
    tokio::spawn(async move {
        app.serve_http(listener, tokens, limits, CancellationToken::new()).await;
    });
    Ok(url)
}

async fn measure(url: String, token: String) -> BenchResult<()> {
    let mut pairs = Vec::with_capacity(SESSIONS / 2);
    for _ in 0..SESSIONS / 2 {
        pairs.push(AgentPair::meet(&url, &token).await?);
    }
    let mut alone = latencies();
    for number in 0..MESSAGES {
        let pair = number * 7 % pairs.len();
        record(&mut alone, pairs[pair].exchange().await?);
    }
    let mut crowded = latencies();
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let stopwatch = Stopwatch::start();
        let mut busy = JoinSet::new();
        for mut pair in pairs.drain(..BUSY_PAIRS) {
            busy.spawn(async move {
                let mut taken = Vec::with_capacity(BUSY_MESSAGES);
                for _ in 0..BUSY_MESSAGES {
                    taken.push(pair.exchange().await?);
                }
                BenchResult::Ok((taken, pair))
            });
        }
        while let Some(done) = busy.join_next().await {
            let (taken, pair) = done??;
            taken.into_iter().for_each(|took| record(&mut crowded, took));
            pairs.push(pair);
        }
        let seconds = stopwatch.elapsed().as_secs_f64();
        rates.push(float((BUSY_PAIRS * BUSY_MESSAGES) as u64) / seconds);
    }
    print(&alone, &crowded, median(rates));
    Ok(())
}

fn print(alone: &Latencies, crowded: &Latencies, per_second: f64) {
    println!("| `send_message` to notification, {SESSIONS} sessions | p50 | p99 | longest |");
    println!("|---|---:|---:|---:|");
    for (name, latencies) in [("one at a time", alone), ("64 pairs at once", crowded)] {
        let [p50, p99, longest] =
            [0.5, 0.99, 1.0].map(|quantile| micros(latencies, quantile) / 1e3);
        println!("| {name} | {p50:.2} ms | {p99:.2} ms | {longest:.2} ms |");
    }
    println!(
        "\n{} {} messages a second at once; clients and server share the cores.",
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
