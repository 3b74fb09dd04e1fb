//! Sessions that come and go, as many as in an hour but as fast as the machine can.
//!
//! An hour in which 10,000 sessions are open and each for a minute has 600,000 openings and as many
//! ends. Here it goes faster, so that the limits that end what was left without a word are shorter too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::agent::{LoadAgent, SharedStats, TransportKind};
use crate::http::{HttpConnection, LoadTarget};
use crate::server::{ServerFigures, ServerProcess};
use crate::{BenchResult, SESSIONS, WORKERS};

/// Openings once all are open: those of an hour.
pub const OPENINGS: u64 = 600_000;
/// People; whoever's turn it is again comes back.
const PEOPLE: u64 = 30_000;
/// Of so many sessions two are left without a word: of one the connection is closed, of one reset.
const ABANDON_ONE_IN: u64 = 10;
const SESSION_IDLE: Duration = Duration::from_secs(20);
const PEOPLE_IDLE: Duration = Duration::from_secs(120);
/// The sample from which on nothing is to grow: by then those who left without a word come to an end
/// as fast as others leave, and everybody has been there.
pub const BASELINE_SAMPLE: usize = 2;
/// By how many percent memory may differ all the same.
pub const TOLERANCE_PERCENT: u64 = 5;

/// How the server stood after a part of the openings.
pub struct ChurnSample {
    pub openings: u64,
    pub seconds: f64,
    pub figures: ServerFigures,
    /// In KiB.
    pub memory: u64,
}

/// A sample when all are open, one after each tenth of the openings, and one when all are gone.
pub async fn measure() -> BenchResult<Vec<ChurnSample>> {
    let server = ServerProcess::start(SESSION_IDLE, PEOPLE_IDLE).await?;
    let hall = SharedStats::new(&server.target);
    let openings = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(churn(Arc::clone(&hall), Arc::clone(&server.target), Arc::clone(&openings)));
    }
    let stopwatch = Stopwatch::start();
    let mut samples = Vec::new();
    let mut open = Vec::new();
    let sample = async |openings: u64| {
        BenchResult::Ok(ChurnSample {
            openings,
            seconds: stopwatch.elapsed().as_secs_f64(),
            figures: server.figures().await?,
            memory: server.memory()?,
        })
    };
    loop {
        let opened = openings.load(Ordering::Relaxed).min(ALL);
        if opened >= SESSIONS as u64 + samples.len() as u64 * (OPENINGS / 10) {
            samples.push(sample(opened - SESSIONS as u64).await?);
        }
        while let Some(done) = workers.try_join_next() {
            open.extend(done??);
        }
        if workers.is_empty() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    drop(open);
    server.empty().await?;
    samples.push(sample(OPENINGS).await?);
    Ok(samples)
}

/// All openings, with those until all are open.
const ALL: u64 = SESSIONS as u64 + OPENINGS;

/// Opens one session after the other and ends the oldest for it, until there were enough of them.
async fn churn(
    hall: Arc<SharedStats>,
    target: Arc<LoadTarget>,
    openings: Arc<AtomicU64>,
) -> BenchResult<VecDeque<LoadAgent>> {
    let mut connection = HttpConnection::open(&target).await?;
    let mut open = VecDeque::new();
    loop {
        let number = openings.fetch_add(1, Ordering::Relaxed);
        if number >= ALL {
            return Ok(open.into_iter().map(|(agent, _)| agent).collect());
        }
        if open.len() >= SESSIONS / WORKERS
            && let Some((agent, orderly)) = open.pop_front()
        {
            leave(agent, orderly, &mut connection).await?;
        }
        let way = [
            TransportKind::Http,
            TransportKind::WebSocket,
            TransportKind::Http,
            TransportKind::Sse,
        ][(number % 4) as usize];
        let manner = number / 4 % ABANDON_ONE_IN;
        let mut agent = LoadAgent::open(&hall, &mut connection, way, manner == 0).await?;
        agent.enter(&mut connection, Some(&format!("agent-{}", number % PEOPLE))).await?;
        if let Some(room) = agent.room() {
            // The partner may have left meanwhile.
            let _ = agent.write(&room, &mut connection).await;
        }
        open.push_back((agent, manner > 1));
    }
}

/// Ends a session, orderly or without a word.
async fn leave(
    agent: LoadAgent,
    orderly: bool,
    connection: &mut HttpConnection,
) -> BenchResult<()> {
    if !orderly {
        return Ok(());
    }
    if let Some(room) = agent.room() {
        // The partner may have been faster.
        let arguments = json!({ "room_id": room, "user_id": agent.user_id });
        let _ = agent.call(connection, "leave_chat", &arguments).await;
    }
    agent.close(connection).await
}
