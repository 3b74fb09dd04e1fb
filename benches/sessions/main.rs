//! Many live sessions: memory of each, push latency, and leaks after an hour's number of openings.
//!
//! The server is a separate process, whose memory is read from `/proc`; both processes share the
//! machine and its cores. Each session has its own open connection for pushes. All agents post over
//! shared connections, because the server closes a connection that is idle for half a minute.

mod agent;
mod churn;
#[path = "../common/mod.rs"]
mod common;
mod http;
mod open;
mod server;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use agent::TransportKind;
use churn::ChurnSample;
use common::{BenchResult, float, grouped, machine, micros};
use open::OpenReport;

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Number of open sessions.
const SESSIONS: usize = 10_000;
/// Number of concurrent requests of the load.
const WORKERS: usize = 64;
/// Required limit of open files: a socket per session and some spare.
const FD_LIMIT: u64 = 12_000;
/// Time after which an awaited event counts as lost.
const LOSS_TIMEOUT: Duration = Duration::from_secs(60);

/// The argument for the first part only: `cargo bench --bench sessions -- open`.
const OPEN: &str = "open";
/// The argument for the second part only.
const CHURN: &str = "churn";

/// Measures one part or both; fails if memory grew.
async fn measure(part: Option<&str>) -> BenchResult<ExitCode> {
    if part != Some(CHURN) {
        let mut reports = Vec::new();
        for transport in TransportKind::ALL {
            reports.push((transport, open::measure(transport).await?));
        }
        print(&reports);
    }
    let grew = part != Some(OPEN) && print_churn(&churn::measure().await?);
    println!("\n{}", machine());
    Ok(if grew { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints the samples; returns `true` if memory grew.
fn print_churn(samples: &[ChurnSample]) -> bool {
    println!("\n| openings | after | live sessions | users | memory |");
    println!("|---:|---:|---:|---:|---:|");
    for ChurnSample { openings, seconds, figures, memory } in samples {
        let [openings, sessions, users] =
            [*openings, figures.sessions, figures.users].map(|figure| grouped(float(figure)));
        let mib = float(*memory) / 1024.0;
        println!("| {openings} | {seconds:.0} s | {sessions} | {users} | {mib:.1} MiB |");
    }
    let settled = &samples[churn::BASELINE_SAMPLE..samples.len() - 1];
    let [first, last] =
        [settled.first(), settled.last()].map(|sample| sample.map_or(0, |sample| sample.memory));
    let grew = last > first + first * churn::TOLERANCE_PERCENT / 100;
    println!(
        "\n{} openings; after {} of them, memory changed by {:+.1} % ({} % allowed).",
        grouped(float(churn::OPENINGS)),
        grouped(float(settled.first().map_or(0, |sample| sample.openings))),
        100.0 * (float(last) / float(first) - 1.0),
        churn::TOLERANCE_PERCENT,
    );
    grew
}

fn print(reports: &[(TransportKind, OpenReport)]) {
    let per_session =
        |kib: u64, before: u64| float(kib.saturating_sub(before)) / float(SESSIONS as u64);
    let mib = |kib: u64| float(kib) / 1024.0;
    println!(
        "| {} sessions | before | open | per session | in a chat | after messages | all closed | open again |",
        grouped(float(SESSIONS as u64))
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (transport, OpenReport { before, open, chatting, messaged, closed, reopened, .. }) in
        reports
    {
        println!(
            "| {} | {:.0} MiB | {:.0} MiB | {:.1} KiB | {:.1} KiB | {:.1} KiB | {:.0} MiB | {:.0} MiB |",
            transport.name(),
            mib(*before),
            mib(*open),
            per_session(*open, *before),
            per_session(*chatting, *before),
            per_session(*messaged, *before),
            mib(*closed),
            mib(*reopened),
        );
    }
    println!("\n| pushes, {WORKERS} sent concurrently | arrived | per second | p50 | p99 | max |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (transport, OpenReport { pushes, per_second, latencies, .. }) in reports {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| micros(latencies, quantile) / 1e3);
        println!(
            "| {} | {} | {} | {p50:.2} ms | {p99:.2} ms | {max:.2} ms |",
            transport.name(),
            grouped(float(*pushes)),
            grouped(*per_second),
        );
    }
}

fn main() -> BenchResult<ExitCode> {
    if server::serve_if_requested()? {
        return Ok(ExitCode::SUCCESS);
    }
    if rlimit::increase_nofile_limit(FD_LIMIT)? < FD_LIMIT {
        return Err("the limit of open files is too low: see `ulimit -Hn`".into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let part = env::args().nth(1).filter(|argument| !argument.starts_with("--"));
    runtime.block_on(measure(part.as_deref()))
}
