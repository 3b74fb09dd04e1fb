//! Churn: opens and closes the sessions of a busy hour as fast as the machine can.
//!
//! With 10,000 open sessions of one minute each, an hour has 600,000 openings and as many closings.
//! The benchmark is faster than that, so the idle limits that end abandoned sessions are shorter
//! too.

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

/// Number of openings after all sessions are open: those of an hour.
pub const OPENINGS: u64 = 600_000;
/// Number of users, which open sessions in turn and return.
const USERS: u64 = 30_000;
/// Of this many sessions, one is abandoned with a closed connection and one with a reset.
const ABANDON_ONE_IN: u64 = 10;
/// The idle limit of sessions.
const SESSION_IDLE: Duration = Duration::from_secs(20);
/// The idle timeout of users.
const USER_IDLE: Duration = Duration::from_secs(120);
/// Index of the sample after which memory must not grow.
///
/// By then abandoned sessions end as fast as new ones are abandoned, and every user has been seen.
pub const BASELINE_SAMPLE: usize = 2;
/// Maximum growth of memory, in percent.
pub const TOLERANCE_PERCENT: u64 = 5;

/// The state of the server after a number of openings.
pub struct ChurnSample {
    pub openings: u64,
    pub seconds: f64,
    pub figures: ServerFigures,
    /// In KiB.
    pub memory: u64,
}

/// Takes a sample when all sessions are open, after each tenth of the openings, and when all are
/// closed.
pub async fn measure() -> BenchResult<Vec<ChurnSample>> {
    let server = ServerProcess::start(SESSION_IDLE, USER_IDLE).await?;
    let stats = SharedStats::new(&server.target);
    let openings = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(churn(Arc::clone(&stats), Arc::clone(&server.target), Arc::clone(&openings)));
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
        while let Some(agents) = workers.try_join_next() {
            open.extend(agents??);
        }
        if workers.is_empty() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    drop(open);
    server.wait_empty().await?;
    samples.push(sample(OPENINGS).await?);
    Ok(samples)
}

/// Number of all openings, including the first of each open session.
const ALL: u64 = SESSIONS as u64 + OPENINGS;

/// Opens one session after the other, and closes the oldest for each once enough are open.
async fn churn(
    stats: Arc<SharedStats>,
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
        let transport = [
            TransportKind::Http,
            TransportKind::WebSocket,
            TransportKind::Http,
            TransportKind::Sse,
        ][(number % 4) as usize];
        let ending = number / 4 % ABANDON_ONE_IN;
        let mut agent = LoadAgent::open(&stats, &mut connection, transport, ending == 0).await?;
        agent.enter(&mut connection, Some(&format!("agent-{}", number % USERS))).await?;
        if let Some(room) = agent.room() {
            // The partner may have left meanwhile.
            let _ = agent.send(&room, &mut connection).await;
        }
        open.push_back((agent, ending > 1));
    }
}

/// Leaves the chat and closes the session, or abandons both unless `orderly`.
async fn leave(
    agent: LoadAgent,
    orderly: bool,
    connection: &mut HttpConnection,
) -> BenchResult<()> {
    if !orderly {
        return Ok(());
    }
    if let Some(room) = agent.room() {
        // The partner may have left already.
        let arguments = json!({ "room_id": room, "user_id": agent.user_id });
        let _ = agent.call(connection, "leave_chat", &arguments).await;
    }
    agent.close(connection).await
}
