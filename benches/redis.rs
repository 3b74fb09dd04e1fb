//! The lobby on Redis: relays a second beside an empty script on the same server, calls a second for
//! one, two and three processes of the server, and what people and messages take in Redis.
//!
//! Needs `redis-server` and `redis-benchmark`. All share the machine and its cores: more processes
//! than cores are no faster here, and the last rows only tell that they cost little.

mod common;
#[path = "../tests/it/support/redis_server.rs"]
mod redis_server;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::rules::TRUST_AFTER_MESSAGES;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::mask::{Masked, Memory};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};
use redis_server::RedisServer;

// As in the binary: the server is measured as it runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IDLE: Duration = Duration::from_secs(1_800);
/// Pairs that write to each other, and connections of the comparison.
const PAIRS: usize = 32;
const CONNECTIONS: usize = 2 * PAIRS;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const EMPTY_CALLS: usize = 100_000;
/// People and messages whose memory is measured.
const MEMORY_SAMPLES: usize = 20_000;
/// Messages that one writes to a partner who does not read.
const UNREAD: usize = 150;
/// Messages that wait for one person.
const MESSAGES_PER_INBOX: usize = 100;
/// In every right answer to a relay.
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
    fn call(&self, who: UserId) -> Call {
        Call::new(who, self.clock.now())
    }

    /// Empties an inbox; returns how much was in it.
    async fn drain_inbox(&self, who: UserId) -> BenchResult<usize> {
        let lease = self.lobby.collect(who, self.clock.now()).await?;
        if let Some(id) = lease.id {
            self.lobby.settle(who, id, true);
            // That is done in a task of its own; whoever asks for the inbox waits for it.
            self.lobby.perform(self.call(who), Action::ReadInbox).await?;
        }
        Ok(lease.items.len())
    }

    /// A relay as the service makes it: the sender is looked up, then the text is sent. What waits is
    /// shown with it, as in every answer, and acknowledged.
    async fn relay(&self, who: UserId) -> BenchResult<()> {
        let sender = self.lobby.sender_state(who).await?;
        let relay = Action::Relay { text: Masked::waived(TEXT), sender, memory: Memory::default() };
        let performed = self.lobby.perform(self.call(who), relay).await?;
        if let Some(lease) = performed.lease.id {
            self.lobby.settle(who, lease, true);
        }
        sent(&performed.outcome)
    }
}

/// A relay that was refused measures nothing.
fn sent(outcome: &Outcome) -> BenchResult<()> {
    match outcome {
        Outcome::Sent { .. } => Ok(()),
        other => Err(format!("not sent: {other:?}").into()),
    }
}

/// Relays a second and nothing else: all write at once to partners who do not read, as much as an inbox
/// holds; emptying it for the next turn is not counted.
async fn relay_rate(bench: &Arc<RedisBench>) -> BenchResult<f64> {
    let mut senders = Vec::new();
    for number in 0..2 * PAIRS {
        bench.drain_inbox(user(number)).await?;
        senders.push(bench.lobby.sender_state(user(number)).await?);
    }
    let (mut count, mut taken) = (0, Duration::ZERO);
    while taken < ROUND {
        let stopwatch = Stopwatch::start();
        let mut people = JoinSet::new();
        for (number, sender) in senders.iter().cloned().enumerate() {
            let bench = Arc::clone(bench);
            people.spawn(async move {
                for _ in 0..UNREAD {
                    let (text, memory) = (Masked::waived(TEXT), Memory::default());
                    let call = Call { include_inbox: false, ..bench.call(user(number)) };
                    let relay = Action::Relay { text, sender: sender.clone(), memory };
                    sent(&bench.lobby.perform(call, relay).await?.outcome)?;
                }
                BenchResult::Ok(())
            });
        }
        while let Some(done) = people.join_next().await {
            done??;
        }
        taken += stopwatch.elapsed();
        count += (2 * PAIRS * UNREAD) as u64;
        for number in 0..2 * PAIRS {
            let read = bench.drain_inbox(user(number)).await?;
            if read != UNREAD {
                return Err(format!("{read} of {UNREAD} messages came").into());
            }
        }
    }
    Ok(float(count) / taken.as_secs_f64())
}

/// Relays a second, of pairs who write to each other in turn, and how long each took.
async fn relays(bench: &Arc<RedisBench>, taken: &mut Latencies) -> BenchResult<f64> {
    let mut pairs = JoinSet::new();
    let stopwatch = Stopwatch::start();
    for pair in 0..PAIRS {
        let bench = Arc::clone(bench);
        pairs.spawn(async move {
            let mut taken = Vec::new();
            while stopwatch.elapsed() < ROUND {
                for who in [2 * pair, 2 * pair + 1] {
                    let own = Stopwatch::start();
                    bench.relay(user(who)).await?;
                    taken.push(own.elapsed());
                }
            }
            BenchResult::Ok(taken)
        });
    }
    let mut count = 0;
    while let Some(own) = pairs.join_next().await {
        let own = own??;
        count += own.len() as u64;
        own.into_iter().for_each(|took| record(taken, took));
    }
    Ok(float(count) / stopwatch.elapsed().as_secs_f64())
}

/// The digest of an empty script.
const EMPTY_SCRIPT_SHA: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

async fn load_empty(server: &RedisServer) -> BenchResult<()> {
    let client = redis::Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut load = redis::cmd("SCRIPT");
    let digest: String = load.arg("LOAD").arg("").query_async(&mut connection).await?;
    if digest == EMPTY_SCRIPT_SHA { Ok(()) } else { Err("another digest than expected".into()) }
}

/// Empty scripts a second, by Redis's own tool.
fn empty_script_rate(server: &RedisServer) -> BenchResult<f64> {
    let address = server.address();
    let (host, port) = address.split_once(':').ok_or("no port")?;
    let own = ["-h", host, "-p", port, "--csv", "-n", &EMPTY_CALLS.to_string()];
    let output = Command::new("redis-benchmark")
        .args(own)
        .args(["-c", &CONNECTIONS.to_string(), "EVALSHA", EMPTY_SCRIPT_SHA, "0"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let figure = text.lines().last().and_then(|line| line.split(',').nth(1));
    Ok(figure.ok_or("no figure")?.trim_matches('"').parse()?)
}

/// Bytes that Redis uses.
async fn used_memory(connection: &mut redis::aio::MultiplexedConnection) -> BenchResult<f64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(connection).await?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.ok_or("no figure")?.trim().parse()?)
}

/// What an idle person takes in Redis, and a message of ordinary length that waits.
async fn memory(bench: &RedisBench, server: &RedisServer) -> BenchResult<(f64, f64)> {
    let client = redis::Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let before = used_memory(&mut connection).await?;
    for number in 0..MEMORY_SAMPLES {
        bench.lobby.perform(bench.call(user(1_000_000 + number)), Action::ReadInbox).await?;
    }
    let people = used_memory(&mut connection).await?;
    // Some of the idle now chat, and one of each pair writes what nobody reads.
    let writers = (0..MEMORY_SAMPLES / MESSAGES_PER_INBOX)
        .map(|pair| [1_000_000 + 2 * pair, 1_000_001 + 2 * pair].map(user));
    let writers: Vec<_> = writers.collect();
    for who in writers.iter().flatten() {
        bench.lobby.perform(bench.call(*who), Action::meet()).await?;
    }
    let paired = used_memory(&mut connection).await?;
    for [writer, _] in &writers {
        for _ in 0..MESSAGES_PER_INBOX {
            bench.relay(*writer).await?;
        }
    }
    let messages = used_memory(&mut connection).await?;
    let (many, messages) = (float(MEMORY_SAMPLES as u64), messages - paired);
    Ok(((people - before) / many, messages / many))
}

/// A process of the server, and where it listens.
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
        // One that has ended already needs no ending.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Relays a second over HTTP, spread over `processes`.
async fn calls(processes: &[BenchServer], round: usize) -> BenchResult<f64> {
    let http = reqwest::Client::new();
    let say = |pair: usize, person: usize, message: &'static str| {
        let user = format!("{}-{round}-{pair}-{person}", processes.len());
        let params = json!({ "message": message, "puch_user_id": user });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        let url = &processes[(pair + person) % processes.len()].1;
        http.post(url).bearer_auth("bench").body(body)
    };
    // One after the other: who asks to meet is paired with the other of the same pair.
    for pair in 0..PAIRS {
        for person in 0..2 {
            say(pair, person, "#meet").send().await?.error_for_status()?;
        }
    }
    let mut people = JoinSet::new();
    let stopwatch = Stopwatch::start();
    for pair in 0..PAIRS {
        let calls = [0, 1].map(|person| say(pair, person, TEXT));
        people.spawn(async move {
            let mut count = 0_u64;
            while stopwatch.elapsed() < ROUND {
                for call in &calls {
                    let call = call.try_clone().ok_or("a body that streams")?;
                    let answer: Value = call.send().await?.json().await?;
                    let told = answer["result"].as_str().ok_or("no answer")?;
                    if !told.contains(SENT) {
                        return Err("a message was not sent".into());
                    }
                    count += 1;
                }
            }
            BenchResult::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(own) = people.join_next().await {
        count += own??;
    }
    Ok(float(count) / stopwatch.elapsed().as_secs_f64())
}

async fn measure() -> BenchResult<()> {
    let server = RedisServer::start(&[]);
    let (seal, ids) = (Keyring::new(&[[7; 32]]), IdHasher::from_salt(b"salt"));
    let lobby = RedisLobby::new(&server.url(), IDLE, seal, ids, seeded_rng())?;
    let bench = Arc::new(RedisBench { lobby, clock: SystemClock::new() });
    for pair in 0..PAIRS {
        for person in 0..2 {
            let call = bench.call(user(2 * pair + person));
            bench.lobby.perform(call, Action::meet()).await?;
        }
    }
    // What a sender is held to changes once both have written a little.
    for _ in 0..TRUST_AFTER_MESSAGES {
        for number in 0..2 * PAIRS {
            bench.relay(user(number)).await?;
        }
    }
    let (mut own, mut alone, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    let mut taken = latencies();
    load_empty(&server).await?;
    for _ in 0..ROUNDS {
        empty.push(empty_script_rate(&server)?);
        alone.push(relay_rate(&bench).await?);
        own.push(relays(&bench, &mut taken).await?);
    }
    let (own, alone, empty) = (median(own), median(alone), median(empty));
    println!("| On Redis | a second | of empty scripts |");
    println!("|---|---:|---:|");
    println!("| empty EVALSHA, {CONNECTIONS} connections | {} | 1.00 |", grouped(empty));
    println!("| relay | {} | {:.2} |", grouped(alone), alone / empty);
    println!(
        "| relay, with the look at the sender before and the acknowledgement after | {} | {:.2} |",
        grouped(own),
        own / empty
    );
    let [p50, p99] = [0.5, 0.99].map(|quantile| micros(&taken, quantile) / 1e3);
    let mut processes = Vec::new();
    for many in 1..=3 {
        processes.push(BenchServer::start(&server)?);
        let mut rounds = Vec::new();
        for round in 0..3 {
            rounds.push(calls(&processes, round).await?);
        }
        println!("| relays over HTTP, processes: {many} | {} | |", grouped(median(rounds)));
    }
    let (person, message) = memory(&bench, &server).await?;
    println!("\nIn Redis an idle person takes {person:.0} B, a waiting message {message:.0} B.");
    println!("A relay took {p50:.2} ms in the median, 99 of 100 at most {p99:.2} ms.");
    println!("{} Medians of {ROUNDS} rounds of {} s.", machine(), ROUND.as_secs());
    Ok(())
}

fn main() -> BenchResult<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(runtime.spawn(measure()))??;
    Ok(ExitCode::SUCCESS)
}
