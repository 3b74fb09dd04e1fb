//! Instructions of what the server does most, each against a limit: fails when one is exceeded. Run
//! with `cargo bench --bench counts`; it needs valgrind.
//!
//! What lives here: the pieces of work, the limits, and running each under callgrind. What must not:
//! time, which a shared machine cannot tell to a few percent; the count of instructions it can. To
//! count another piece: a row in [`WORK`].
//!
//! A call over HTTP counts with its client's instructions, which are few; the system's are in no count.
//!
//! Each piece runs in a process of its own, few times and then many: what the start takes is in both
//! counts and so in neither's difference, and no symbols are needed, which the release build strips.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::config::Config;
use random_connect::connect::command;
use random_connect::connect::dto::HandleMessageParams;
use random_connect::connect::lobby::store_memory::MemoryLobby;
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

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchResult<T> = Result<T, Box<dyn Error>>;

/// The argument with which this program calls itself to do one piece of work so many times.
const RUN_ARG: &str = "--do";

/// How often a piece of work is done, without and with what is counted. A start differs from the next by
/// some ten million instructions, so that it takes many not to see that in one.
const FEW_RUNS: u64 = 200;
const MANY_RUNS: u64 = 10_200;

type Workload = (&'static str, u64, fn(u64));

/// A piece of work by name, the instructions of one on x86-64 as they were measured, and what does
/// it so many times. Another compiler or processor has other counts.
const WORKLOADS: [Workload; 7] = [
    ("mask chat", 1_151, mask_chat),
    ("mask numbers", 19_749, mask_numbers),
    ("parse", 2_042, parse),
    ("relay", 42_208, relay),
    ("meet and leave", 40_622, meet),
    ("plain form over HTTP", 48_552, short_form),
    ("`tools/call` over HTTP", 57_962, tools_call),
];

/// By how many percent a count may exceed what was measured: the addresses that people are hashed
/// to differ from run to run, which moves the counts by less than one. Those over HTTP vary by up to four,
/// as the two sides wake each other; of them the highest of four runs counts as measured.
const TOLERANCE_PERCENT: u64 = 8;

fn main() -> BenchResult<()> {
    let arguments: Vec<String> = env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == RUN_ARG) {
        let [name, times] = &arguments[at + 1..] else { return Err("a name and a count".into()) };
        let (_, _, work) = WORKLOADS.iter().find(|work| work.0 == name).ok_or("no such work")?;
        work(times.parse()?);
        return Ok(());
    }
    println!("| Instructions | measured | limit | now | |");
    println!("|---|---:|---:|---:|---|");
    let mut exceeded = Vec::new();
    for (name, known, _) in WORKLOADS {
        let all = instructions(name, MANY_RUNS)?.saturating_sub(instructions(name, FEW_RUNS)?);
        let (now, limit) = (all / (MANY_RUNS - FEW_RUNS), known * (100 + TOLERANCE_PERCENT) / 100);
        let fits = now <= limit;
        println!(
            "| {name} | {known} | {limit} | {now} | {} |",
            if fits { "ok" } else { "too many" }
        );
        if !fits {
            exceeded.push(name);
        }
    }
    if exceeded.is_empty() { Ok(()) } else { Err(exceeded.join(", ").into()) }
}

/// The instructions of a process that does a piece of work so many times.
fn instructions(name: &str, times: u64) -> BenchResult<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([RUN_ARG, name, &times.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let count = told.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = count.ok_or_else(|| format!("no count: {told}"))?;
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

/// Says each of `said`, a speaker and a text, in turn, over and over.
fn converse(before: &[(&str, &str)], said: &[(&str, &str)], times: u64) {
    mask::warm_up();
    let lobby = MemoryLobby::new(Duration::from_secs(1_800), seeded_rng());
    let ids = IdHasher::random(&mut seeded_rng());
    let clock = Arc::new(ManualClock::default());
    let service = ConnectService::new(Arc::new(lobby), clock, ids, ConnectOptions::default());
    let say = async |who: &str, message: &str| {
        let (puch_user_id, message) = (who.to_owned(), message.to_owned());
        let incoming =
            HandleMessageParams { message, puch_user_id, user_nickname: None, message_id: None };
        if let Ok(answer) = service.handle(incoming).await {
            black_box(answer.text);
            answer.receipt.confirm();
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for (who, message) in before {
            say(who, message).await;
        }
        for _ in 0..times {
            for (who, message) in said {
                say(who, message).await;
            }
        }
    });
}

/// One message there and one back.
fn relay(times: u64) {
    let talk = [("ann", "hello, how are you today?"), ("ben", "fine, and you?")];
    converse(&[("ann", "#meet"), ("ben", "#meet")], &talk, times);
}

/// Two who meet again as soon as they left: nobody else is there.
fn meet(times: u64) {
    converse(&[], &[("ann", "#meet"), ("ben", "#meet"), ("ann", "#bye")], times);
}

/// Calls over one connection by two people in a chat, in turn: the whole way of a call but for what
/// the system does.
fn call(times: u64, body: fn(&Value) -> Value) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let called = runtime.block_on(async {
        let setting = |name: &str| (name == "RATE_LIMITS").then(|| "off".into());
        let config = Config::from_lookup(setting).map_err(|_| "the settings are refused")?;
        let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut stream = TcpStream::connect(listener.local_addr()?).await?;
        let tokens = AuthTokens::parse("token")?;
        tokio::spawn(async move {
            app.serve_http(listener, tokens, ConnectionLimits::default(), CancellationToken::new())
                .await;
        });
        let request = |who: &str, message: &str| {
            let body = body(&json!({ "message": message, "puch_user_id": who })).to_string();
            format!(
                "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer token\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let talk = ["hello, how are you today?", "fine, and you?"];
        let talk = ["ann", "ben"].iter().zip(talk).map(|(who, text)| request(who, text));
        let talk: Vec<_> = talk.collect();
        let meet = ["ann", "ben"].map(|who| request(who, "#meet"));
        let calls = meet.iter().chain(talk.iter().cycle().take(usize::try_from(times)?));
        let mut answer = vec![0; 4_096];
        for call in calls {
            stream.write_all(call.as_bytes()).await?;
            let length = stream.read(&mut answer).await?;
            // An answer is written at once, and ends with the end of an object.
            if !answer[..length].starts_with(b"HTTP/1.1 200") || !answer[..length].ends_with(b"}") {
                return Err("an answer that is none".into());
            }
        }
        BenchResult::Ok(())
    });
    called.expect("every call is answered");
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
