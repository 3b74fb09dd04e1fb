//! A relay over HTTP, through `tools/call` and through the plain form, beside a bare axum handler
//! that parses the same body and answers the same JSON, and beside a server made with the official
//! Python SDK whose tool does nothing but answer.
//!
//! The first three run in this process and share a runtime; only one of them is loaded at a time. They
//! take turns in short rounds, so that whatever else the machine does meets each alike, and the
//! medians of the rounds are shown. The load generator needs the same cores, so the calls per
//! second include its work. The CPU time per call does not: it is that of the server's threads.

mod bare;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod cpu;
mod python;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use axum::serve::ListenerExt;
use random_connect::app::App;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::token::AuthTokens;
use random_connect::transport::http::limits::ConnectionLimits;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use client::{CallForm, LoadClient};
use common::{float, grouped, latencies, machine, median, micros};
use cpu::CpuSource;
use python::PythonServer;

// As in the binary: the server is measured as it runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Each has a pair of people who write to each other in turn.
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);

/// In every right answer to a relay.
const SENT: &str = "📤 Message sent";

/// The name of the server's threads, by which their CPU time is told from the load generator's.
const SERVER_THREAD: &str = "server";

/// One way of being called, with its open connections and its rounds so far.
struct Candidate {
    name: &'static str,
    clients: Vec<LoadClient>,
    rounds: Vec<RoundResult>,
    wrong: u64,
    server: CpuSource,
}

/// The figures of one round.
struct RoundResult {
    calls_per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
    cpu_micros: f64,
}

impl Candidate {
    async fn new(
        name: &'static str,
        (at, server): (SocketAddr, CpuSource),
        form: CallForm,
        token: &str,
    ) -> BenchResult<Self> {
        let mut clients = Vec::new();
        // One after the other: who asks to meet is paired with the other of the same connection.
        for number in 0..CONNECTIONS {
            clients.push(LoadClient::connect(at, form, token, number).await?);
        }
        Ok(Self { name, clients, rounds: Vec::new(), wrong: 0, server })
    }

    async fn round(&mut self, span: Duration) -> BenchResult<RoundResult> {
        let (cpu, stopwatch) = (self.server.nanos()?, Stopwatch::start());
        let running = std::mem::take(&mut self.clients).into_iter().map(|mut client| {
            tokio::spawn(async move {
                let mut latencies = latencies();
                let wrong = client.run(span, &mut latencies).await?;
                BenchResult::Ok((client, latencies, wrong))
            })
        });
        let mut latencies = latencies();
        for ended in running.collect::<Vec<_>>() {
            let (client, of_client, wrong) = ended.await??;
            self.clients.push(client);
            latencies.add(of_client)?;
            self.wrong += wrong;
        }
        let (took, cpu) = (stopwatch.elapsed(), self.server.nanos()?.saturating_sub(cpu));
        Ok(RoundResult {
            calls_per_second: float(latencies.len()) / took.as_secs_f64(),
            p50_micros: micros(&latencies, 0.5),
            p99_micros: micros(&latencies, 0.99),
            cpu_micros: float(cpu) / 1e3 / float(latencies.len()),
        })
    }

    fn median(&self, figure: impl Fn(&RoundResult) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// The median of the ratios to the rounds of `other` that were run beside one's own.
    fn ratio(&self, other: &Self, figure: impl Fn(&RoundResult) -> f64) -> f64 {
        let beside = self.rounds.iter().zip(&other.rounds);
        median(beside.map(|(own, other)| figure(own) / figure(other)).collect())
    }
}

/// Starts the handler and the real server on ports of their own.
async fn start(tokens: AuthTokens) -> BenchResult<(SocketAddr, SocketAddr)> {
    let bare_listener = TcpListener::bind("127.0.0.1:0").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addresses = (bare_listener.local_addr()?, listener.local_addr()?);
    let bare_listener = bare_listener.tap_io(|stream| {
        // A connection without it would only be slower: the figures would show it.
        let _ = stream.set_nodelay(true);
    });
    let routes = Router::new().route("/mcp", post(bare::relay));
    tokio::spawn(async move { axum::serve(bare_listener, routes).await });
    let setting = |name: &str| (name == "RATE_LIMITS").then(|| "off".into());
    let config = Config::from_lookup(setting).map_err(|_| "the settings are refused")?;
    let app =
        App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>)).expect("a server");
    tokio::spawn(async move {
        app.serve_http(listener, tokens, ConnectionLimits::default(), CancellationToken::new())
            .await;
    });
    Ok(addresses)
}

/// Lets the contestants take turns.
async fn run_rounds(
    bare: SocketAddr,
    server: SocketAddr,
    token: &str,
) -> BenchResult<Vec<Candidate>> {
    let mut contestants = vec![
        Candidate::new("bare axum", (bare, CpuSource::Threads), CallForm::ToolsCall, token).await?,
        Candidate::new("plain form", (server, CpuSource::Threads), CallForm::Plain, token).await?,
        Candidate::new("`tools/call`", (server, CpuSource::Threads), CallForm::ToolsCall, token)
            .await?,
    ];
    let python = PythonServer::start().await?;
    let at = (python.address(), CpuSource::Process(python.id()));
    contestants
        .push(Candidate::new("the same tool in Python", at, CallForm::ToolsCall, token).await?);
    for contestant in &mut contestants {
        contestant.round(WARM_UP).await?;
    }
    for _ in 0..ROUNDS {
        for contestant in &mut contestants {
            let round = contestant.round(ROUND).await?;
            contestant.rounds.push(round);
        }
    }
    Ok(contestants)
}

fn print(contestants: &[Candidate]) {
    let [bare, ..] = contestants else { return };
    println!(
        "| Relay over HTTP | calls/s | of bare axum | p50 | p99 | server CPU per call | of bare axum |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for contestant in contestants {
        println!(
            "| {} | {} | {:.3} | {:.2} ms | {:.2} ms | {:.1} µs | {:.2} |",
            contestant.name,
            grouped(contestant.median(|round| round.calls_per_second)),
            contestant.ratio(bare, |round| round.calls_per_second),
            contestant.median(|round| round.p50_micros) / 1e3,
            contestant.median(|round| round.p99_micros) / 1e3,
            contestant.median(|round| round.cpu_micros),
            contestant.ratio(bare, |round| round.cpu_micros),
        );
    }
    println!(
        "\n{} Medians of {ROUNDS} rounds of {} s; {CONNECTIONS} connections, each with one call at \
         a time; the load generator shares the cores, its CPU time is not in the last columns.",
        machine(),
        ROUND.as_secs(),
    );
}

fn runtime(thread_name: &str) -> io::Result<Runtime> {
    Builder::new_multi_thread().thread_name(thread_name).enable_all().build()
}

fn main() -> BenchResult<ExitCode> {
    let (server, load) = (runtime(SERVER_THREAD)?, runtime("load")?);
    let tokens = AuthTokens::generate(&mut seeded_rng());
    let token = tokens.current().to_owned();
    // On a thread of the runtime: nothing of the server may run elsewhere.
    let (bare_at, server_at) = server.block_on(server.spawn(start(tokens)))??;
    let contestants =
        load.block_on(load.spawn(async move { run_rounds(bare_at, server_at, &token).await }))??;
    print(&contestants);
    let wrong: u64 = contestants.iter().map(|contestant| contestant.wrong).sum();
    if wrong > 0 {
        eprintln!("error: {wrong} answers were not 200 or did not tell of a message sent");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
