//! Memory of the lobby per idle user, match latency, and the delay of calls during a sweep.
//!
//! Each size runs in a separate process, because memory that the allocator retains from an earlier
//! size would distort the next result.

mod common;
#[path = "common/lobby.rs"]
mod lobby;
#[path = "common/moderated.rs"]
mod moderated;

use std::env;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::steps::sweep_all;
use random_connect::connect::moderated::action::ModeratedOutcome;
use random_connect::kernel::clock::{Clock, ManualClock, Stopwatch, Timestamp};
use random_connect::kernel::id::UserId;
use random_connect::mask::{Memory, mask};
use tokio::runtime::{Builder, Runtime};

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};
use lobby::{ManagerBench, STRIDE, TEXT, user};
use moderated::ModeratedBench;

// The allocator of the binary, because it affects the memory per user.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of idle users.
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
/// Number of measured matches.
const MATCHES: u64 = 500_000;

/// The argument of the process that measures one size; the size follows.
const MEASURE_ARG: &str = "--measure";

/// Number of users that one sweep evicts.
const EVICTED: u64 = 100_000;
/// Number of measured sweeps.
const SWEEPS: usize = 11;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Maximum delay of a call by a sweep.
const DELAY_BOUND: Duration = Duration::from_millis(5);

/// Returns the resident memory of this process, from the exact count of the kernel.
fn resident_bytes() -> BenchResult<u64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("no resident size")?.trim().parse::<u64>()? * 1024)
}

/// Fills a lobby with idle users, then matches pairs of them that have not met yet.
fn measure(users: u64) -> BenchResult<()> {
    let mut lobby = ManagerBench::new(IDLE_TIMEOUT);
    lobby.perform(user(users), Action::ReadInbox);
    let before = resident_bytes()?;
    let mut longest = Duration::ZERO;
    for number in 0..users {
        let user = user(number);
        lobby.now = Timestamp::from_millis(number);
        let stopwatch = Stopwatch::start();
        lobby.perform(user, Action::ReadInbox);
        longest = longest.max(stopwatch.elapsed());
    }
    let bytes = (resident_bytes()? - before) / users;
    let mut latencies = latencies();
    let half = users / 2;
    for number in 0..MATCHES {
        // Each round has other pairs, so that no recent partners meet.
        let (turn, round) = (number * STRIDE % half, number / half);
        let (first, second) = (user(turn), user(half + (turn + round * STRIDE) % half));
        lobby.perform(first, Action::meet());
        let outcome = lobby.timed(&mut latencies, second, Action::meet());
        if !matches!(outcome, Outcome::Connected { .. }) {
            return Err("two users were not matched".into());
        }
        lobby.perform(first, Action::Leave);
    }
    println!(
        "| {} | {bytes} B | {:.2} ms | {:.2} µs | {:.2} µs | {:.0} µs |",
        grouped(float(users)),
        longest.as_secs_f64() * 1e3,
        micros(&latencies, 0.5),
        micros(&latencies, 0.99),
        micros(&latencies, 1.0),
    );
    Ok(())
}

/// A lobby with [`EVICTED`] idle users and two active ones.
///
/// Each idle user is in a chat, which is the costliest to evict, and has state in the rate limiter.
struct SweepFixture {
    moderated: ModeratedBench,
    clock: ManualClock,
    /// The two active users, in a chat.
    active: [UserId; 2],
}

impl SweepFixture {
    /// Creates the lobby and lets all but the active users reach the idle timeout.
    async fn new() -> BenchResult<Self> {
        let fixture = Self {
            moderated: moderated::lobby(IDLE_TIMEOUT),
            clock: ManualClock::default(),
            active: [user(EVICTED), user(EVICTED + 1)],
        };
        for number in 0..EVICTED {
            fixture.act(user(number), Action::meet()).await?;
        }
        for number in 0..EVICTED {
            fixture.relay(user(number)).await?;
        }
        fixture.clock.advance(IDLE_TIMEOUT);
        for user in fixture.active {
            fixture.act(user, Action::meet()).await?;
        }
        Ok(fixture)
    }

    /// Performs an action whose answer is delivered.
    async fn act(&self, user: UserId, action: Action) -> BenchResult<ModeratedOutcome> {
        let call = Call::new(user, self.clock.now());
        let result = self.moderated.0.perform(call, action).await?;
        if let Some(lease) = result.lease.id {
            self.moderated.1.mailbox.settle(user, lease, true);
        }
        Ok(result.outcome)
    }

    /// Makes all calls of a relay to the lobby.
    async fn relay(&self, user: UserId) -> BenchResult<ModeratedOutcome> {
        let sender = self.moderated.0.sender_state(user).await?;
        let (text, memory) = (mask(TEXT), Memory::default());
        self.act(user, Action::Relay { text, sender, memory }).await
    }

    /// Relays messages between the active users without a pause until `stop` is set.
    async fn chat(&self, stop: &AtomicBool) -> BenchResult<Latencies> {
        let mut latencies = latencies();
        for user in self.active.into_iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let stopwatch = Stopwatch::start();
            let outcome = self.relay(user).await?;
            record(&mut latencies, stopwatch.elapsed());
            if !matches!(outcome, ModeratedOutcome::Lobby(Outcome::Sent { .. })) {
                return Err("a message was not sent".into());
            }
        }
        Ok(latencies)
    }

    /// Runs `job` while the active users chat; returns their latencies and the result.
    fn chat_while<T>(&self, job: impl FnOnce() -> BenchResult<T>) -> BenchResult<(Latencies, T)> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let chat = scope.spawn(|| runtime()?.block_on(self.chat(&stop)));
            let result = job();
            stop.store(true, Ordering::Relaxed);
            let latencies = chat.join().map_err(|_| "the calls panicked")?;
            Ok((latencies?, result?))
        })
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}

/// One entry per swept lobby, in milliseconds.
#[derive(Default)]
struct SweepReport {
    /// Maximum latency just before the sweep.
    baseline: Vec<f64>,
    /// Maximum latency during the sweep.
    longest: Vec<f64>,
    /// Duration of the sweep.
    duration: Vec<f64>,
}

/// Sweeps [`SWEEPS`] lobbies.
fn sweeps() -> BenchResult<SweepReport> {
    let runtime = runtime()?;
    let mut report = SweepReport::default();
    let mut last_duration = Duration::from_secs(1);
    for _ in 0..SWEEPS {
        let fixture = runtime.block_on(SweepFixture::new())?;
        // The baseline is as long as a sweep, because a maximum grows with the time.
        let (baseline, ()) = fixture.chat_while(|| {
            thread::sleep(last_duration);
            Ok(())
        })?;
        let (during, duration) = fixture.chat_while(|| {
            let stopwatch = Stopwatch::start();
            let now = fixture.clock.now();
            let (_, backend, moderation) = &fixture.moderated;
            let evicted = runtime.block_on(sweep_all(&*backend.upkeep, now, |_| ()))?;
            runtime.block_on(moderation.purge(now))?;
            let duration = stopwatch.elapsed();
            if u64::try_from(evicted)? == EVICTED {
                Ok(duration)
            } else {
                Err("not all idle users were evicted".into())
            }
        })?;
        last_duration = duration;
        report.baseline.push(micros(&baseline, 1.0) / 1e3);
        report.longest.push(micros(&during, 1.0) / 1e3);
        report.duration.push(duration.as_secs_f64() * 1e3);
    }
    Ok(report)
}

fn main() -> BenchResult<()> {
    let mut arguments = env::args().skip_while(|argument| argument != MEASURE_ARG).skip(1);
    if let Some(users) = arguments.next() {
        return measure(users.parse()?);
    }
    println!(
        "| Idle users | memory per user | max latency during insertion | match p50 | p99 | max |"
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

fn print(report: SweepReport) {
    let bound = DELAY_BOUND.as_secs_f64() * 1e3;
    println!("\n| Max latency, {SWEEPS} runs | median | max | runs within {bound} ms |");
    println!("|---|---:|---:|---:|");
    for (name, longest) in
        [("without a sweep", report.baseline), ("with 100,000 evictions", report.longest)]
    {
        let within = longest.iter().filter(|millis| **millis <= bound).count();
        let max = longest.iter().copied().fold(0.0, f64::max);
        println!("| {name} | {:.2} ms | {max:.2} ms | {within} |", median(longest));
    }
    println!(
        "\nA sweep takes {:.0} ms. Delays without a sweep are caused by the machine.",
        median(report.duration)
    );
}
