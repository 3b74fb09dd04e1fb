//! Latency of a match, a relay, the statistics and a whole call in a large lobby, and lock
//! contention.
//!
//! Most users of the lobby chat and many wait. Each size runs in a separate process, as in
//! `lobby_memory.rs`.

mod common;
#[path = "common/lobby.rs"]
mod lobby;
#[path = "common/moderated.rs"]
mod moderated;

use std::env;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use random_connect::connect::dto::HandleMessageParams;
use random_connect::connect::lobby::action::{Action, Call, Outcome, SenderState};
use random_connect::connect::lobby::chat::MatchPreferences;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{ManualClock, Stopwatch, Timestamp, seeded_rng};
use random_connect::mask::{Memory, mask};
use tokio::runtime::Builder;

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};
use lobby::{IDS, ManagerBench, STRIDE, TEXT, user};

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of users.
const SIZES: [u64; 2] = [1_000, 1_000_000];
/// Percentage of users in a chat. One percent waits, the others are idle.
const CHATTING: u64 = 80;
/// Number of measurements of each operation.
const ROUNDS: u64 = 300_000;
/// The argument of the process that measures one size; the size follows.
const MEASURE_ARG: &str = "--measure";

/// Number of messages per user before whole calls are measured: more than a transcript stores.
const WARM_UP_MESSAGES: usize = 11;
const IDLE: Duration = Duration::from_secs(1_800);

/// Numbers of threads that share one lobby.
const THREADS: [usize; 3] = [1, 2, 4];
/// Number of pairs per thread.
const PAIRS: u64 = 64;
/// Duration of one round of [`lock_contention`].
const ROUND: Duration = Duration::from_secs(2);
/// Number of those rounds per number of threads.
const ROUNDS_EACH: usize = 3;

/// Searches with an interest that only callers with this number have, so that they match each
/// other.
fn unique_preference(number: u64) -> Action {
    let letter = |digit: u8| char::from(digit - b'0' + b'a');
    let name: String = number.to_string().bytes().map(letter).collect();
    let interests = Interests::parse(&name).expect("valid interests");
    Action::Meet(MatchPreferences { interests, keep_history: false })
}

/// Relays [`TEXT`].
fn relay(sender: SenderState) -> Action {
    Action::Relay { text: mask(TEXT), sender, memory: Memory::default() }
}

/// Measures one size and prints its row.
fn measure(users: u64) -> BenchResult<()> {
    let mut lobby = ManagerBench::new(IDLE);
    let (chatting, waiting) = (users / 100 * CHATTING, users / 100);
    for number in 0..chatting {
        lobby.perform(user(number), Action::meet());
    }
    for number in chatting..chatting + waiting {
        lobby.perform(user(number), unique_preference(number));
    }
    let idle = chatting + waiting;
    for number in idle..users {
        lobby.perform(user(number), Action::ReadInbox);
    }
    let stats = lobby.manager.stats(Timestamp::default());
    if (stats.pairs as u64, stats.waiting as u64) != (chatting / 2, waiting) {
        return Err("the lobby has other numbers of users than planned".into());
    }
    let [mut matches, mut relays, mut stats_latencies] = [latencies(), latencies(), latencies()];
    for round in 0..ROUNDS {
        let writer = user(round * STRIDE % chatting);
        let sender = lobby.manager.sender_state(writer);
        let outcome = lobby.timed(&mut relays, writer, relay(sender));
        if !matches!(outcome, Outcome::Sent { .. } | Outcome::PartnerInboxFull) {
            return Err(format!("not sent: {outcome:?}").into());
        }
        let half = (users - idle) / 2;
        let (turn, again) = (round * STRIDE % half, round / half);
        let first = user(idle + turn);
        // Each round has other pairs, so that no recent partners meet.
        let second = user(idle + half + (turn + again * STRIDE) % half);
        lobby.perform(first, unique_preference(users));
        let outcome = lobby.timed(&mut matches, second, unique_preference(users));
        if !matches!(outcome, Outcome::Connected { .. }) {
            return Err(format!("not connected: {outcome:?}").into());
        }
        lobby.perform(first, Action::Leave);
        let stopwatch = Stopwatch::start();
        let stats = lobby.manager.stats(Timestamp::default());
        record(&mut stats_latencies, stopwatch.elapsed());
        if stats.waiting as u64 != waiting {
            return Err("the queue has another length than planned".into());
        }
    }
    print!(
        "| {} | {} | {} |",
        grouped(float(users)),
        grouped(float(waiting)),
        grouped(float(chatting / 2))
    );
    // Frees its memory before the next lobby is created.
    drop(lobby);
    let calls = Builder::new_current_thread().enable_time().build()?.block_on(calls(users))?;
    for latencies in [&matches, &relays, &stats_latencies, &calls] {
        print!(" {:.2} µs | {:.2} µs |", micros(latencies, 0.5), micros(latencies, 0.99));
    }
    println!();
    Ok(())
}

/// Makes a whole call of the tool; returns the text of the answer.
async fn say(service: &ConnectService, number: u64, text: &str) -> BenchResult<String> {
    let (message, puch_user_id) = (text.to_owned(), number.to_string());
    let params = HandleMessageParams {
        message: message.into(),
        puch_user_id: puch_user_id.into(),
        user_nickname: None,
        message_id: None,
    };
    let reply = service
        .handle(service.subject(&params.puch_user_id), params)
        .await
        .map_err(|_| "a call was rejected")?;
    reply.receipt.confirm();
    Ok(reply.text)
}

/// Measures whole calls that relay a text, after every chatting user has written before.
async fn calls(users: u64) -> BenchResult<Latencies> {
    let (lobby, backend, _) = moderated::lobby(IDLE);
    let clock = Arc::new(ManualClock::default());
    let service =
        ConnectService::new(lobby, backend, clock, IDS.clone(), ConnectOptions::default());
    let chatting = users / 100 * CHATTING;
    for number in 0..users {
        say(&service, number, if number < chatting { "#meet" } else { "#inbox" }).await?;
    }
    for _ in 0..WARM_UP_MESSAGES {
        for number in 0..chatting {
            say(&service, number, TEXT).await?;
        }
    }
    // The users of a pair write in turn, so that each answer has a message of the partner.
    let (mut latencies, pairs) = (latencies(), chatting / 2);
    for round in 0..ROUNDS {
        let stopwatch = Stopwatch::start();
        let reply = say(&service, 2 * (round * STRIDE % pairs) + round / pairs % 2, TEXT).await?;
        record(&mut latencies, stopwatch.elapsed());
        // The answer also repeats the sent text.
        if reply.matches(TEXT).count() != 2 {
            return Err("an answer lacks the message of the partner".into());
        }
    }
    Ok(latencies)
}

/// Returns relays per second of this many threads on one lobby; each thread has its own pairs.
fn lock_contention(threads: usize) -> BenchResult<f64> {
    let lobby = MemoryLobby::new(IDLE, seeded_rng());
    let work = |thread: u64| -> BenchResult<u64> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let users: Vec<_> = (0..2 * PAIRS).map(|n| user(2 * PAIRS * thread + n)).collect();
        runtime.block_on(async {
            let act = async |user, action| -> BenchResult<Outcome> {
                let result = lobby.perform(Call::new(user, Timestamp::default()), action).await?;
                if let Some(lease) = result.lease.id {
                    lobby.settle(user, lease, true);
                }
                Ok(result.outcome)
            };
            for user in &users {
                act(*user, unique_preference(thread)).await?;
            }
            let (stopwatch, mut count) = (Stopwatch::start(), 0);
            for user in users.iter().cycle() {
                if stopwatch.elapsed() > ROUND {
                    break;
                }
                let sender = lobby.sender_state(*user).await?;
                act(*user, relay(sender)).await?;
                count += 1;
            }
            Ok(count)
        })
    };
    let counts: BenchResult<Vec<u64>> = thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads as u64).map(|thread| scope.spawn(move || work(thread))).collect();
        running.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?).collect()
    });
    Ok(float(counts?.into_iter().sum()) / ROUND.as_secs_f64())
}

fn main() -> BenchResult<()> {
    let mut arguments = env::args().skip_while(|argument| argument != MEASURE_ARG).skip(1);
    if let Some(users) = arguments.next() {
        return measure(users.parse()?);
    }
    println!(
        "| Users | waiting | pairs | match p50 | p99 | relay p50 | p99 | stats p50 | p99 | whole call p50 | p99 |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in SIZES {
        let child =
            Command::new(env::current_exe()?).args([MEASURE_ARG, &size.to_string()]).status()?;
        if !child.success() {
            return Err("a size could not be measured".into());
        }
    }
    println!("\n| Threads on one lock | relays per second | relative to one thread |");
    println!("|---:|---:|---:|");
    let mut rounds = THREADS.map(|_| Vec::new());
    for _ in 0..ROUNDS_EACH {
        for (threads, rates) in THREADS.into_iter().zip(&mut rounds) {
            rates.push(lock_contention(threads)?);
        }
    }
    let medians = rounds.map(median);
    for (threads, rate) in THREADS.into_iter().zip(medians) {
        println!("| {threads} | {} | {:.2} |", grouped(rate), rate / medians[0]);
    }
    println!("\n{}", machine());
    Ok(())
}
