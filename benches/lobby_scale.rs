//! The lobby when it is large and busy: how long a match, a relay and a look at the figures take with a
//! thousand people and with a million, of whom many wait and most chat; and what one lock around it
//! costs when several threads want it.
//!
//! Each size is measured in a process of its own, as in `lobby.rs`.

mod common;
#[path = "common/moderated.rs"]
mod guarded;

use std::env;
use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use once_cell::sync::Lazy;
use rand::rngs::StdRng;
use random_connect::connect::dto::HandleMessageParams;
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call, Outcome, SenderState};
use random_connect::connect::lobby::chat::MatchPreferences;
use random_connect::connect::lobby::manager::RandomConnectManager;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{ManualClock, Stopwatch, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, Realm, UserId};
use random_connect::mask::{Masked, Memory};
use tokio::runtime::Builder;

use common::{Latencies, float, grouped, latencies, machine, median, micros, record};

// As in the binary: the server is measured as it runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SIZES: [u64; 2] = [1_000, 1_000_000];
/// Of a hundred people, eighty chat and one waits.
const CHATTING: u64 = 80;
const ROUNDS: u64 = 300_000;
/// The argument with which this program calls itself to measure one size.
const MEASURE_ARG: &str = "--measure";

/// How often everybody has written before whole calls are measured: a chat's last ten texts are kept.
const WARM_UP_MESSAGES: usize = 11;
const IDLE: Duration = Duration::from_secs(1_800);

const THREADS: [usize; 3] = [1, 2, 4];
const PAIRS: u64 = 64;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS_EACH: usize = 3;

/// Scatters people over the lobby, so that they are not found in the processor's cache. It shares no
/// factor with any size.
const STRIDE: u64 = 7_919;
const TEXT: &str = "Mumbai, and you? It has been raining here since this morning";

/// As they are in the server: hashes, which are in no order.
static IDS: Lazy<IdHasher> = Lazy::new(|| IdHasher::random(&mut seeded_rng()));

fn user(number: u64) -> UserId {
    IDS.user_id(Realm::Puch, &number.to_string())
}

/// A wish that only those of this number have, who therefore wait for each other.
fn unique_preference(number: u64) -> Action {
    let letter = |digit: u8| char::from(digit - b'0' + b'a');
    let name: String = number.to_string().bytes().map(letter).collect();
    let interests = Interests::parse(&name);
    Action::Meet(MatchPreferences { interests, keep_history: false })
}

fn relay(sender: SenderState) -> Action {
    Action::Relay { text: Masked::waived(TEXT), sender, memory: Memory::default() }
}

/// A manager on its own, with what its calls need.
struct ManagerBench {
    manager: RandomConnectManager,
    rng: StdRng,
}

impl ManagerBench {
    /// Carries out an action and has its answer delivered.
    fn perform(&mut self, who: UserId, action: Action) -> Outcome {
        let call = Call::new(who, Timestamp::default());
        let performed = self.manager.perform(call, action, &mut self.rng);
        if let Some(lease) = performed.lease.id {
            self.manager.settle(who, lease, true);
        }
        // As the store does after each step.
        drop(self.manager.take_effects());
        performed.outcome
    }

    fn timed(&mut self, taken: &mut Latencies, who: UserId, action: Action) -> Outcome {
        let stopwatch = Stopwatch::start();
        let outcome = self.perform(who, action);
        record(taken, stopwatch.elapsed());
        outcome
    }
}

fn measure(people: u64) -> BenchResult<()> {
    let manager = RandomConnectManager::new(IDLE);
    let mut lobby = ManagerBench { manager, rng: seeded_rng() };
    let (chatting, waiting) = (people / 100 * CHATTING, people / 100);
    for number in 0..chatting {
        lobby.perform(user(number), Action::meet());
    }
    for number in chatting..chatting + waiting {
        lobby.perform(user(number), unique_preference(number));
    }
    let idle = chatting + waiting;
    for number in idle..people {
        lobby.perform(user(number), Action::ReadInbox);
    }
    let stats = lobby.manager.stats(Timestamp::default());
    if (stats.pairs as u64, stats.waiting as u64) != (chatting / 2, waiting) {
        return Err("the people did not do as they should".into());
    }
    let [mut matches, mut relays, mut looks] = [latencies(), latencies(), latencies()];
    for round in 0..ROUNDS {
        let writer = user(round * STRIDE % chatting);
        let sender = lobby.manager.sender_state(writer);
        let outcome = lobby.timed(&mut relays, writer, relay(sender));
        if !matches!(outcome, Outcome::Sent { .. } | Outcome::PartnerInboxFull) {
            return Err(format!("not sent: {outcome:?}").into());
        }
        let half = (people - idle) / 2;
        let (turn, again) = (round * STRIDE % half, round / half);
        let one = user(idle + turn);
        // Another partner each time, so that they are strangers.
        let other = user(idle + half + (turn + again * STRIDE) % half);
        lobby.perform(one, unique_preference(people));
        let outcome = lobby.timed(&mut matches, other, unique_preference(people));
        if !matches!(outcome, Outcome::Connected { .. }) {
            return Err(format!("not connected: {outcome:?}").into());
        }
        lobby.perform(one, Action::Leave);
        let stopwatch = Stopwatch::start();
        let stats = lobby.manager.stats(Timestamp::default());
        record(&mut looks, stopwatch.elapsed());
        if stats.waiting as u64 != waiting {
            return Err("somebody waits who should not".into());
        }
    }
    print!(
        "| {} | {} | {} |",
        grouped(float(people)),
        grouped(float(waiting)),
        grouped(float(chatting / 2))
    );
    // What was measured gives its memory back first.
    drop(lobby);
    let calls = Builder::new_current_thread().enable_time().build()?.block_on(calls(people))?;
    for taken in [&matches, &relays, &looks, &calls] {
        print!(" {:.2} µs | {:.2} µs |", micros(taken, 0.5), micros(taken, 0.99));
    }
    println!();
    Ok(())
}

/// As a call of the tool comes in, from its text to that of the answer.
async fn say(service: &ConnectService, number: u64, text: &str) -> BenchResult<String> {
    let (message, puch_user_id) = (text.to_owned(), number.to_string());
    let incoming =
        HandleMessageParams { message, puch_user_id, user_nickname: None, message_id: None };
    let answer = service.handle(incoming).await.map_err(|_| "refused")?;
    answer.receipt.confirm();
    Ok(answer.text)
}

/// How long whole calls that relay a text take, when everybody who chats has written before.
async fn calls(people: u64) -> BenchResult<Latencies> {
    let lobby = Arc::new(guarded::lobby(IDLE));
    let clock = Arc::new(ManualClock::default());
    let service = ConnectService::new(lobby, clock, IDS.clone(), ConnectOptions::default());
    let chatting = people / 100 * CHATTING;
    for number in 0..people {
        say(&service, number, if number < chatting { "#meet" } else { "#inbox" }).await?;
    }
    for _ in 0..WARM_UP_MESSAGES {
        for number in 0..chatting {
            say(&service, number, TEXT).await?;
        }
    }
    // One of each pair writes, then the other, so that each finds what the partner wrote.
    let (mut taken, pairs) = (latencies(), chatting / 2);
    for round in 0..ROUNDS {
        let stopwatch = Stopwatch::start();
        let told = say(&service, 2 * (round * STRIDE % pairs) + round / pairs % 2, TEXT).await?;
        record(&mut taken, stopwatch.elapsed());
        // The answer repeats what was sent.
        if told.matches(TEXT).count() != 2 {
            return Err("no partner's text was in the answer".into());
        }
    }
    Ok(taken)
}

/// Relays a second by so many threads, each with pairs of its own, on one lobby.
fn lock_contention(threads: usize) -> BenchResult<f64> {
    let lobby = MemoryLobby::new(IDLE, seeded_rng());
    let work = |thread: u64| -> BenchResult<u64> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let people: Vec<_> = (0..2 * PAIRS).map(|n| user(2 * PAIRS * thread + n)).collect();
        runtime.block_on(async {
            let act = async |who, action| -> BenchResult<Outcome> {
                let performed = lobby.perform(Call::new(who, Timestamp::default()), action).await?;
                if let Some(lease) = performed.lease.id {
                    lobby.settle(who, lease, true);
                }
                Ok(performed.outcome)
            };
            for who in &people {
                act(*who, unique_preference(thread)).await?;
            }
            let (stopwatch, mut count) = (Stopwatch::start(), 0);
            for who in people.iter().cycle() {
                if stopwatch.elapsed() > ROUND {
                    break;
                }
                let sender = lobby.sender_state(*who).await?;
                act(*who, relay(sender)).await?;
                count += 1;
            }
            Ok(count)
        })
    };
    let counts: BenchResult<Vec<u64>> = thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads as u64).map(|thread| scope.spawn(move || work(thread))).collect();
        running.into_iter().map(|one| one.join().map_err(|_| "a thread panicked")?).collect()
    });
    Ok(float(counts?.into_iter().sum()) / ROUND.as_secs_f64())
}

fn main() -> BenchResult<()> {
    let mut arguments = env::args().skip_while(|argument| argument != MEASURE_ARG).skip(1);
    if let Some(people) = arguments.next() {
        return measure(people.parse()?);
    }
    println!(
        "| People | waiting | pairs | match p50 | p99 | relay p50 | p99 | stats p50 | p99 | whole call p50 | p99 |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in SIZES {
        let child =
            Command::new(env::current_exe()?).args([MEASURE_ARG, &size.to_string()]).status()?;
        if !child.success() {
            return Err("a size could not be measured".into());
        }
    }
    println!("\n| Threads on one lock | relays a second | of one thread |");
    println!("|---:|---:|---:|");
    let mut rounds = THREADS.map(|_| Vec::new());
    for _ in 0..ROUNDS_EACH {
        for (threads, own) in THREADS.into_iter().zip(&mut rounds) {
            own.push(lock_contention(threads)?);
        }
    }
    let rounds = rounds.map(median);
    for (threads, own) in THREADS.into_iter().zip(rounds) {
        println!("| {threads} | {} | {:.2} |", grouped(own), own / rounds[0]);
    }
    println!("\n{}", machine());
    Ok(())
}
