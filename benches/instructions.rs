//! Instruction counts of the most frequent operations; fails if one exceeds its limit.
//!
//! Run with `cargo bench --bench instructions`; it needs valgrind. Measurements of time do not
//! belong in this file, because a shared machine can't reproduce them within a few percent;
//! instruction counts it can. To count another operation, add a row to [`WORKLOADS`].
//!
//! Each workload runs in separate processes, a few times and many times. The difference of the two
//! counts excludes the start of the process and needs no symbols, which the release build strips.
//! Counts of calls over HTTP include those of the client, which are few. Instructions of the kernel
//! are never counted.

#[path = "common/moderated.rs"]
mod moderated;
#[path = "common/result.rs"]
mod result;

use std::env;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::Config;
use random_connect::connect::command;
use random_connect::connect::dto::HandleMessageParams;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{Clock, ManualClock, SystemClock, seeded_rng};
use random_connect::kernel::id::IdHasher;
use random_connect::kernel::token::AuthTokens;
use random_connect::mask;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use result::BenchResult;

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The argument of the process that runs a workload; its name and the number of runs follow.
const RUN_ARG: &str = "--do";

/// Numbers of runs whose counts are subtracted.
///
/// Two starts differ by about ten million instructions, so a large number of runs is needed to make
/// that negligible.
const FEW_RUNS: u64 = 200;
const MANY_RUNS: u64 = 10_200;

/// Name, measured instructions of one run on x86-64, and a function that makes `n` runs.
///
/// Other compilers and processors have other counts.
type Workload = (&'static str, u64, fn(u64));

/// All workloads.
const WORKLOADS: [Workload; 7] = [
    ("mask chat", 1_151, mask_chat),
    ("mask numbers", 19_749, mask_numbers),
    ("parse", 2_042, parse),
    ("relay", 52_709, relay),
    ("meet and leave", 56_167, meet),
    ("short form over HTTP", 48_552, short_form),
    ("`tools/call` over HTTP", 57_962, tools_call),
];

/// Maximum excess of a count over the measured one, in percent.
///
/// Counts vary by less than one percent, because the hashes of user ids differ between runs. Those
/// over HTTP vary by up to four, because client and server wake each other; their measured count is
/// the highest of four.
const TOLERANCE_PERCENT: u64 = 8;

fn main() -> BenchResult<()> {
    let arguments: Vec<String> = env::args().collect();
    if let Some(index) = arguments.iter().position(|argument| argument == RUN_ARG) {
        let [name, runs] = &arguments[index + 1..] else { return Err("a name and a count".into()) };
        let (_, _, work) =
            WORKLOADS.iter().find(|work| work.0 == name).ok_or("unknown workload")?;
        work(runs.parse()?);
        return Ok(());
    }
    println!("| Instructions | measured | limit | current | |");
    println!("|---|---:|---:|---:|---|");
    let mut exceeded = Vec::new();
    for (name, measured, _) in WORKLOADS {
        let total = instructions(name, MANY_RUNS)?.saturating_sub(instructions(name, FEW_RUNS)?);
        let current = total / (MANY_RUNS - FEW_RUNS);
        let limit = measured * (100 + TOLERANCE_PERCENT) / 100;
        let fits = current <= limit;
        println!(
            "| {name} | {measured} | {limit} | {current} | {} |",
            if fits { "ok" } else { "too many" }
        );
        if !fits {
            exceeded.push(name);
        }
    }
    if exceeded.is_empty() { Ok(()) } else { Err(exceeded.join(", ").into()) }
}

/// Counts the instructions of a process that runs a workload.
fn instructions(name: &str, runs: u64) -> BenchResult<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([RUN_ARG, name, &runs.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let count = stderr.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = count.ok_or_else(|| format!("no count: {stderr}"))?;
    Ok(count.trim().parse()?)
}

fn mask_chat(times: u64) {
    for _ in 0..times {
        black_box(mask::mask(black_box("haha same here, we should make a playlist together")));
    }
}

fn mask_numbers(times: u64) {
    for _ in 0..times {
        for text in
            ["call me on 98765 43210 ok?", "nine eight seven six five four three two one zero"]
        {
            black_box(mask::mask(black_box(text)));
        }
    }
}

fn parse(times: u64) {
    for _ in 0..times {
        for text in ["#meet music, hindi", "#bye", "how was your day?"] {
            black_box(command::parse(black_box(text)));
        }
    }
}

/// Handles the messages in `setup` once, then those in `messages` `times` times.
///
/// A message is its user and its text.
fn converse(setup: &[(&str, &str)], messages: &[(&str, &str)], times: u64) {
    mask::warm_up();
    let (lobby, backend, _) = moderated::lobby(Duration::from_secs(1_800));
    let ids = IdHasher::random(&mut seeded_rng());
    let clock = Arc::new(ManualClock::default());
    let service = ConnectService::new(lobby, backend, clock, ids, ConnectOptions::default());
    let say = async |user: &str, message: &str| {
        let (puch_user_id, message) = (user.to_owned().into(), message.to_owned().into());
        let params =
            HandleMessageParams { message, puch_user_id, user_nickname: None, message_id: None };
        if let Ok(reply) = service.handle(service.subject(&params.puch_user_id), params).await {
            black_box(reply.text);
            reply.receipt.confirm();
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for (user, message) in setup {
            say(user, message).await;
        }
        for _ in 0..times {
            for (user, message) in messages {
                say(user, message).await;
            }
        }
    });
}

/// Relays one message in each direction.
fn relay(times: u64) {
    let messages = [("ann", "hello, how are you today?"), ("ben", "fine, and you?")];
    converse(&[("ann", "#meet"), ("ben", "#meet")], &messages, times);
}

/// Matches two users, the only ones in the lobby, and ends the chat.
fn meet(times: u64) {
    converse(&[], &[("ann", "#meet"), ("ben", "#meet"), ("ann", "#bye")], times);
}

/// Makes whole calls of two users in a chat, in turn, over one connection.
fn call(times: u64, body: fn(&Value) -> Value) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let result = runtime.block_on(async {
        let setting = |name: &str| (name == "RATE_LIMITS").then(|| "off".into());
        let config = Config::from_lookup(TOOLSETS, setting).map_err(|_| "invalid settings")?;
        let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut stream = TcpStream::connect(listener.local_addr()?).await?;
        let tokens = AuthTokens::parse("token")?;
        tokio::spawn(async move {
            app.serve_http(listener, tokens, ConnectionLimits::default(), CancellationToken::new())
                .await;
        });
        let request = |user: &str, message: &str| {
            let body = body(&json!({ "message": message, "puch_user_id": user })).to_string();
            format!(
                "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer token\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let messages =
            [request("ann", "hello, how are you today?"), request("ben", "fine, and you?")];
        let meet = ["ann", "ben"].map(|user| request(user, "#meet"));
        let calls = meet.iter().chain(messages.iter().cycle().take(usize::try_from(times)?));
        let mut response = vec![0; 4_096];
        for call in calls {
            stream.write_all(call.as_bytes()).await?;
            let length = stream.read(&mut response).await?;
            // The server writes a response in one piece, which ends with a JSON object.
            let response = &response[..length];
            if !response.starts_with(b"HTTP/1.1 200") || !response.ends_with(b"}") {
                return Err("a response is incomplete or not 200".into());
            }
        }
        BenchResult::Ok(())
    });
    result.expect("every call is answered");
}

fn short_form(times: u64) {
    call(times, |arguments| json!({ "method": "handle_message", "params": arguments }));
}

fn tools_call(times: u64) {
    call(times, |arguments| {
        json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "handle_message", "arguments": arguments },
        })
    });
}
