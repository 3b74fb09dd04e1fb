//! A relay over HTTP, through `tools/call` and through the plain form, beside a bare axum handler
//! that parses the same body and answers the same JSON.
//!
//! All three run in this process and share a runtime; only one of them is loaded at a time. They
//! take turns in short rounds, so that whatever else the machine does meets each alike, and the
//! medians of the rounds are shown. The load generator needs the same cores, so the calls per
//! second include its work. The CPU time per call does not: it is that of the server's threads.

mod common;

use std::error::Error;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use random_connect::app::App;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock, seeded_rng};
use random_connect::kernel::token::AuthTokens;
use random_connect::transport::core::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use common::{Latencies, float, grouped, latencies, machine, median, micros, record};

// As in the binary: the server is measured as it runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Each has a pair of people who write to each other in turn.
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);

/// The name of the server's threads, by which their CPU time is told from the load generator's.
const SERVER_THREAD: &str = "server";

/// In every right answer to a relay.
const SENT: &str = "📤 Message sent";

/// What people write: ordinary texts, some with digits that the masker has to think about.
const TEXTS: &[&str] = &[
    "Hello! How are you?",
    "I'm fine, thanks. Where are you from?",
    "Mumbai, and you? It has been raining here since 7:30 this morning 🌧️",
    "नमस्ते! मैं दिल्ली से हूँ, यहाँ 42 डिग्री है",
    "haha ok",
    "Did you see the match yesterday? 287/4 after 50 overs, I could not believe it!",
    "Yes!! What do you do when you are not watching cricket?",
    "I study maths, second year. My exam is on 12/05 and I have not even started",
];

/// How a call is put.
#[derive(Clone, Copy)]
enum Form {
    ToolsCall,
    Plain,
}

impl Form {
    fn body(self, message: &str, user: &str) -> Value {
        let arguments = json!({ "message": message, "puch_user_id": user });
        match self {
            Self::ToolsCall => json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "handle_message", "arguments": arguments },
            }),
            Self::Plain => json!({ "method": "handle_message", "params": arguments }),
        }
    }

    fn request(self, message: &str, user: &str, token: &str) -> Vec<u8> {
        let body = self.body(message, user).to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        (head + &body).into_bytes()
    }
}

/// A kept-alive connection with the requests it sends over and over.
struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
    requests: Vec<Vec<u8>>,
    next: usize,
}

impl Client {
    /// A connection over which two people, met on it, write to each other.
    async fn connect(at: SocketAddr, form: Form, token: &str, number: usize) -> Fallible<Self> {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        let people = [format!("ann-{number}"), format!("bob-{number}")];
        let turns = TEXTS.iter().zip(people.iter().cycle());
        let requests = turns.map(|(text, user)| form.request(text, user, token)).collect();
        let mut client = Self { stream, answer: Vec::with_capacity(4096), requests, next: 0 };
        for user in &people {
            client.call(&form.request("#meet", user, token)).await?;
        }
        Ok(client)
    }

    /// Sends a request and says whether the answer is 200 and tells of a message sent.
    async fn call(&mut self, request: &[u8]) -> Fallible<bool> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(head_end) = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
            else {
                continue;
            };
            let (head, body) = self.answer.split_at(head_end + 4);
            let head = std::str::from_utf8(head)?;
            let length = head.split_once("content-length: ").and_then(|(_, rest)| {
                rest.split_once("\r\n").and_then(|(length, _)| length.parse::<usize>().ok())
            });
            if body.len() >= length.ok_or("an answer without a length")? {
                let body = std::str::from_utf8(body)?;
                return Ok(head.starts_with("HTTP/1.1 200 ") && body.contains(SENT));
            }
        }
    }

    /// Sends one request after the other for a time, and says how many answers were not right.
    async fn run(&mut self, span: Duration, latencies: &mut Latencies) -> Fallible<u64> {
        let requests = std::mem::take(&mut self.requests);
        let (whole, mut wrong) = (Stopwatch::start(), 0);
        while whole.elapsed() < span {
            let stopwatch = Stopwatch::start();
            let right = self.call(&requests[self.next]).await?;
            record(latencies, stopwatch.elapsed());
            wrong += u64::from(!right);
            self.next = (self.next + 1) % requests.len();
        }
        self.requests = requests;
        Ok(wrong)
    }
}

/// One way of being called, with its open connections and its rounds so far.
struct Contestant {
    name: &'static str,
    clients: Vec<Client>,
    rounds: Vec<Round>,
    wrong: u64,
}

/// The figures of one round.
struct Round {
    calls_per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
    cpu_micros: f64,
}

impl Contestant {
    async fn new(name: &'static str, at: SocketAddr, form: Form, token: &str) -> Fallible<Self> {
        let mut clients = Vec::new();
        // One after the other: who asks to meet is paired with the other of the same connection.
        for number in 0..CONNECTIONS {
            clients.push(Client::connect(at, form, token, number).await?);
        }
        Ok(Self { name, clients, rounds: Vec::new(), wrong: 0 })
    }

    async fn round(&mut self, span: Duration) -> Fallible<Round> {
        let (cpu, stopwatch) = (server_cpu_nanos()?, Stopwatch::start());
        let running = std::mem::take(&mut self.clients).into_iter().map(|mut client| {
            tokio::spawn(async move {
                let mut latencies = latencies();
                let wrong = client.run(span, &mut latencies).await?;
                Fallible::Ok((client, latencies, wrong))
            })
        });
        let mut latencies = latencies();
        for ended in running.collect::<Vec<_>>() {
            let (client, of_client, wrong) = ended.await??;
            self.clients.push(client);
            latencies.add(of_client)?;
            self.wrong += wrong;
        }
        let (took, cpu) = (stopwatch.elapsed(), server_cpu_nanos()?.saturating_sub(cpu));
        Ok(Round {
            calls_per_second: float(latencies.len()) / took.as_secs_f64(),
            p50_micros: micros(&latencies, 0.5),
            p99_micros: micros(&latencies, 0.99),
            cpu_micros: float(cpu) / 1e3 / float(latencies.len()),
        })
    }

    fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// The median of the ratios to the rounds of `other` that were run beside one's own.
    fn ratio(&self, other: &Self, figure: impl Fn(&Round) -> f64) -> f64 {
        let beside = self.rounds.iter().zip(&other.rounds);
        median(beside.map(|(own, other)| figure(own) / figure(other)).collect())
    }
}

/// The CPU time that the threads of the server took so far.
fn server_cpu_nanos() -> Fallible<u64> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        if fs::read_to_string(thread.join("comm"))?.trim_end() == SERVER_THREAD {
            let figures = fs::read_to_string(thread.join("schedstat"))?;
            let on_cpu = figures.split(' ').next().ok_or("no figures of a thread")?;
            nanos += on_cpu.parse::<u64>()?;
        }
    }
    Ok(nanos)
}

#[derive(Deserialize)]
struct ToolsCall {
    id: u64,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    arguments: Arguments,
}

#[derive(Deserialize)]
struct Arguments {
    message: String,
}

#[derive(Serialize)]
struct Answer {
    jsonrpc: &'static str,
    id: u64,
    result: ToolResult,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    content: [Text; 1],
    is_error: bool,
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

/// The least a server can do for a relay's body and answer: no token, no people, no masking.
async fn bare(body: Bytes) -> Result<Json<Answer>, StatusCode> {
    let ToolsCall { id, params } =
        serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let message = params.arguments.message;
    let text =
        format!("💬 User_ABCD: {message}\n\n{SENT} to your partner from User_EFGH: {message}");
    let content = [Text { r#type: "text", text }];
    Ok(Json(Answer { jsonrpc: "2.0", id, result: ToolResult { content, is_error: false } }))
}

/// Starts the handler and the real server on ports of their own.
async fn start(tokens: AuthTokens) -> Fallible<(SocketAddr, SocketAddr)> {
    let bare_listener = TcpListener::bind("127.0.0.1:0").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addresses = (bare_listener.local_addr()?, listener.local_addr()?);
    let bare_listener = bare_listener.tap_io(|stream| {
        // A connection without it would only be slower: the figures would show it.
        let _ = stream.set_nodelay(true);
    });
    let routes = Router::new().route("/mcp", post(bare));
    tokio::spawn(async move { axum::serve(bare_listener, routes).await });
    let config = Config::from_lookup(|_| None).map_err(|_| "the defaults are refused")?;
    let app =
        App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>)).expect("a server");
    tokio::spawn(async move {
        app.serve_http(listener, tokens, Limits::default(), CancellationToken::new()).await;
    });
    Ok(addresses)
}

/// Lets the contestants take turns.
async fn contest(bare: SocketAddr, server: SocketAddr, token: &str) -> Fallible<Vec<Contestant>> {
    let mut contestants = vec![
        Contestant::new("bare axum", bare, Form::ToolsCall, token).await?,
        Contestant::new("plain form", server, Form::Plain, token).await?,
        Contestant::new("`tools/call`", server, Form::ToolsCall, token).await?,
    ];
    for contestant in &mut contestants {
        contestant.round(WARM_UP).await?;
    }
    for _ in 0..ROUNDS {
        for contestant in &mut contestants {
            let round = contestant.round(ROUND).await?;
            contestant.rounds.push(round);
        }
    }
    Ok(contestants)
}

fn print(contestants: &[Contestant]) {
    let [bare, ..] = contestants else { return };
    println!(
        "| Relay over HTTP | calls/s | of bare axum | p50 | p99 | server CPU per call | of bare axum |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for contestant in contestants {
        println!(
            "| {} | {} | {:.2} | {:.2} ms | {:.2} ms | {:.1} µs | {:.2} |",
            contestant.name,
            grouped(contestant.median(|round| round.calls_per_second)),
            contestant.ratio(bare, |round| round.calls_per_second),
            contestant.median(|round| round.p50_micros) / 1e3,
            contestant.median(|round| round.p99_micros) / 1e3,
            contestant.median(|round| round.cpu_micros),
            contestant.ratio(bare, |round| round.cpu_micros),
        );
    }
    println!(
        "\n{} Medians of {ROUNDS} rounds of {} s; {CONNECTIONS} connections, each with one call at \
         a time; the load generator shares the cores, its CPU time is not in the last columns.",
        machine(),
        ROUND.as_secs(),
    );
}

fn runtime(thread_name: &str) -> io::Result<Runtime> {
    Builder::new_multi_thread().thread_name(thread_name).enable_all().build()
}

fn main() -> Fallible<ExitCode> {
    let (server, load) = (runtime(SERVER_THREAD)?, runtime("load")?);
    let tokens = AuthTokens::generate(&mut seeded_rng());
    let token = tokens.current().to_owned();
    // On a thread of the runtime: nothing of the server may run elsewhere.
    let (bare_at, server_at) = server.block_on(server.spawn(start(tokens)))??;
    let contestants =
        load.block_on(load.spawn(async move { contest(bare_at, server_at, &token).await }))??;
    print(&contestants);
    let wrong: u64 = contestants.iter().map(|contestant| contestant.wrong).sum();
    if wrong > 0 {
        eprintln!("error: {wrong} answers were not 200 or did not tell of a message sent");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
