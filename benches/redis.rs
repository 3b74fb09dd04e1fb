//! [`RedisLobby`]: relays per second compared with an empty script on the same server, HTTP calls
//! per second with one, two and three instances, and the memory of users and messages in Redis.
//!
//! Needs `redis-server` and `redis-benchmark`. All processes share the cores of the machine, so
//! more instances than cores are not faster: the last rows only show that an instance costs little.

mod common;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/redis_server.rs"]
mod redis_server;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::rules::TRUST_AFTER_MESSAGES;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::redis::RedisConnection;
use random_connect::mask::{Memory, mask};
use random_connect::transport::channels::outbound;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};
use redis_server::RedisServer;

// The allocator of the binary, so that the results apply to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IDLE: Duration = Duration::from_secs(1_800);
/// Pairs of users that write to each other.
const PAIRS: usize = 32;
/// Connections of `redis-benchmark`: one for each user.
const CONNECTIONS: usize = 2 * PAIRS;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const EMPTY_CALLS: usize = 100_000;
/// Number of users, and of messages, that the memory measurement creates.
const MEMORY_SAMPLES: usize = 20_000;
/// Messages that a user sends before the partner's inbox is drained; fewer than its capacity.
const UNREAD: usize = 150;
/// Undelivered messages in each inbox of the memory measurement.
const MESSAGES_PER_INBOX: usize = 100;
/// Part of every successful reply to a relay.
const SENT: &str = "📤 Message sent";
const TEXT: &str = "Mumbai, and you? It has been raining here since this morning";

fn user(number: usize) -> UserId {
    UserId::from_bytes((number as u128).to_be_bytes())
}

struct RedisBench {
    lobby: RedisLobby,
    clock: SystemClock,
}

impl RedisBench {
    fn call(&self, user: UserId) -> Call {
        Call::new(user, self.clock.now())
    }

    /// Empties an inbox and returns the number of its items.
    async fn drain_inbox(&self, user: UserId) -> BenchResult<usize> {
        let lease = self.lobby.collect(user, self.clock.now()).await?;
        if let Some(id) = lease.id {
            self.lobby.settle(user, id, true);
            // The lease is settled in the background; this call waits until it has ended.
            self.lobby.perform(self.call(user), Action::ReadInbox).await?;
        }
        Ok(lease.items.len())
    }

    /// Relays a text as the service does: reads the sender state, sends the text and settles the
    /// lease of the inbox that the answer includes.
    async fn relay(&self, user: UserId) -> BenchResult<()> {
        let sender = self.lobby.sender_state(user).await?;
        let relay = Action::Relay { text: mask(TEXT), sender, memory: Memory::default() };
        let result = self.lobby.perform(self.call(user), relay).await?;
        if let Some(lease) = result.lease.id {
            self.lobby.settle(user, lease, true);
        }
        check_sent(&result.outcome)
    }
}

/// Fails the benchmark if a relay was refused, because a refusal does less work.
fn check_sent(outcome: &Outcome) -> BenchResult<()> {
    match outcome {
        Outcome::Sent { .. } => Ok(()),
        other => Err(format!("not sent: {other:?}").into()),
    }
}

/// Relays per second without other calls: all users write concurrently to partners that do not
/// read. Draining the inboxes between the turns is not timed.
async fn relay_rate(bench: &Arc<RedisBench>) -> BenchResult<f64> {
    let mut senders = Vec::new();
    for number in 0..2 * PAIRS {
        bench.drain_inbox(user(number)).await?;
        senders.push(bench.lobby.sender_state(user(number)).await?);
    }
    let (mut count, mut elapsed) = (0, Duration::ZERO);
    while elapsed < ROUND {
        let stopwatch = Stopwatch::start();
        let mut tasks = JoinSet::new();
        for (number, sender) in senders.iter().cloned().enumerate() {
            let bench = Arc::clone(bench);
            tasks.spawn(async move {
                for _ in 0..UNREAD {
                    let (text, memory) = (mask(TEXT), Memory::default());
                    let call = Call { include_inbox: false, ..bench.call(user(number)) };
                    let relay = Action::Relay { text, sender: sender.clone(), memory };
                    check_sent(&bench.lobby.perform(call, relay).await?.outcome)?;
                }
                BenchResult::Ok(())
            });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        elapsed += stopwatch.elapsed();
        count += (2 * PAIRS * UNREAD) as u64;
        for number in 0..2 * PAIRS {
            let received = bench.drain_inbox(user(number)).await?;
            if received != UNREAD {
                return Err(format!("{received} of {UNREAD} messages arrived").into());
            }
        }
    }
    Ok(float(count) / elapsed.as_secs_f64())
}

/// Relays per second of pairs whose users write in turn; records the latency of each relay.
async fn relays(bench: &Arc<RedisBench>, latencies: &mut Latencies) -> BenchResult<f64> {
    let mut pairs = JoinSet::new();
    let stopwatch = Stopwatch::start();
    for pair in 0..PAIRS {
        let bench = Arc::clone(bench);
        pairs.spawn(async move {
            let mut samples = Vec::new();
            while stopwatch.elapsed() < ROUND {
                for number in [2 * pair, 2 * pair + 1] {
                    let relay = Stopwatch::start();
                    bench.relay(user(number)).await?;
                    samples.push(relay.elapsed());
                }
            }
            BenchResult::Ok(samples)
        });
    }
    let mut count = 0;
    while let Some(samples) = pairs.join_next().await {
        let samples = samples??;
        count += samples.len() as u64;
        samples.into_iter().for_each(|latency| record(latencies, latency));
    }
    Ok(float(count) / stopwatch.elapsed().as_secs_f64())
}

/// SHA-1 of an empty script.
const EMPTY_SCRIPT_SHA: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

async fn load_empty(server: &RedisServer) -> BenchResult<()> {
    let client = redis::Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut load = redis::cmd("SCRIPT");
    let sha: String = load.arg("LOAD").arg("").query_async(&mut connection).await?;
    if sha == EMPTY_SCRIPT_SHA { Ok(()) } else { Err("unexpected digest of the script".into()) }
}

/// Empty scripts per second, measured by `redis-benchmark`.
fn empty_script_rate(server: &RedisServer) -> BenchResult<f64> {
    let address = server.address();
    let (host, port) = address.split_once(':').ok_or("no port")?;
    let args = ["-h", host, "-p", port, "--csv", "-n", &EMPTY_CALLS.to_string()];
    let output = Command::new("redis-benchmark")
        .args(args)
        .args(["-c", &CONNECTIONS.to_string(), "EVALSHA", EMPTY_SCRIPT_SHA, "0"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let figure = text.lines().last().and_then(|line| line.split(',').nth(1));
    Ok(figure.ok_or("no figure")?.trim_matches('"').parse()?)
}

/// Memory that Redis uses, in bytes.
async fn used_memory(connection: &mut redis::aio::MultiplexedConnection) -> BenchResult<f64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(connection).await?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.ok_or("no figure")?.trim().parse()?)
}

/// Memory of an idle user and of an undelivered message of ordinary length, in bytes.
async fn memory(bench: &RedisBench, server: &RedisServer) -> BenchResult<(f64, f64)> {
    let client = redis::Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let before = used_memory(&mut connection).await?;
    for number in 0..MEMORY_SAMPLES {
        bench.lobby.perform(bench.call(user(1_000_000 + number)), Action::ReadInbox).await?;
    }
    let idle = used_memory(&mut connection).await?;
    // Pairs some of the idle users; one of each pair then sends messages that the partner does not
    // read.
    let writers = (0..MEMORY_SAMPLES / MESSAGES_PER_INBOX)
        .map(|pair| [1_000_000 + 2 * pair, 1_000_001 + 2 * pair].map(user));
    let writers: Vec<_> = writers.collect();
    for user in writers.iter().flatten() {
        bench.lobby.perform(bench.call(*user), Action::meet()).await?;
    }
    let paired = used_memory(&mut connection).await?;
    for [writer, _] in &writers {
        for _ in 0..MESSAGES_PER_INBOX {
            bench.relay(*writer).await?;
        }
    }
    let written = used_memory(&mut connection).await?;
    let samples = float(MEMORY_SAMPLES as u64);
    Ok(((idle - before) / samples, (written - paired) / samples))
}

/// A process of the server, and its URL.
struct BenchServer(Child, String);

impl BenchServer {
    fn start(server: &RedisServer) -> BenchResult<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_random-connect"))
            .env_clear()
            .envs([
                ("AUTH_TOKEN", "bench"),
                ("HOST", "127.0.0.1"),
                ("PORT", "0"),
                ("RATE_LIMITS", "off"),
            ])
            .envs([("LOG_LEVEL", "error"), ("REDIS_URL", &server.url())])
            .envs([("ID_SALT", "a salt of some length"), ("INBOX_KEY", &"ab".repeat(32))])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let url = line.trim().strip_prefix("Random Connect listens on ").ok_or("no address")?;
        Ok(Self(child, url.to_owned()))
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        // Errors mean that the process has already exited.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Relays per second over HTTP, distributed over `processes`.
async fn calls(processes: &[BenchServer], round: usize) -> BenchResult<f64> {
    let http = outbound::http_client(None)?;
    let say = |pair: usize, side: usize, message: &'static str| {
        let user_id = format!("{}-{round}-{pair}-{side}", processes.len());
        let params = json!({ "message": message, "puch_user_id": user_id });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        let url = &processes[(pair + side) % processes.len()].1;
        http.post(url).bearer_auth("bench").body(body)
    };
    // Sequentially, so that each user is matched with the other user of the pair.
    for pair in 0..PAIRS {
        for side in 0..2 {
            say(pair, side, "#meet").send().await?.error_for_status()?;
        }
    }
    let mut pairs = JoinSet::new();
    let stopwatch = Stopwatch::start();
    for pair in 0..PAIRS {
        let calls = [0, 1].map(|side| say(pair, side, TEXT));
        pairs.spawn(async move {
            let mut count = 0_u64;
            while stopwatch.elapsed() < ROUND {
                for call in &calls {
                    let call = call.try_clone().ok_or("the body is a stream")?;
                    let response: Value = call.send().await?.json().await?;
                    let reply = response["result"].as_str().ok_or("no result")?;
                    if !reply.contains(SENT) {
                        return Err("a message was not sent".into());
                    }
                    count += 1;
                }
            }
            BenchResult::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(relayed) = pairs.join_next().await {
        count += relayed??;
    }
    Ok(float(count) / stopwatch.elapsed().as_secs_f64())
}

async fn measure() -> BenchResult<()> {
    let server = RedisServer::start(&[]);
    let (keyring, ids) = (Keyring::new(&[[7; 32]]), IdHasher::from_salt(b"salt"));
    let lobby =
        RedisLobby::new(RedisConnection::open(&server.url())?, IDLE, keyring, ids, seeded_rng());
    let bench = Arc::new(RedisBench { lobby, clock: SystemClock::new() });
    for pair in 0..PAIRS {
        for side in 0..2 {
            let call = bench.call(user(2 * pair + side));
            bench.lobby.perform(call, Action::meet()).await?;
        }
    }
    // Makes both sides trusted first, because that changes the sender state.
    for _ in 0..TRUST_AFTER_MESSAGES {
        for number in 0..2 * PAIRS {
            bench.relay(user(number)).await?;
        }
    }
    let (mut full, mut alone, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    let mut latencies = latencies();
    load_empty(&server).await?;
    for _ in 0..ROUNDS {
        empty.push(empty_script_rate(&server)?);
        alone.push(relay_rate(&bench).await?);
        full.push(relays(&bench, &mut latencies).await?);
    }
    let (full, alone, empty) = (median(full), median(alone), median(empty));
    println!("| On Redis | a second | of empty scripts |");
    println!("|---|---:|---:|");
    println!("| empty EVALSHA, {CONNECTIONS} connections | {} | 1.00 |", grouped(empty));
    println!("| relay | {} | {:.2} |", grouped(alone), alone / empty);
    println!(
        "| relay, with the look at the sender before and the acknowledgement after | {} | {:.2} |",
        grouped(full),
        full / empty
    );
    let [p50, p99] = [0.5, 0.99].map(|quantile| micros(&latencies, quantile) / 1e3);
    let mut processes = Vec::new();
    for count in 1..=3 {
        processes.push(BenchServer::start(&server)?);
        let mut rounds = Vec::new();
        for round in 0..3 {
            rounds.push(calls(&processes, round).await?);
        }
        println!("| relays over HTTP, processes: {count} | {} | |", grouped(median(rounds)));
    }
    let (user, message) = memory(&bench, &server).await?;
    println!("\nIn Redis an idle person takes {user:.0} B, a waiting message {message:.0} B.");
    println!("A relay took {p50:.2} ms in the median, 99 of 100 at most {p99:.2} ms.");
    println!("{} Medians of {ROUNDS} rounds of {} s.", machine(), ROUND.as_secs());
    Ok(())
}

fn main() -> BenchResult<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(runtime.spawn(measure()))??;
    Ok(ExitCode::SUCCESS)
}
