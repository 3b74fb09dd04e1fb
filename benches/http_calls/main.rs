//! A relay over HTTP through `tools/call` and the short form, compared with a bare axum handler and
//! a server of the official Python SDK whose tool only answers.
//!
//! All but the Python server run in this process and share a runtime; only one of them is loaded at
//! a time. The candidates take turns in short rounds, so that other work of the machine affects
//! each equally; the results are medians of the rounds. The load generator shares the cores, so its
//! work reduces the calls per second. The CPU time per call is that of the server's threads only.

mod bare;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod cpu;
mod python;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use axum::serve::ListenerExt;
use random_connect::app::App;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::token::AuthTokens;
use random_connect::transport::http::limits::ConnectionLimits;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use client::{CallForm, LoadClient};
use common::{BenchResult, float, grouped, latencies, machine, median, micros};
use cpu::CpuSource;
use python::PythonServer;

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Number of connections. Each has a pair of users that write in turn.
const CONNECTIONS: usize = 64;
/// Number of measured rounds per candidate.
const ROUNDS: usize = 5;
/// Duration of a round.
const ROUND: Duration = Duration::from_secs(3);
/// Duration of the first round, which is not measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Part of every right response to a relay.
const SENT: &str = "📤 Message sent";

/// The name of the server's threads, which distinguishes their CPU time from the load generator's.
const SERVER_THREAD: &str = "server";

/// A measured server and call form, with its connections and results.
struct Candidate {
    name: &'static str,
    clients: Vec<LoadClient>,
    rounds: Vec<RoundResult>,
    /// Number of wrong responses.
    wrong: u64,
    server: CpuSource,
}

/// The results of one round.
struct RoundResult {
    calls_per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
    cpu_micros: f64,
}

impl Candidate {
    /// Opens all connections and matches their users.
    async fn new(
        name: &'static str,
        (address, server): (SocketAddr, CpuSource),
        form: CallForm,
        token: &str,
    ) -> BenchResult<Self> {
        let mut clients = Vec::new();
        // One after the other, so that the two users of a connection are matched with each other.
        for number in 0..CONNECTIONS {
            clients.push(LoadClient::connect(address, form, token, number).await?);
        }
        Ok(Self { name, clients, rounds: Vec::new(), wrong: 0, server })
    }

    /// Runs one round.
    async fn round(&mut self, duration: Duration) -> BenchResult<RoundResult> {
        let (cpu, stopwatch) = (self.server.nanos()?, Stopwatch::start());
        let running = std::mem::take(&mut self.clients).into_iter().map(|mut client| {
            tokio::spawn(async move {
                let mut latencies = latencies();
                let wrong = client.run(duration, &mut latencies).await?;
                BenchResult::Ok((client, latencies, wrong))
            })
        });
        let mut latencies = latencies();
        for task in running.collect::<Vec<_>>() {
            let (client, client_latencies, wrong) = task.await??;
            self.clients.push(client);
            latencies.add(client_latencies)?;
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

    /// Returns the median of a figure over all rounds.
    fn median(&self, figure: impl Fn(&RoundResult) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// Returns the median ratio of a figure to that of `other` in the same round.
    fn ratio(&self, other: &Self, figure: impl Fn(&RoundResult) -> f64) -> f64 {
        let rounds = self.rounds.iter().zip(&other.rounds);
        median(rounds.map(|(own, other)| figure(own) / figure(other)).collect())
    }
}

/// Starts the bare handler and the real server; returns their addresses.
async fn start(tokens: AuthTokens) -> BenchResult<(SocketAddr, SocketAddr)> {
    let bare_listener = TcpListener::bind("127.0.0.1:0").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addresses = (bare_listener.local_addr()?, listener.local_addr()?);
    let bare_listener = bare_listener.tap_io(|stream| {
        // Without this option a connection is only slower.
        let _ = stream.set_nodelay(true);
    });
    let routes = Router::new().route("/mcp", post(bare::relay));
    tokio::spawn(async move { axum::serve(bare_listener, routes).await });
    let setting = |name: &str| (name == "RATE_LIMITS").then(|| "off".into());
    let config = Config::from_lookup(TOOLSETS, setting).map_err(|_| "invalid settings")?;
    let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))
        .expect("the server starts");
    tokio::spawn(async move {
        app.serve_http(listener, tokens, ConnectionLimits::default(), CancellationToken::new())
            .await;
    });
    Ok(addresses)
}

/// Runs all rounds of all candidates, in turn.
async fn run_rounds(
    bare: SocketAddr,
    server: SocketAddr,
    token: &str,
) -> BenchResult<Vec<Candidate>> {
    let mut candidates = vec![
        Candidate::new("bare axum", (bare, CpuSource::Threads), CallForm::ToolsCall, token).await?,
        Candidate::new("short form", (server, CpuSource::Threads), CallForm::Short, token).await?,
        Candidate::new("`tools/call`", (server, CpuSource::Threads), CallForm::ToolsCall, token)
            .await?,
    ];
    let python = PythonServer::start().await?;
    let source = (python.address(), CpuSource::Process(python.id()));
    candidates
        .push(Candidate::new("the same tool in Python", source, CallForm::ToolsCall, token).await?);
    for candidate in &mut candidates {
        candidate.round(WARM_UP).await?;
    }
    for _ in 0..ROUNDS {
        for candidate in &mut candidates {
            let round = candidate.round(ROUND).await?;
            candidate.rounds.push(round);
        }
    }
    Ok(candidates)
}

fn print(candidates: &[Candidate]) {
    let [bare, ..] = candidates else { return };
    println!(
        "| Relay over HTTP | calls/s | relative to bare axum | p50 | p99 | server CPU per call | relative to bare axum |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for candidate in candidates {
        println!(
            "| {} | {} | {:.3} | {:.2} ms | {:.2} ms | {:.1} µs | {:.2} |",
            candidate.name,
            grouped(candidate.median(|round| round.calls_per_second)),
            candidate.ratio(bare, |round| round.calls_per_second),
            candidate.median(|round| round.p50_micros) / 1e3,
            candidate.median(|round| round.p99_micros) / 1e3,
            candidate.median(|round| round.cpu_micros),
            candidate.ratio(bare, |round| round.cpu_micros),
        );
    }
    println!(
        "\n{} Medians of {ROUNDS} rounds of {} s; {CONNECTIONS} connections, each with one call at \
         a time; the load generator shares the cores, but its CPU time is not in the last columns.",
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
    // Spawned, so that all work of the server runs on threads of its runtime.
    let (bare_address, server_address) = server.block_on(server.spawn(start(tokens)))??;
    let candidates = load.block_on(
        load.spawn(async move { run_rounds(bare_address, server_address, &token).await }),
    )??;
    print(&candidates);
    let wrong: u64 = candidates.iter().map(|candidate| candidate.wrong).sum();
    if wrong > 0 {
        eprintln!("error: {wrong} responses were not 200 or did not confirm a sent message");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
