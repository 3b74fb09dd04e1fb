//! Many live sessions: what each takes of the server's memory, how fast the server brings them their
//! messages, and whether anything is left behind when they come and go for as long as an hour.
//!
//! The server is a process of its own, whose memory is read from the system; both processes share the
//! machine and its cores. A session has one open connection for what it is told; what agents post goes
//! over connections that all share, as a server closes an agent's own when nothing was posted for
//! half a minute.

mod agent;
mod churn;
#[path = "../common/mod.rs"]
mod common;
mod http;
mod open;
mod server;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use agent::TransportKind;
use churn::ChurnSample;
use common::{float, grouped, machine, micros};
use open::OpenReport;

// As in the binary: the server is measured as it runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SESSIONS: usize = 10_000;
/// How much is posted at once.
const WORKERS: usize = 64;
/// Files that may be open: a socket for each session, and some more.
const FD_LIMIT: u64 = 12_000;
/// How long anything may take before it counts as lost.
const LOSS_TIMEOUT: Duration = Duration::from_secs(60);

/// What can be measured by itself: `cargo bench --bench sessions -- churn`.
const OPEN: &str = "open";
const CHURN: &str = "churn";

async fn measure(part: Option<&str>) -> BenchResult<ExitCode> {
    if part != Some(CHURN) {
        let mut measured = Vec::new();
        for way in TransportKind::ALL {
            measured.push((way, open::measure(way).await?));
        }
        print(&measured);
    }
    let grew = part != Some(OPEN) && print_churn(&churn::measure().await?);
    println!("\n{}", machine());
    Ok(if grew { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints how it went, and says whether memory grew.
fn print_churn(samples: &[ChurnSample]) -> bool {
    println!("\n| openings | after | live sessions | people | memory |");
    println!("|---:|---:|---:|---:|---:|");
    for ChurnSample { openings, seconds, figures, memory } in samples {
        let [openings, sessions, people] =
            [*openings, figures.sessions, figures.people].map(|figure| grouped(float(figure)));
        let mib = float(*memory) / 1024.0;
        println!("| {openings} | {seconds:.0} s | {sessions} | {people} | {mib:.1} MiB |");
    }
    let settled = &samples[churn::BASELINE_SAMPLE..samples.len() - 1];
    let [first, last] =
        [settled.first(), settled.last()].map(|sample| sample.map_or(0, |sample| sample.memory));
    let grew = last > first + first * churn::TOLERANCE_PERCENT / 100;
    println!(
        "\nThe {} openings of an hour; from {} on memory changed by {:+.1} % ({} % allowed).",
        grouped(float(churn::OPENINGS)),
        grouped(float(settled.first().map_or(0, |sample| sample.openings))),
        100.0 * (float(last) / float(first) - 1.0),
        churn::TOLERANCE_PERCENT,
    );
    grew
}

fn print(measured: &[(TransportKind, OpenReport)]) {
    let each = |kib: u64, before: u64| float(kib.saturating_sub(before)) / float(SESSIONS as u64);
    let mib = |kib: u64| float(kib) / 1024.0;
    println!(
        "| {} sessions | before | open | each | in a chat | after messages | all closed | as many again |",
        grouped(float(SESSIONS as u64))
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (way, OpenReport { before, open, chatting, written, after, again, .. }) in measured {
        println!(
            "| {} | {:.0} MiB | {:.0} MiB | {:.1} KiB | {:.1} KiB | {:.1} KiB | {:.0} MiB | {:.0} MiB |",
            way.name(),
            mib(*before),
            mib(*open),
            each(*open, *before),
            each(*chatting, *before),
            each(*written, *before),
            mib(*after),
            mib(*again),
        );
    }
    println!("\n| pushes, {WORKERS} sent at once | arrived | a second | p50 | p99 | longest |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (way, OpenReport { pushes, per_second, latencies, .. }) in measured {
        let [p50, p99, longest] =
            [0.5, 0.99, 1.0].map(|quantile| micros(latencies, quantile) / 1e3);
        println!(
            "| {} | {} | {} | {p50:.2} ms | {p99:.2} ms | {longest:.2} ms |",
            way.name(),
            grouped(float(*pushes)),
            grouped(*per_second),
        );
    }
}

fn main() -> BenchResult<ExitCode> {
    if server::serve_if_asked()? {
        return Ok(ExitCode::SUCCESS);
    }
    if rlimit::increase_nofile_limit(FD_LIMIT)? < FD_LIMIT {
        return Err("too few files may be open: see `ulimit -Hn`".into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let part = env::args().nth(1).filter(|argument| !argument.starts_with("--"));
    runtime.block_on(measure(part.as_deref()))
}
