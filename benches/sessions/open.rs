//! Many open sessions: memory of each, push latency and pushes per second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::agent::{LoadAgent, SharedStats, TransportKind};
use crate::common::{Latencies, float, median};
use crate::http::{HttpConnection, LoadTarget};
use crate::server::ServerProcess;
use crate::{BenchResult, LOSS_TIMEOUT, SESSIONS, WORKERS};

/// Number of messages per pair.
const ROUNDS: usize = 6;
/// The default idle limit of sessions.
const SESSION_IDLE: Duration = Duration::from_secs(300);
/// The default idle timeout of users.
const USER_IDLE: Duration = Duration::from_secs(1_800);

/// The results of one transport; memory of the server in KiB.
pub struct OpenReport {
    /// Before the sessions are opened.
    pub before: u64,
    pub open: u64,
    /// With all agents in a chat.
    pub chatting: u64,
    /// After all messages.
    pub messaged: u64,
    /// With all sessions closed.
    pub closed: u64,
    /// With as many sessions in a chat again.
    pub reopened: u64,
    /// Number of messages that arrived.
    pub pushes: u64,
    pub per_second: f64,
    pub latencies: Latencies,
}

/// Measures one transport.
pub async fn measure(transport: TransportKind) -> BenchResult<OpenReport> {
    let server = ServerProcess::start(SESSION_IDLE, USER_IDLE).await?;
    let target = &server.target;
    // The first sessions make the server allocate what it needs only once.
    let stats = SharedStats::new(target);
    close(target, open(&stats, target, transport, WORKERS).await?).await?;
    server.wait_empty().await?;
    let before = server.memory()?;
    let agents = open(&stats, target, transport, SESSIONS).await?;
    server.settle().await?;
    let open = server.memory()?;
    let mut pairs = match_all(target, agents).await?;
    server.settle().await?;
    let chatting = server.memory()?;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let stopwatch = Stopwatch::start();
        pairs = send_round(&stats, target, pairs).await?;
        rates.push(float(pairs.len() as u64) / stopwatch.elapsed().as_secs_f64());
    }
    let (pushes, per_second) = (stats.arrived(), median(rates));
    server.settle().await?;
    let messaged = server.memory()?;
    close(target, pairs.into_iter().flat_map(<[LoadAgent; 2]>::from).collect()).await?;
    server.wait_empty().await?;
    let (closed, latencies) = (server.memory()?, stats.latencies());
    let agents = self::open(&stats, target, transport, SESSIONS).await?;
    let pairs = match_all(target, agents).await?;
    server.settle().await?;
    let reopened = server.memory()?;
    drop(pairs);
    Ok(OpenReport {
        before,
        open,
        chatting,
        messaged,
        closed,
        reopened,
        pushes,
        per_second,
        latencies,
    })
}

/// Distributes `work` over the workers, each with its own connection; returns all results.
async fn distribute<T, U, F, W>(
    target: &Arc<LoadTarget>,
    work: Vec<T>,
    job: F,
) -> BenchResult<Vec<U>>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(HttpConnection, Vec<T>) -> W,
    W: Future<Output = BenchResult<Vec<U>>> + Send + 'static,
{
    let mut shares: Vec<Vec<T>> = (0..WORKERS).map(|_| Vec::new()).collect();
    for (number, item) in work.into_iter().enumerate() {
        shares[number % WORKERS].push(item);
    }
    let mut workers = JoinSet::new();
    for share in shares {
        workers.spawn(job(HttpConnection::open(target).await?, share));
    }
    let mut results = Vec::new();
    while let Some(share) = workers.join_next().await {
        results.extend(share??);
    }
    Ok(results)
}

/// Opens this many sessions.
async fn open(
    stats: &Arc<SharedStats>,
    target: &Arc<LoadTarget>,
    transport: TransportKind,
    sessions: usize,
) -> BenchResult<Vec<LoadAgent>> {
    distribute(target, vec![(); sessions], |mut connection, share| {
        let stats = Arc::clone(stats);
        async move {
            let mut agents = Vec::with_capacity(share.len());
            for () in share {
                agents.push(LoadAgent::open(&stats, &mut connection, transport, false).await?);
            }
            Ok(agents)
        }
    })
    .await
}

/// Lets all agents enter the queue and waits until all are matched.
async fn match_all(
    target: &Arc<LoadTarget>,
    agents: Vec<LoadAgent>,
) -> BenchResult<Vec<[LoadAgent; 2]>> {
    let agents =
        distribute(target, agents, |mut connection, mut share: Vec<LoadAgent>| async move {
            for agent in &mut share {
                agent.enter(&mut connection, None).await?;
            }
            Ok(share)
        })
        .await?;
    let matched = async {
        while agents.iter().any(|agent| agent.room().is_none()) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LOSS_TIMEOUT, matched).await?;
    let (mut pairs, mut unpaired) = (Vec::new(), HashMap::new());
    for agent in agents {
        let room = agent.room().ok_or("no partner")?;
        match unpaired.remove(&room) {
            Some(partner) => pairs.push([partner, agent]),
            None => {
                unpaired.insert(room, agent);
            }
        }
    }
    if unpaired.is_empty() { Ok(pairs) } else { Err("an agent is alone in a room".into()) }
}

/// Sends a message in each pair and waits until all have arrived. The next round swaps the roles.
async fn send_round(
    stats: &Arc<SharedStats>,
    target: &Arc<LoadTarget>,
    pairs: Vec<[LoadAgent; 2]>,
) -> BenchResult<Vec<[LoadAgent; 2]>> {
    let expected = stats.arrived() + pairs.len() as u64;
    let pairs =
        distribute(target, pairs, |mut connection, mut share: Vec<[LoadAgent; 2]>| async move {
            for pair in &mut share {
                pair[0].send_to(&pair[1], &mut connection).await?;
                pair.reverse();
            }
            Ok(share)
        })
        .await?;
    let arrived = async {
        while stats.arrived() < expected {
            sleep(Duration::from_millis(1)).await;
        }
    };
    if timeout(LOSS_TIMEOUT, arrived).await.is_err() || stats.arrived() != expected {
        return Err(format!("{} messages arrived instead of {expected}", stats.arrived()).into());
    }
    Ok(pairs)
}

/// Closes all sessions.
async fn close(target: &Arc<LoadTarget>, agents: Vec<LoadAgent>) -> BenchResult<()> {
    let closed = distribute(target, agents, |mut connection, share: Vec<LoadAgent>| async move {
        for agent in share {
            agent.close(&mut connection).await?;
        }
        Ok(Vec::<()>::new())
    });
    closed.await.map(drop)
}
