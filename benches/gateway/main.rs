//! Requests to a model through this server's gateway, with durable accounts, compared with other gateways without any.
//!
//! The provider is a stand-in in this process, which shares core 0 with the load generator; each gateway has core 1. The
//! gateways take turns in short rounds, so that other work of the machine affects each equally; the results are medians
//! of the rounds. A gateway that is not installed is left out: docs/performance.md has the commands that install them.
//! Arguments choose some of `sqlite`, `postgres`, `tensorzero`, `portkey` and `litellm`.

mod candidates;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod process;
mod stand_in;
mod tokens;

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use tokio::runtime::Builder;

use candidates::Candidate;
use client::{GatewayClient, StreamDelays};
use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};

/// Number of concurrent callers in the rounds that measure calls per second.
const CALLERS: usize = 64;

/// Number of concurrent streams.
const STREAMS: usize = 256;

/// Number of idle connections in the measurement of memory.
const SOCKETS: usize = 1_000;

/// Number of measured rounds.
const ROUNDS: usize = 5;

/// Duration of a round.
const ROUND: Duration = Duration::from_secs(2);

/// The figures of one gateway, one per round. Times are microseconds.
#[derive(Default)]
struct Figures {
    p50: Vec<f64>,
    p99: Vec<f64>,
    calls_per_second: Vec<f64>,
    cpu: Vec<f64>,
    first: Vec<f64>,
    frame_p50: Vec<f64>,
    frame_p99: Vec<f64>,
    stream_error: Option<String>,
    idle_memory: f64,
    memory: f64,
    connections: Vec<GatewayClient>,
}

async fn connect(candidate: &Candidate, count: usize) -> BenchResult<Vec<GatewayClient>> {
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push(GatewayClient::connect(&candidate.route, number).await?);
    }
    Ok(clients)
}

/// One caller.
async fn one_caller(figures: &mut Figures) -> BenchResult<()> {
    let mut latencies = latencies();
    let client = figures.connections.first_mut().ok_or("no connection")?;
    client.run(ROUND, &mut latencies).await?;
    figures.p50.push(micros(&latencies, 0.5));
    figures.p99.push(micros(&latencies, 0.99));
    Ok(())
}

/// [`CALLERS`] callers.
async fn many_callers(candidate: &Candidate, figures: &mut Figures) -> BenchResult<()> {
    let cpu = || candidate.process.as_ref().map_or(Ok(0), process::GatewayProcess::cpu);
    let (before, stopwatch) = (cpu()?, Stopwatch::start());
    let running = std::mem::take(&mut figures.connections).into_iter().map(|mut client| {
        tokio::spawn(async move {
            let mut latencies = latencies();
            client.run(ROUND, &mut latencies).await?;
            BenchResult::Ok((client, latencies))
        })
    });
    let mut latencies = latencies();
    for task in running.collect::<Vec<_>>() {
        let (client, of_client) = task.await??;
        figures.connections.push(client);
        latencies.add(of_client)?;
    }
    let (took, used) = (stopwatch.elapsed(), cpu()? - before);
    figures.calls_per_second.push(float(latencies.len()) / took.as_secs_f64());
    figures.cpu.push(float(used) / 1e3 / float(latencies.len()));
    Ok(())
}

/// [`STREAMS`] concurrent streams.
async fn streams(candidate: &Candidate, figures: &mut Figures) -> BenchResult<()> {
    let running = connect(candidate, STREAMS).await?.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let mut delays = StreamDelays { first: latencies(), frames: latencies() };
            let deltas = client.stream(&mut delays).await?;
            if deltas == stand_in::DELTAS { Ok(delays) } else { Err("lost deltas".into()) }
        })
    });
    let (mut first, mut frames): (Latencies, Latencies) = (latencies(), latencies());
    for task in running.collect::<Vec<_>>() {
        let delays: BenchResult<StreamDelays> = task.await?;
        let delays = delays?;
        first.add(delays.first)?;
        frames.add(delays.frames)?;
    }
    figures.first.push(micros(&first, 0.5));
    figures.frame_p50.push(micros(&frames, 0.5));
    figures.frame_p99.push(micros(&frames, 0.99));
    Ok(())
}

/// The resident memory after the start, and with [`SOCKETS`] connections that have made a call each.
async fn memory(candidate: &Candidate, figures: &mut Figures) -> BenchResult<()> {
    let Some(process) = &candidate.process else { return Ok(()) };
    let mut clients = connect(candidate, SOCKETS).await?;
    for client in &mut clients {
        client.call().await?;
    }
    figures.memory = process.memory()?;
    Ok(())
}

async fn measure(candidates: &[Candidate]) -> BenchResult<Vec<Figures>> {
    let mut all = Vec::new();
    for candidate in candidates {
        let idle_memory =
            candidate.process.as_ref().map_or(Ok(0.0), process::GatewayProcess::memory)?;
        all.push(Figures { idle_memory, ..Figures::default() });
    }
    for _ in 0..ROUNDS {
        for (candidate, figures) in candidates.iter().zip(&mut all) {
            let measured = async {
                // Some gateways close connections that are idle for the turns of the others.
                figures.connections = connect(candidate, CALLERS).await?;
                for client in &mut figures.connections {
                    client.call().await?;
                }
                one_caller(figures).await?;
                many_callers(candidate, figures).await
            };
            measured.await.map_err(|error| format!("{}: {error}", candidate.name))?;
            // A gateway that can't stream has no figures of streams.
            if let Err(error) = streams(candidate, figures).await {
                figures.stream_error = Some(error.to_string().chars().take(100).collect());
            }
        }
    }
    for (candidate, figures) in candidates.iter().zip(&mut all) {
        memory(candidate, figures).await?;
    }
    Ok(all)
}

/// The time of what each commit waits for: a write to the disk.
fn disk_latencies() -> BenchResult<Latencies> {
    let mut file = tempfile::tempfile_in("target")?;
    let mut latencies = latencies();
    for _ in 0..1_000 {
        let stopwatch = Stopwatch::start();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        record(&mut latencies, stopwatch.elapsed());
    }
    Ok(latencies)
}

fn print(candidates: &[Candidate], all: &[Figures]) -> BenchResult<()> {
    println!(
        "| Gateway | added p50 | added p99 | calls/s, {CALLERS} callers | CPU per call | added time to first delta, \
         {STREAMS} streams | delay per frame p50 | p99 | memory | with {SOCKETS} connections |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let Some(direct) = all.first() else { return Ok(()) };
    // The difference of the same round.
    let added = |own: &[f64], direct: &[f64]| {
        median(own.iter().zip(direct).map(|(own, direct)| own - direct).collect())
    };
    for (candidate, figures) in candidates.iter().zip(all) {
        let of_streams = match &figures.stream_error {
            Some(_) => "– | – | –".to_owned(),
            None => format!(
                "{:.2} ms | {:.0} µs | {:.0} µs",
                added(&figures.first, &direct.first) / 1e3,
                added(&figures.frame_p50, &direct.frame_p50),
                added(&figures.frame_p99, &direct.frame_p99),
            ),
        };
        println!(
            "| {} | {:.0} µs | {:.0} µs | {} | {:.0} µs | {of_streams} | {:.0} MiB | {:.0} MiB |",
            candidate.name,
            added(&figures.p50, &direct.p50),
            added(&figures.p99, &direct.p99),
            grouped(median(figures.calls_per_second.clone())),
            median(figures.cpu.clone()),
            figures.idle_memory,
            figures.memory,
        );
    }
    for (candidate, figures) in candidates.iter().zip(all) {
        if let Some(error) = &figures.stream_error {
            println!("\nThe streams of {} failed: {error:?}", candidate.name);
        }
    }
    println!(
        "\n{} Medians of {ROUNDS} rounds of {} s. Without a gateway: p50 {:.0} µs, p99 {:.0} µs.",
        machine(),
        ROUND.as_secs(),
        median(direct.p50.clone()),
        median(direct.p99.clone()),
    );
    let disk = disk_latencies()?;
    println!(
        "The disk writes and syncs 4 KiB in {:.0} µs (p50), {:.0} µs (p99).",
        micros(&disk, 0.5),
        micros(&disk, 0.99)
    );
    for (candidate, figures) in candidates.iter().zip(all).skip(1) {
        let (p50, calls) = (&figures.p50, &figures.calls_per_second);
        println!("Rounds of {}: p50 {p50:.0?} µs, {calls:.0?} calls/s", candidate.name);
    }
    Ok(())
}

async fn run() -> BenchResult<()> {
    let provider = stand_in::start().await?;
    let mut candidates = vec![Candidate::direct(provider)];
    let all = ["sqlite", "postgres", "tensorzero", "portkey", "litellm"];
    let chosen: Vec<_> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let is_chosen = |name: &&str| chosen.is_empty() || chosen.iter().any(|other| other == name);
    for name in all.into_iter().filter(is_chosen) {
        let candidate = match name {
            "sqlite" => Some(Candidate::sqlite(provider).await?),
            "postgres" => Some(Candidate::postgres(provider).await?),
            "tensorzero" => Candidate::tensorzero(provider)?,
            "portkey" => Candidate::portkey(provider).await?,
            _ => Candidate::litellm(provider).await?,
        };
        match candidate {
            Some(candidate) => candidates.push(candidate),
            None => println!("{name} is not installed and left out."),
        }
    }
    let figures = measure(&candidates).await?;
    print(&candidates, &figures)
}

fn main() -> BenchResult<()> {
    // Before the runtime starts, so that its threads have the same core.
    let id = std::process::id().to_string();
    if !Command::new("taskset").args(["-cp", "0", &id]).output()?.status.success() {
        return Err("taskset can't set the core".into());
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(run()).await? })
}
