//! Many sessions open at once: what each takes, and how fast the server brings them their messages.

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

/// How often one of each pair writes to the other.
const ROUNDS: usize = 6;
/// The server's own limits.
const SESSION_IDLE: Duration = Duration::from_secs(300);
const PEOPLE_IDLE: Duration = Duration::from_secs(1_800);

/// What was measured of one way, memory in KiB.
pub struct OpenReport {
    pub before: u64,
    pub open: u64,
    pub chatting: u64,
    pub written: u64,
    pub after: u64,
    pub again: u64,
    pub pushes: u64,
    pub per_second: f64,
    pub latencies: Latencies,
}

pub async fn measure(way: TransportKind) -> BenchResult<OpenReport> {
    let server = ServerProcess::start(SESSION_IDLE, PEOPLE_IDLE).await?;
    let target = &server.target;
    // What a server makes once, it makes for the first sessions.
    let hall = SharedStats::new(target);
    close(target, open(&hall, target, way, WORKERS).await?).await?;
    server.empty().await?;
    let before = server.memory()?;
    let agents = open(&hall, target, way, SESSIONS).await?;
    server.settle().await?;
    let open = server.memory()?;
    let mut pairs = meet(target, agents).await?;
    server.settle().await?;
    let chatting = server.memory()?;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let stopwatch = Stopwatch::start();
        pairs = write(&hall, target, pairs).await?;
        rates.push(float(pairs.len() as u64) / stopwatch.elapsed().as_secs_f64());
    }
    let (pushes, per_second) = (hall.arrived(), median(rates));
    server.settle().await?;
    let written = server.memory()?;
    close(target, pairs.into_iter().flat_map(<[LoadAgent; 2]>::from).collect()).await?;
    server.empty().await?;
    let (after, latencies) = (server.memory()?, hall.latencies());
    let agents = self::open(&hall, target, way, SESSIONS).await?;
    let pairs = meet(target, agents).await?;
    server.settle().await?;
    let again = server.memory()?;
    drop(pairs);
    Ok(OpenReport { before, open, chatting, written, after, again, pushes, per_second, latencies })
}

/// Has the workers share out `work`, each with a connection of its own for what is posted.
async fn share<T, U, F, W>(target: &Arc<LoadTarget>, work: Vec<T>, job: F) -> BenchResult<Vec<U>>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(HttpConnection, Vec<T>) -> W,
    W: Future<Output = BenchResult<Vec<U>>> + Send + 'static,
{
    let mut shares: Vec<Vec<T>> = (0..WORKERS).map(|_| Vec::new()).collect();
    for (number, piece) in work.into_iter().enumerate() {
        shares[number % WORKERS].push(piece);
    }
    let mut workers = JoinSet::new();
    for share in shares {
        workers.spawn(job(HttpConnection::open(target).await?, share));
    }
    let mut done = Vec::new();
    while let Some(share) = workers.join_next().await {
        done.extend(share??);
    }
    Ok(done)
}

async fn open(
    hall: &Arc<SharedStats>,
    target: &Arc<LoadTarget>,
    way: TransportKind,
    sessions: usize,
) -> BenchResult<Vec<LoadAgent>> {
    share(target, vec![(); sessions], |mut connection, share| {
        let hall = Arc::clone(hall);
        async move {
            let mut agents = Vec::with_capacity(share.len());
            for () in share {
                agents.push(LoadAgent::open(&hall, &mut connection, way, false).await?);
            }
            Ok(agents)
        }
    })
    .await
}

/// Has everybody look for a partner, until all have one.
async fn meet(
    target: &Arc<LoadTarget>,
    agents: Vec<LoadAgent>,
) -> BenchResult<Vec<[LoadAgent; 2]>> {
    let agents = share(target, agents, |mut connection, mut share: Vec<LoadAgent>| async move {
        for agent in &mut share {
            agent.enter(&mut connection, None).await?;
        }
        Ok(share)
    })
    .await?;
    let found = async {
        while agents.iter().any(|agent| agent.room().is_none()) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LOSS_TIMEOUT, found).await?;
    let (mut pairs, mut alone) = (Vec::new(), HashMap::new());
    for agent in agents {
        let room = agent.room().ok_or("no partner")?;
        match alone.remove(&room) {
            Some(other) => pairs.push([other, agent]),
            None => {
                alone.insert(room, agent);
            }
        }
    }
    if alone.is_empty() { Ok(pairs) } else { Err("somebody is alone in a room".into()) }
}

/// Has one of each pair write to the other, and waits until every message has arrived. The next time
/// the other writes.
async fn write(
    hall: &Arc<SharedStats>,
    target: &Arc<LoadTarget>,
    pairs: Vec<[LoadAgent; 2]>,
) -> BenchResult<Vec<[LoadAgent; 2]>> {
    let all = hall.arrived() + pairs.len() as u64;
    let pairs = share(target, pairs, |mut connection, mut share: Vec<[LoadAgent; 2]>| async move {
        for pair in &mut share {
            pair[0].write_to(&pair[1], &mut connection).await?;
            pair.reverse();
        }
        Ok(share)
    })
    .await?;
    let arrived = async {
        while hall.arrived() < all {
            sleep(Duration::from_millis(1)).await;
        }
    };
    if timeout(LOSS_TIMEOUT, arrived).await.is_err() || hall.arrived() != all {
        return Err(format!("{} messages arrived instead of {all}", hall.arrived()).into());
    }
    Ok(pairs)
}

async fn close(target: &Arc<LoadTarget>, agents: Vec<LoadAgent>) -> BenchResult<()> {
    let closed = share(target, agents, |mut connection, share: Vec<LoadAgent>| async move {
        for agent in share {
            agent.close(&mut connection).await?;
        }
        Ok(Vec::<()>::new())
    });
    closed.await.map(drop)
}
