//! The lobby itself: memory per idle person, how long a match takes, and how long a call waits
//! while a sweep evicts many.
//!
//! Each size is measured in a process of its own: memory that an allocator keeps from an earlier
//! size would count for the later one, or hide it.

mod common;
#[path = "common/moderated.rs"]
mod guarded;

use std::env;
use std::error::Error;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use once_cell::sync::Lazy;
use rand::rngs::StdRng;
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::manager::RandomConnectManager;
use random_connect::connect::moderated::ModeratedLobby;
use random_connect::connect::sweep_all;
use random_connect::kernel::clock::{Clock, ManualClock, Stopwatch, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, Realm, UserId};
use random_connect::mask::{Masked, Memory, mask};
use tokio::runtime::{Builder, Runtime};

use common::{Latencies, float, grouped, latencies, machine, median, micros, record};

// As in the binary: what a person takes depends on the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
const MATCHES: u64 = 500_000;

/// The argument with which this program calls itself to measure one size.
const MEASURE_ARG: &str = "--measure";

const EVICTED: u64 = 100_000;
const SWEEPS: usize = 11;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// What a sweep may delay a call by.
const DELAY_BOUND: Duration = Duration::from_millis(5);

/// Scatters people over the lobby, so that a match does not find them in the processor's cache.
/// It shares no factor with any size.
const STRIDE: u64 = 7_919;

/// As they are in the server: hashes, which are in no order.
static IDS: Lazy<IdHasher> = Lazy::new(|| IdHasher::random(&mut seeded_rng()));

fn user(number: u64) -> UserId {
    IDS.user_id(Realm::Puch, &number.to_string())
}

const fn call(who: UserId, now: Timestamp) -> Call {
    Call::new(who, now)
}

/// A manager on its own, with what its calls need.
struct ManagerBench {
    manager: RandomConnectManager,
    rng: StdRng,
    now: Timestamp,
}

impl ManagerBench {
    fn new() -> Self {
        let manager = RandomConnectManager::new(IDLE_TIMEOUT);
        Self { manager, rng: seeded_rng(), now: Timestamp::default() }
    }

    /// Carries out an action and has its answer delivered.
    fn perform(&mut self, who: UserId, action: Action) -> Outcome {
        let performed = self.manager.perform(call(who, self.now), action, &mut self.rng);
        if let Some(lease) = performed.lease.id {
            self.manager.settle(who, lease, true);
        }
        performed.outcome
    }
}

/// The memory of this process that is in use, from the kernel's exact count.
fn resident_bytes() -> BenchResult<u64> {
    let figures = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = figures.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("no resident size")?.trim().parse::<u64>()? * 1024)
}

/// Fills a lobby with idle people, then lets strangers among them meet and leave.
fn measure(people: u64) -> BenchResult<()> {
    let mut lobby = ManagerBench::new();
    lobby.perform(user(people), Action::ReadInbox);
    let before = resident_bytes()?;
    let mut longest = Duration::ZERO;
    for number in 0..people {
        let who = user(number);
        lobby.now = Timestamp::from_millis(number);
        let stopwatch = Stopwatch::start();
        lobby.perform(who, Action::ReadInbox);
        longest = longest.max(stopwatch.elapsed());
    }
    let bytes = (resident_bytes()? - before) / people;
    let mut latencies = latencies();
    let half = people / 2;
    for meeting in 0..MATCHES {
        // Everybody has another partner each time, so that all are strangers.
        let (turn, round) = (meeting * STRIDE % half, meeting / half);
        let (first, second) = (user(turn), user(half + (turn + round * STRIDE) % half));
        lobby.perform(first, Action::meet());
        let stopwatch = Stopwatch::start();
        let outcome = lobby.perform(second, Action::meet());
        record(&mut latencies, stopwatch.elapsed());
        if !matches!(outcome, Outcome::Connected { .. }) {
            return Err("two strangers were not connected".into());
        }
        lobby.perform(first, Action::Leave);
    }
    println!(
        "| {} | {bytes} B | {:.2} ms | {:.2} µs | {:.2} µs | {:.0} µs |",
        grouped(float(people)),
        longest.as_secs_f64() * 1e3,
        micros(&latencies, 0.5),
        micros(&latencies, 0.99),
        micros(&latencies, 1.0),
    );
    Ok(())
}

/// A lobby in which many have been silent for too long, each in a chat, which is the costliest
/// to end, and each of whom the guard remembers; and two others who talk.
struct SweepFixture {
    lobby: ModeratedLobby,
    clock: ManualClock,
    talking: [UserId; 2],
    text: Masked,
}

impl SweepFixture {
    async fn gather() -> BenchResult<Self> {
        let crowd = Self {
            lobby: guarded::lobby(IDLE_TIMEOUT),
            clock: ManualClock::default(),
            talking: [user(EVICTED), user(EVICTED + 1)],
            text: mask("Hello! How are you?"),
        };
        for number in 0..EVICTED {
            crowd.act(user(number), Action::meet()).await?;
        }
        for number in 0..EVICTED {
            crowd.relay(user(number)).await?;
        }
        crowd.clock.advance(IDLE_TIMEOUT);
        for who in crowd.talking {
            crowd.act(who, Action::meet()).await?;
        }
        Ok(crowd)
    }

    /// Carries out an action and has its answer delivered.
    async fn act(&self, who: UserId, action: Action) -> BenchResult<Outcome> {
        let performed = self.lobby.perform(call(who, self.clock.now()), action).await?;
        if let Some(lease) = performed.lease.id {
            self.lobby.settle(who, lease, true);
        }
        Ok(performed.outcome)
    }

    /// All that a relay asks of the lobby.
    async fn relay(&self, who: UserId) -> BenchResult<Outcome> {
        let sender = self.lobby.sender_state(who).await?;
        self.act(who, Action::Relay { text: self.text.clone(), sender, memory: Memory::default() })
            .await
    }

    /// The two talk without a pause until told to stop.
    async fn talk(&self, stop: &AtomicBool) -> BenchResult<Latencies> {
        let mut latencies = latencies();
        for who in self.talking.into_iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let stopwatch = Stopwatch::start();
            let outcome = self.relay(who).await?;
            record(&mut latencies, stopwatch.elapsed());
            if !matches!(outcome, Outcome::Sent { .. }) {
                return Err("a message was not sent".into());
            }
        }
        Ok(latencies)
    }

    /// How long the calls of the two took while `other` ran beside them.
    fn talk_while<T>(&self, other: impl FnOnce() -> BenchResult<T>) -> BenchResult<(Latencies, T)> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let talk = scope.spawn(|| runtime()?.block_on(self.talk(&stop)));
            let done = other();
            stop.store(true, Ordering::Relaxed);
            let latencies = talk.join().map_err(|_| "the calls panicked")?;
            Ok((latencies?, done?))
        })
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}

/// The longest delays of calls while one lobby after the other is swept, and just before; and how
/// long the sweeps took. All in milliseconds.
#[derive(Default)]
struct SweepReport {
    baseline: Vec<f64>,
    longest: Vec<f64>,
    took: Vec<f64>,
}

fn sweeps() -> BenchResult<SweepReport> {
    let runtime = runtime()?;
    let mut sweeps = SweepReport::default();
    let mut usual = Duration::from_secs(1);
    for _ in 0..SWEEPS {
        let crowd = runtime.block_on(SweepFixture::gather())?;
        // As long as a sweep takes: the longer one waits, the worse the worst.
        let (quiet, ()) = crowd.talk_while(|| {
            thread::sleep(usual);
            Ok(())
        })?;
        let (swept, took) = crowd.talk_while(|| {
            let stopwatch = Stopwatch::start();
            let evicted = runtime.block_on(sweep_all(&crowd.lobby, crowd.clock.now()))?;
            let took = stopwatch.elapsed();
            if u64::try_from(evicted)? == EVICTED {
                Ok(took)
            } else {
                Err("not all were evicted".into())
            }
        })?;
        usual = took;
        sweeps.baseline.push(micros(&quiet, 1.0) / 1e3);
        sweeps.longest.push(micros(&swept, 1.0) / 1e3);
        sweeps.took.push(took.as_secs_f64() * 1e3);
    }
    Ok(sweeps)
}

fn main() -> BenchResult<()> {
    let mut arguments = env::args().skip_while(|argument| argument != MEASURE_ARG).skip(1);
    if let Some(people) = arguments.next() {
        return measure(people.parse()?);
    }
    println!(
        "| Idle people | memory per person | longest call on the way | match p50 | p99 | max |"
    );
    println!("|---:|---:|---:|---:|---:|---:|");
    for size in SIZES {
        let size = size.to_string();
        let child = Command::new(env::current_exe()?).args([MEASURE_ARG, &size]).status()?;
        if !child.success() {
            return Err("a size could not be measured".into());
        }
    }
    print(sweeps()?);
    println!("\n{}", machine());
    Ok(())
}

fn print(sweeps: SweepReport) {
    let bound = DELAY_BOUND.as_secs_f64() * 1e3;
    println!("\n| Longest call, of {SWEEPS} runs | median | max | runs within {bound} ms |");
    println!("|---|---:|---:|---:|");
    for (name, longest) in
        [("without a sweep", sweeps.baseline), ("while 100,000 are evicted", sweeps.longest)]
    {
        let within = longest.iter().filter(|millis| **millis <= bound).count();
        let max = longest.iter().copied().fold(0.0, f64::max);
        println!("| {name} | {:.2} ms | {max:.2} ms | {within} |", median(longest));
    }
    println!(
        "\nA sweep takes {:.0} ms. What is long without one as well is the machine's doing.",
        median(sweeps.took)
    );
}
